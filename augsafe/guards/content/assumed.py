"""Content without images: an object assumed in the middle half of the frame, which is a guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Finding
from augsafe.guards.content.rules import COVERED, VISIBLE
from augsafe.guards.judging import middle_visible
from augsafe.guards.witnesses import shrink, witness_of
from augsafe.objects import Objects
from augsafe.planning import Plan
from augsafe.policies import Compose, covered, erasures, spared
from augsafe.randomness import FloatArray
from augsafe.statistics import EPSILON, clopper_pearson

MOST_DRAWS = 20_000
MOST_SHRUNK = 1_000
NEXT = "Give images with masks or boxes to check the real objects."
Persists = Callable[[Plan], NDArray[np.bool_]]


def assumed_findings(compose: Compose, plan: Plan, contract: Contract) -> list[Finding]:
    """An object assumed in the middle half of the frame, held against the contract's visible share and AS203.

    A remark where that is so in more than 5 % of the draws: where the objects really are, only images can tell.
    """
    some = np.arange(min(len(plan), MOST_DRAWS))
    plan = spared(compose.assemble(plan.shapes[some], plan.draws.rows(some)), Objects.centre(len(some)))
    groups: dict[float, list[str]] = {}
    for cls in contract.classes:
        limit = contract.limits_for(cls).visible
        groups.setdefault(VISIBLE if limit is None else limit, []).append(cls)
    out: list[Finding | None] = []
    for limit, classes in groups.items():
        words = f"less than {limit:.0%} of an object in the middle half of the image stays in the frame"
        fix = f"Lower the shift or the zoom. {NEXT}"
        lost: Persists = lambda p, limit=limit: _kept(p) < limit  # type: ignore[misc]  # noqa: E731
        out.append(_finding("AS201", compose, plan, tuple(classes), lost, words, fix))
    if erasures(plan):
        words = f"erased patches hide more than {COVERED:.0%} of an object in the middle half of the image"
        fix = f"Set max_object_share=. {NEXT}"
        out.append(_finding("AS203", compose, plan, contract.classes, _hidden, words, fix))
    return [finding for finding in out if finding is not None]


def _kept(plan: Plan) -> FloatArray:
    """The share of the middle half that a draw leaves of what would be there without one."""
    before = middle_visible(plan.plain(np.arange(len(plan))))
    return np.asarray(middle_visible(plan) / np.maximum(before, 1e-6))


def _hidden(plan: Plan) -> NDArray[np.bool_]:
    return covered(plan, Objects.centre(len(plan))) > COVERED + 1e-6


def _finding(
    code: str, compose: Compose, plan: Plan, classes: tuple[str, ...], persists: Persists, words: str, fix: str
) -> Finding | None:
    """What the draws show for some classes; None where few draws show it."""
    rows = np.flatnonzero(persists(plan))
    if len(rows) <= EPSILON * len(plan):
        return None
    kept = rows[:MOST_SHRUNK]
    acting = shrink(compose, plan, kept, persists)
    common, _ = Counter(tuple(r) for r in acting).most_common(1)[0]
    rate, interval = len(rows) / len(plan), clopper_pearson(len(rows), len(plan))
    return Finding(
        code=code,
        severity="info",
        how="sampled",
        evidence="guessed",
        verdict="undecided",
        steps=tuple(leaf.label for leaf, on in zip(compose.leaves, common, strict=True) if on),
        classes=classes,
        message=words,
        help=fix,
        probability=rate,
        interval=interval,
        per_class=dict.fromkeys(classes, rate),
        witness=witness_of(compose, plan, int(kept[next(i for i, r in enumerate(acting) if tuple(r) == common)])),
    )
