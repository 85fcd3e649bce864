"""Draws of a policy on images, rendered and judged: what no symmetry explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import SHARE
from augsafe.guards.base import Finding, Witness
from augsafe.guards.judging import judge
from augsafe.pixels import render
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.typicality import CHANGED, UNFAMILIAR, Excess, Judged, Reference, excess

LIMIT = 0.1  # of unfamiliar draws beyond those of clean images


@dataclass(frozen=True, eq=False)
class Seen:
    """The reference's images under one draw each: of one step alone (acting), or of the whole policy (as drawn)."""

    steps: tuple[str, ...]
    share: float  # of draws in which these steps act
    policy: Compose = field(repr=False)
    plan: Plan = field(repr=False)
    judged: Judged = field(repr=False)
    before: Judged = field(repr=False)

    @property
    def upright(self) -> NDArray[np.bool_]:
        """Where the draw is nearest to no symmetry, so that none can explain a change (n,)."""
        return np.asarray(judge(self.plan.jacobian).symmetry == 0)


def look(compose: Compose, reference: Reference, images: Sequence[NDArray[Any]], seed: int) -> list[Seen]:
    """Each step alone, then the whole policy."""
    chosen = [images[int(i)] for i in reference.rows]
    clean = reference.judge_features(reference.extract(chosen), reference.own, reference.fold)
    shapes = np.array([image.shape[:2] for image in chosen], dtype=np.int64)
    alone = [((s.label,), s.p, replace(compose, steps=(replace(s, p=1.0),), output=None)) for s in compose.steps
             if not s.never_acts]  # fmt: skip
    whole = (tuple(s.label for s in compose.steps if not s.never_acts), 1.0, replace(compose, output=None))
    out = []
    for steps, share, policy in alone if len(compose.steps) == 1 else [*alone, whole]:
        plan = policy.plan(shapes, reference.rows, seed)
        made = list(render(chosen, plan))
        judged = reference.judge_features(reference.extract(made), reference.own, reference.fold)
        out.append(Seen(steps, share, policy, plan, judged, clean))
    return out


def drawn_findings(reference: Reference, images: Sequence[NDArray[Any]], seen: Sequence[Seen]) -> list[Finding]:
    """AS402 and AS104 for the smallest of the sets of steps looked at that shows each."""
    out: list[Finding] = []
    told: dict[str, set[int]] = {"AS402": set(), "AS104": set()}
    for one in seen:
        for code, cells in (("AS402", _unfamiliar(reference, one)), ("AS104", _changed(reference, one))):
            if len(one.steps) > 1:  # what a single step does need not be said again of all
                cells = {c: v for c, v in cells.items() if c not in told[code]}
            told[code] |= set(cells)
            if cells:
                out.append(_finding(code, reference, images, one, cells))
    return out


Cells = dict[int, tuple[float, float, float, int]]
"""By class: the rate, its bounds, and the class it then reads as (-1 for none)."""


def _unfamiliar(reference: Reference, one: Seen) -> Cells:
    found = excess(reference, (one.judged.outcome == UNFAMILIAR)[None], one.before.outcome == UNFAMILIAR)
    return {int(c): (*_cell(found, int(c)), -1) for c in np.flatnonzero(found.low[0] > LIMIT)}


def _changed(reference: Reference, one: Seen) -> Cells:
    """Pairs of classes that each become the other: the same share, the same certainty as under a symmetry."""
    count = len(reference.classes)
    upright = one.upright
    if not upright.any():
        return {}
    now = np.where((one.judged.outcome == CHANGED) & upright, one.judged.to, -1)
    before = np.where(one.before.outcome == CHANGED, one.before.to, -1)
    targets = [excess(reference, (now == b)[None], before == b) for b in range(count)]
    low = np.stack([t.low[0] for t in targets], axis=1)
    return {
        int(a): (*_cell(targets[b], int(a)), int(b))
        for a, b in np.argwhere((low > SHARE) & (low.T > SHARE))
        if low[a].argmax() == b and low[b].argmax() == a
    }


def _cell(found: Excess, cls: int) -> tuple[float, float, float]:
    return float(found.rate[0, cls]), max(0.0, float(found.low[0, cls])), min(1.0, float(found.high[0, cls]))


def _finding(code: str, reference: Reference, images: Sequence[NDArray[Any]], one: Seen, cells: Cells) -> Finding:
    names = reference.classes
    worst = max(cells, key=lambda c: cells[c][0])
    rate, low, high, to = cells[worst]
    changed = code == "AS104"
    said = ", ".join(f"{cells[c][0]:.0%} of {names[c]} as {names[cells[c][3]]}" for c in list(cells)[:6])
    return Finding(
        code=code,
        severity="error" if changed else "info",
        how="sampled",
        evidence="measured",
        verdict="changes" if changed else "unfamiliar",
        steps=one.steps,
        classes=tuple(names[c] for c in cells),
        message=f"the result reads as another class in these images, both ways ({said})"
        if changed
        else f"up to {rate:.0%} more images than without augmentation are unlike any class here; they may still be "
        "readable",
        help="Look at the images. Then narrow the range, or remove the steps for these classes (PerClass)."
        if changed
        else "Look at the example. If such images are readable and may occur, keep the step. If not, narrow its range.",
        becomes={names[c]: names[cells[c][3]] for c in cells} if changed else {},
        probability=rate * one.share,
        interval=(low * one.share, high * one.share),
        per_class={names[c]: cells[c][0] * one.share for c in cells},
        witness=_witness(reference, images, one, worst, CHANGED if changed else UNFAMILIAR, to),
    )


def _witness(
    reference: Reference, images: Sequence[NDArray[Any]], one: Seen, cls: int, outcome: int, to: int
) -> Witness:
    """The clearest image: least typical of its own class, most of the other."""
    rows = np.flatnonzero((reference.own == cls) & (one.judged.outcome == outcome))
    rows = rows[(one.judged.to[rows] == to) & (one.before.outcome[rows] != outcome)] if len(rows) else rows
    row = int(rows[np.lexsort((-one.judged.p_other[rows], one.judged.p_own[rows]))[0]])
    plan = one.policy.assemble(one.plan.shapes[[row]], one.plan.draws.rows(np.array([row])))
    index = int(reference.rows[row])
    shown = render([images[index]], plan)[0]
    return Witness(plan.describe(), plan.record(), plan.matrix[0], index, images[index], shown)
