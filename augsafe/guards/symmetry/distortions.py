"""Distortions held against the contract: how far they move a pixel, in fractions of the shorter side.

No symmetry and no matrix says what a distortion does to a class. What is judged is its largest displacement, from
draws; the affine map that is nearest to it counts with the other steps.
"""

from __future__ import annotations

import numpy as np

from augsafe.contracts import Contract
from augsafe.guards.base import Finding
from augsafe.guards.witnesses import witness_of
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.statistics import clopper_pearson
from augsafe.transforms import Distortion


def distortion_findings(compose: Compose, plan: Plan, contract: Contract) -> list[Finding]:
    """AS106 where draws displace further than a class allows, AS103 where the contract has no limit for it."""
    steps = tuple(leaf.label for leaf in compose.leaves if isinstance(leaf, Distortion) and not leaf.never_acts)
    if not steps or not plan.displaced.any():
        return []
    groups: dict[float | None, list[str]] = {}
    for cls in contract.classes:
        groups.setdefault(contract.limits_for(cls).displacement, []).append(cls)
    found = [_over(compose, plan, steps, limit, tuple(classes)) for limit, classes in groups.items()]
    return [finding for finding in found if finding is not None]


def _over(
    compose: Compose, plan: Plan, steps: tuple[str, ...], limit: float | None, classes: tuple[str, ...]
) -> Finding | None:
    bad = plan.displaced > (0.0 if limit is None else limit + 1e-9)
    if not bad.any():
        return None
    rate, row = float(bad.mean()), int(np.argmax(plan.displaced))
    acting = tuple(name for name in steps if plan.draws.active[name][row])
    named = " or ".join(acting)
    if limit is None:
        words = (
            f"distorts by up to {plan.displaced[row]:.1%} of the side; the contract has no limit for this",
            "State limits: {displacement: ...} in the contract (a fraction of the shorter side), or give labelled "
            "images, so that the change of class can be measured.",
        )
    else:
        words = (
            f"distorts by up to {plan.displaced[row]:.1%} of the side; the limit is {limit:.1%}",
            f"Lower the displacement of {named}. The limit applies to all steps together.",
        )
    return Finding(
        code="AS103" if limit is None else "AS106",
        severity="warning" if limit is None else "error",
        how="sampled",
        evidence="stated",
        verdict="unknown" if limit is None else "outside-limits",
        steps=acting,
        classes=classes,
        message=words[0],
        help=words[1],
        probability=rate,
        interval=clopper_pearson(int(bad.sum()), len(plan)),
        per_class=dict.fromkeys(classes, rate),
        witness=witness_of(compose, plan, row),
    )
