"""The interval of label_leak (AS404), on policies that leave the same traces: guards/measured/leaks.py."""

from __future__ import annotations

import augsafe as aug
from benchmarks.coverage.lines import Line

SHARE = 10  # of the repeats that others get: a forest is grown in each
ALIKE = aug.PerClass({"a": aug.Rotate((-15, 15)), "b": aug.Compose([aug.Rotate((-15, 15)), aug.HorizontalFlip()])})


def simulate(repeats: int) -> list[Line]:
    """A flip leaves no trace: the policy is told in half of the plans, and nothing must be reported."""
    count = max(1, repeats // SHARE)
    found = [aug.label_leak(ALIKE, ["a", "b"], draws=400, seed=seed) for seed in range(count)]
    missed = sum(not one.interval[0] <= 0.5 <= one.interval[1] for one in found)
    return [
        Line("label_leak: 95% interval of the accuracy", "two policies alike, 400 plans", 0.05, missed, count),
        Line("label_leak: reported", "two policies alike, 400 plans", 0.05, sum(not one.ok for one in found), count),
    ]
