"""Content without images: an object assumed in the middle half of the frame."""

from __future__ import annotations

from collections import Counter

import numpy as np

from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.guards.base import Finding
from augsafe.guards.judge import middle_visible
from augsafe.guards.shrink import clopper_pearson, shrink, witness_of
from augsafe.plan import Plan

MOST_DRAWS = 20_000
MOST_SHRUNK = 1_000
VISIBLE = 0.7


def standin_findings(compose: Compose, plan: Plan, contract: Contract) -> list[Finding]:
    """An object assumed in the middle half of the frame, held against the contract's visible share."""
    some = np.arange(min(len(plan), MOST_DRAWS))
    visible = middle_visible(compose.assemble(plan.shapes[some], plan.draws.rows(some)))
    out: list[Finding] = []
    groups: dict[float, list[str]] = {}
    for cls in contract.classes:
        limit = contract.limits_for(cls).visible
        groups.setdefault(VISIBLE if limit is None else limit, []).append(cls)
    for limit, classes in groups.items():
        rows = some[visible < limit]
        if not len(rows):
            continue
        kept = rows[:MOST_SHRUNK]
        acting = shrink(compose, plan, kept, lambda p, limit=limit: middle_visible(p) < limit)  # type: ignore[misc]
        common, _ = Counter(tuple(r) for r in acting).most_common(1)[0]
        rate = len(rows) / len(some)
        row = int(kept[next(i for i, r in enumerate(acting) if tuple(r) == common)])
        names = tuple(leaf.label for leaf, on in zip(compose.leaves, common, strict=True) if on)
        interval = clopper_pearson(len(rows), len(some))
        out.append(
            Finding(
                code="AS201",
                severity="error" if interval[0] > 0.05 else "warning",
                how="sampled",
                verdict="content-lost",
                steps=names,
                classes=tuple(classes),
                message=f"an object in the middle half of the image keeps less than {limit:.0%} of itself in the frame",
                help="Lower the shift or the zoom, or give images (and masks or boxes) to judge the real objects.",
                probability=rate,
                interval=interval,
                per_class=dict.fromkeys(classes, rate),
                witness=witness_of(compose, plan, row),
            )
        )
    return out
