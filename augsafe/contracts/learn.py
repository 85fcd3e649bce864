"""A contract proposed from labelled images, for a person to confirm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augsafe.contracts.evidence import Evidence, gather
from augsafe.contracts.limits import Limits
from augsafe.contracts.relations import Key, Relation
from augsafe.contracts.rule import SHARE, Claim, changes, suggestions
from augsafe.contracts.symmetry import SYMMETRIES, inverse
from augsafe.statistics import needed, one_thread
from augsafe.typicality import Reference, fit

ALPHA = 0.05  # level at which an image counts as untypical of its class
SAME = 0.75  # a class is proposed as symmetric where more of its images than this stay typical, at 95 %


@dataclass(frozen=True)
class Finding:
    """What the images say of one class under one symmetry: the relation proposed, why, and how sure."""

    relation: Relation
    why: str
    needs: int | None = None


@dataclass(frozen=True, eq=False)
class Learned:
    """Relations and limits with the reasons for each, and the evidence they rest on."""

    relations: Mapping[Key, Relation]
    limits: Mapping[str, Limits]
    notes: Mapping[tuple[str, ...], str]
    evidence: Evidence
    held: tuple[Claim, ...]
    suggested: tuple[Claim, ...]


@one_thread()
def learn(
    images: Any,
    labels: Any,
    *,
    classes: Sequence[str] | None = None,
    groups: Any = None,
    reference: Callable[[Any], Any] | None = None,
    limits: bool = True,
    seed: int = 0,
    jobs: int = 1,
) -> Learned:
    """See `Contract.learn`."""
    fitted = fit(images, labels, classes=classes, groups=groups, reference=reference, alpha=ALPHA, seed=seed, jobs=jobs)
    return from_reference(fitted, images, limits)


def from_reference(fitted: Reference, images: Any, limits: bool = False) -> Learned:
    """What the images of a fitted reference say."""
    evidence = gather(fitted, images)
    held = changes(evidence)
    suggested = suggestions(evidence, held)
    relations: dict[Key, Relation] = {}
    notes: dict[tuple[str, ...], str] = {("classes",): _preamble(fitted)}
    for c, name in enumerate(fitted.classes):
        if name in fitted.undecided:
            notes["relations", name] = f"undecided: {fitted.lack(name)}"
            continue
        for s, symmetry in enumerate(SYMMETRIES):
            if symmetry != "identity":
                found = _cell(evidence, held, suggested, s, c)
                relations[name, symmetry] = found.relation
                notes["relations", name, symmetry] = found.why
    found_limits: dict[str, Limits] = {}
    if limits:
        from augsafe.contracts.learned_limits import propose

        found_limits, more = propose(fitted, images)
        notes.update(more)
    return Learned(_consistent(fitted.classes, relations, notes), found_limits, notes, evidence, tuple(held),
                   tuple(suggested))  # fmt: skip


def _preamble(fitted: Reference) -> str:
    used, groups = len(fitted.rows), len(np.unique(fitted.groups))
    lines = [
        "Proposed from images; a person must confirm each line. Shares are of the images of a class, according to",
        f"{used:,} images in {groups:,} groups; bounds are one-sided, at 95 %.",
    ]
    lines += [f"The images cannot tell {a} and {b} apart." for a, b in fitted.look_alikes]
    return "\n".join(lines)


def _cell(evidence: Evidence, held: Sequence[Claim], suggested: Sequence[Claim], s: int, c: int) -> Finding:
    """The proposal for one symmetry and class."""
    names, back = evidence.classes, SYMMETRIES.index(inverse(SYMMETRIES[s]))
    for claim in held:
        if (claim.symmetry, claim.cls) == (s, c):
            to = names[claim.to]
            there, here = evidence.reads.rate[s, c, claim.to], evidence.reads.rate[back, claim.to, c]
            also = "; follows from two others" if claim.derived else ""
            why = (
                f"changes: {_percent(there)} (at least {_percent(evidence.reads.low[s, c, claim.to])}) look like "
                f"typical {to} and unlike {names[c]}, and {_percent(here)} the other way{also}"
            )
            return Finding(Relation("to", to), why)
    for claim in suggested:
        if (claim.symmetry, claim.cls) == (s, c):
            far = evidence.distance[s, c, claim.to]
            why = f"suggested: nearest to {names[claim.to]}, both ways, at {far:.1f} times its usual distance; confirm"
            return Finding(Relation("ambiguous"), why)
    return _without_claim(evidence, s, c)


def _without_claim(evidence: Evidence, s: int, c: int) -> Finding:
    names, kept, strange = evidence.classes, evidence.kept, evidence.unfamiliar
    to = int(evidence.reads.rate[s, c].argmax())
    reads = evidence.reads.rate[s, c, to]
    alike = [names[b] for b in np.flatnonzero(evidence.reference.alike[c])]
    if kept.low[s, c] > SAME and evidence.reads.high[s, c, to] < SHARE:
        words = f" (or {', '.join(alike)}: the images cannot tell)" if alike else ""
        return Finding(
            Relation("same"), f"{_percent(kept.rate[s, c])} (at least {_percent(kept.low[s, c])}) stay typical{words}"
        )
    if strange.low[s, c] > 0.5:
        why = f"unfamiliar: {_percent(strange.rate[s, c])} are unlike any class here; may still be readable"
        return Finding(Relation("unknown"), why)
    if evidence.reads.low[s, c, to] > SHARE:
        why = f"{_percent(reads)} look like {names[to]}, but not the other way round; look at some"
        return Finding(Relation("unknown"), why)
    mixed = f"{_percent(kept.rate[s, c])} stay typical, {_percent(strange.rate[s, c])} are like no class"
    if reads > 0:
        mixed += f", {_percent(reads)} look like {names[to]}"
    if kept.high[s, c] < SAME and evidence.reads.high[s, c, to] < SHARE:
        return Finding(Relation("unknown"), f"mixed: {mixed}; look at some")
    n = needed(float(kept.rate[s, c]), SAME) if kept.high[s, c] >= SAME else needed(float(reads), SHARE)
    more = f"about {n:,} images of the class would decide" if n else "more images would hardly decide"
    return Finding(Relation("unknown"), f"undecided: {mixed}; {more}", n)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _consistent(
    classes: tuple[str, ...], relations: dict[Key, Relation], notes: dict[tuple[str, ...], str]
) -> dict[Key, Relation]:
    """Take back what contradicts the rest, the weakest kind first, until a contract can be made of it."""
    from augsafe.contracts.relations import close
    from augsafe.errors import ContractError

    kept = {key: r for key, r in relations.items() if r.kind == "to"}
    for kind in ("same", "ambiguous", "unknown"):
        for key, relation in relations.items():
            if relation.kind != kind:
                continue
            try:
                close(classes, {**kept, key: relation})
            except ContractError:
                notes[("relations", *key)] += "; left open, as it contradicts another line"
                relation = Relation("unknown")
            kept[key] = relation
    return {key: kept[key] for key in relations}
