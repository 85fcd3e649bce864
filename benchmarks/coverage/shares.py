"""Shares of draws that break a rule, over images that differ: statistics/shares.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics import EPSILON, shares_by_class
from benchmarks.coverage.lines import Line

Counts = NDArray[np.int64]
Interval = Callable[[Counts, Counts], tuple[float, float]]
DRAWS = 32
CLUSTERS = (10, 20, 100, 400)
SHAPES = ("all or nothing", "beta, unlike", "beta, alike")
_SPREAD = {"beta, unlike": 0.5, "beta, alike": 5.0}  # sums of the two parameters


def bad(shape: str, clusters: int, rate: float, rng: np.random.Generator) -> Counts:
    """Bad draws of each image, whose own rates differ; in the mean they are `rate`."""
    if shape == "all or nothing":
        own = (rng.random(clusters) < rate).astype(float)
    else:
        own = rng.beta(rate * _SPREAD[shape], (1 - rate) * _SPREAD[shape], clusters)
    return np.asarray(rng.binomial(DRAWS, own), np.int64)


def simulate(repeats: int, clusters: Sequence[int] = CLUSTERS, rate: float = EPSILON) -> list[Line]:
    """At the limit itself: the interval, and "certainly under the limit" and "certainly over" of shares_by_class."""
    lines = []
    for shape in SHAPES:
        for count in clusters:
            rng = np.random.default_rng([count, SHAPES.index(shape)])
            missed = under = over = 0
            for _ in range(repeats):
                found = shares_by_class(
                    bad(shape, count, rate, rng), np.full(count, DRAWS), np.arange(count), np.zeros(count, np.int64)
                )[0]
                missed += not found.low <= rate <= found.high
                under += found.status == "info"
                over += found.status == "error"
            setting = f"{count} images, {shape}"
            lines += [
                Line("share of an image rule: 95% interval", setting, 0.05, missed, repeats),
                Line(f"certainly under {rate:.0%}, at {rate:.0%}", setting, 0.05, under, repeats),
                Line(f"certainly over {rate:.0%}, at {rate:.0%}", setting, 0.05, over, repeats),
            ]
    return lines


def wald(bad: Counts, drawn: Counts) -> tuple[float, float]:
    """Wrong on purpose: the normal approximation, as if all draws were independent."""
    rate = bad.sum() / drawn.sum()
    half = 1.96 * float(np.sqrt(rate * (1 - rate) / drawn.sum()))
    return rate - half, rate + half


def control(repeats: int, interval: Interval = wald) -> list[Line]:
    """The same problems with another interval."""
    rng = np.random.default_rng(0)
    lines = []
    for shape in SHAPES:
        missed = 0
        for _ in range(repeats):
            low, high = interval(bad(shape, 100, EPSILON, rng), np.full(100, DRAWS))
            missed += not low <= EPSILON <= high
        lines.append(Line("Wald interval of all draws", f"100 images, {shape}", 0.05, missed, repeats))
    return lines
