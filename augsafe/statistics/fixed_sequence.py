"""Learn then Test with a fixed sequence: from the identity outward, as long as each step can be shown to be safe.

Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
Control" (2021): each scale has the null hypothesis that the rate exceeds its limit; scales are tested in an order fixed
beforehand, each at the whole level, and the walk ends at the first that is not rejected. So the chance that a scale
whose rate is over the limit is certified is at most the level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics.intervals import smallest

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """A rate over `n` independent groups; `single`: each gave one outcome, so that the count is binomial."""

    rate: float
    n: int
    single: bool


def tally(events: BoolArray, groups: IndexArray) -> Tally:
    """The mean over groups (n,) of the share of each group's images to which it happened: one outcome a group."""
    if not len(events):
        return Tally(math.nan, 0, True)
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    shares = np.bincount(inverse, events.astype(np.float64)) / sizes
    return Tally(float(shares.mean()), len(names), bool((sizes == 1).all()))


def p_value(seen: Tally, limit: float) -> float:
    """The p-value of the hypothesis that the expected rate is over the limit (scipy).

    One outcome a group: exact, binomial. Means over the images of a group: the bound of Hoeffding and Bentkus (Bates,
    Angelopoulos, Lei, Malik and Jordan, "Distribution-Free, Risk-Controlling Prediction Sets", 2021).
    """
    from scipy.stats import binom

    if seen.n == 0 or seen.rate >= limit:
        return 1.0
    if seen.single:
        return float(binom.cdf(round(seen.rate * seen.n), seen.n, limit))
    # rounding must not lift a count over a whole number
    bentkus = math.e * float(binom.cdf(math.ceil(seen.rate * seen.n - 1e-9), seen.n, limit))
    return min(1.0, math.exp(-seen.n * _divergence(seen.rate, limit)), bentkus)


def _divergence(a: float, b: float) -> float:
    """Of two coins, in nats: Hoeffding's exponent."""
    from scipy.special import rel_entr

    return float(rel_entr(a, b) + rel_entr(1 - a, 1 - b))


def certified(p: FloatArray, level: float) -> int:
    """How many scales, from the weakest on, are rejected one after the other: p (k,), NaN where not measured."""
    passed = np.nan_to_num(p, nan=1.0) <= level
    return int(np.cumprod(passed).sum())


def needed_to_certify(rate: float, limit: float, level: float) -> int | None:
    """How many independent images would certify a rate such as this; None where it is at or over the limit."""
    from scipy.stats import binom

    if not rate < limit:
        return None

    def enough(n: int) -> bool:
        return bool(binom.cdf(math.floor(rate * n), n, limit) <= level)

    return smallest(enough)  # not quite monotone, as counts are whole: near enough to plan with
