"""Changes by the symmetries that a policy reaches: learned relations, held against the policy as a contract is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import SHARE, SYMMETRIES, Contract, Evidence, Learned, Relation, inverse
from augsafe.errors import ContractError
from augsafe.guards.base import Finding, Witness
from augsafe.guards.judging import judge
from augsafe.guards.symmetry import static_check
from augsafe.pixels import render
from augsafe.policies import Compose
from augsafe.statistics import needed
from augsafe.transforms import Geometric
from augsafe.typicality import CHANGED

DRAWS = 4000
WORTH_ASKING = 0.1  # a share of images below this is no reason to ask for more


def symmetric_findings(
    compose: Compose,
    completed: Contract,
    learned: Learned,
    images: Sequence[NDArray[Any]],
    size: tuple[int, int],
    seed: int,
) -> list[Finding]:
    """AS104 for each change that holds, and each that is suggested, with the smallest set of steps.

    completed: the contract with the changes that hold.
    """
    names = completed.classes
    near = {(names[c.cls], SYMMETRIES[c.symmetry]): Relation("to", names[c.to]) for c in learned.suggested}
    held = {(names[c.cls], SYMMETRIES[c.symmetry]) for c in learned.held}
    out: list[Finding] = []
    for contract, certain in ((completed, True), (_alone(names, near), False)):
        if contract is None:
            continue
        for f in static_check(compose, contract, size=size, draws=DRAWS, seed=seed, content=False).findings:
            if f.becomes and f.witness is not None and f.witness.matrix is not None:
                symmetry = int(judge(f.witness.matrix[None, :2, :2]).symmetry[0])
                keys = [(c, SYMMETRIES[symmetry]) for c in f.classes]
                classes = tuple(c for c, key in zip(f.classes, keys, strict=True) if key in (held if certain else near))
                if classes:
                    out.append(_told(f, classes, symmetry, certain, learned.evidence, compose, images))
    return out


def _alone(names: tuple[str, ...], relations: dict[tuple[str, str], Relation]) -> Contract | None:
    """A contract of suggestions; they need not agree with one another, so each joins only where it can."""
    made: Contract | None = None
    for key, relation in relations.items():
        try:
            made = Contract(names, {**(made.relations if made else {}), key: relation})
        except ContractError:
            continue
    return made


def _told(
    f: Finding,
    classes: tuple[str, ...],
    symmetry: int,
    certain: bool,
    evidence: Evidence,
    compose: Compose,
    images: Sequence[NDArray[Any]],
) -> Finding:
    """A finding of the static guard, told with the share of images that the data say it of."""
    names = evidence.classes
    cells = {c: (symmetry, names.index(c), names.index(f.becomes[c])) for c in classes}
    draws = {c: f.per_class[c] for c in classes}
    share = {c: float(evidence.reads.rate[cell]) for c, cell in cells.items()}
    worst = max(classes, key=lambda c: share[c] * draws[c])
    low, high = f.interval or (0.0, 1.0)
    cell = cells[worst]
    interval = (low * float(evidence.reads.low[cell]), high * float(evidence.reads.high[cell]))
    said = ", ".join(f"{share[c]:.0%} of {c} as {f.becomes[c]}" for c in classes[:6])
    does = f.message.split(";")[0]
    if certain:
        message = f"{does}; in these images the result reads as another class, both ways ({said})"
    else:
        far = max(float(evidence.distance[c]) for c in cells.values())
        message = (
            f"{does}; in these images the result is most similar to another class, both ways ({said}), at {far:.1f} "
            "times the usual distance, but is not typical of it"
        )
    return replace(
        f,
        code="AS104",
        severity="error" if certain else "warning",
        how="sampled",
        evidence="measured",
        verdict="changes" if certain else "ambiguous",
        classes=classes,
        becomes={c: f.becomes[c] for c in classes},
        probability=share[worst] * draws[worst],
        interval=interval,
        per_class={c: share[c] * draws[c] for c in classes},
        message=message,
        help="Look at the images. Then state the relation in a contract (Contract.learn proposes one), or remove "
        + (" or ".join(f.steps) or "the steps")
        + " for these classes (PerClass).",
        witness=_shown(f.witness, compose, evidence, cell, images),
    )


def _shown(
    witness: Witness | None,
    compose: Compose,
    evidence: Evidence,
    cell: tuple[int, int, int],
    images: Sequence[NDArray[Any]],
) -> Witness | None:
    """The witness on the image that reads most clearly as the other class."""
    symmetry, cls, to = cell
    rows = evidence.members[cls]
    changed = rows[(evidence.outcome[symmetry, rows] == CHANGED) & (evidence.to[symmetry, rows] == to)]
    some = changed if len(changed) else rows
    if witness is None or not len(some):
        return witness
    index = int(evidence.reference.rows[some[evidence.closeness[symmetry, some, to].argmin()]])
    image = images[index]
    plan = compose.replay({**witness.record, "shapes": [list(image.shape[:2])]})
    return replace(witness, index=index, original=image, augmented=render([image], plan)[0], record=plan.record())


def open_cells(compose: Compose, learned: Learned, size: tuple[int, int], seed: int) -> list[Finding]:
    """AS105 where the images leave open whether a symmetry that the policy reaches makes one class of another."""
    plan = compose.plan(np.tile(np.array(size), (DRAWS, 1)), np.arange(DRAWS), seed)
    judged = judge(plan.jacobian).symmetry
    reached = np.bincount(judged, minlength=len(SYMMETRIES)) / DRAWS
    evidence, names = learned.evidence, learned.evidence.classes
    known = {(c.symmetry, c.cls) for c in (*learned.held, *learned.suggested)}
    out = []
    for s in range(1, len(SYMMETRIES)):
        back = SYMMETRIES.index(inverse(SYMMETRIES[s]))
        asked: dict[str, str] = {}
        for c in np.flatnonzero(evidence.ready) if reached[s] else ():
            to = int(evidence.reads.rate[s, c].argmax())
            pair = (evidence.reads.rate[s, c, to], evidence.reads.rate[back, to, c])
            high = min(evidence.reads.high[s, c, to], evidence.reads.high[back, to, c])
            if (s, int(c)) not in known and min(pair) > WORTH_ASKING and high > SHARE:
                n = needed(float(min(pair)), SHARE)
                asked[names[c]] = f"{pair[0]:.0%} of {names[c]} read as {names[to]}" + (f" (n = {n:,})" if n else "")
        if asked:
            out.append(_open(compose, s, float(reached[s]), asked))
    return out


def _open(compose: Compose, symmetry: int, share: float, asked: dict[str, str]) -> Finding:
    return Finding(
        code="AS105",
        severity="warning",
        how="sampled",
        evidence="measured",
        verdict="undecided",
        steps=tuple(leaf.label for leaf in compose.leaves if isinstance(leaf, Geometric)),
        classes=tuple(asked),
        message=f"the images do not settle whether {SYMMETRIES[symmetry]} changes the class: "
        + "; ".join(asked.values()),
        help="Give about n images of each class, or state the relation in a contract.",
        probability=share,
        interval=(0.0, share),
    )
