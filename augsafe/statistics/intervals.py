"""Exact intervals of rates, where images may come in groups, and the n that would decide."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics.labels import IndexArray

FloatArray = NDArray[np.float64]
MOST_NEEDED = 100_000


def effective(values: NDArray[np.bool_], groups: IndexArray) -> FloatArray:
    """How many independent images each column of (n, k) is worth: fewer where images of one group agree.

    n p (1 - p) over the variance of the rate between groups; the number of groups where all values are alike (Korn and
    Graubard, "Confidence intervals for proportions with small expected number of positive counts", 1998).
    """
    n = len(values)
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    count = len(names)
    if count == n:
        return np.full(values.shape[1], float(n))
    rate = values.mean(axis=0)
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, inverse, values)
    variance = ((sums - sizes[:, None] * rate) ** 2).sum(axis=0) / n**2 * count / max(count - 1, 1)
    binomial = rate * (1 - rate)
    worth = np.where(variance > 0, binomial / np.where(variance > 0, variance, 1), count)
    return np.asarray(np.clip(worth, min(1, count), n))


def cut_down(worth: FloatArray, groups: int, n: int) -> FloatArray:
    """What `effective` gives for n images, less where few groups say little of how alike their images are.

    Times the squared ratio of the quantiles of Student's t with n - 1 and with groups - 1 degrees of freedom (the same
    paper).
    """
    from scipy.stats import t

    sure = float(groups == n)
    if 1 < groups < n:
        sure = float((t.ppf(0.975, n - 1) / t.ppf(0.975, groups - 1)) ** 2)
    return np.asarray(np.maximum(worth * sure, min(1, groups)))


def bounds(rate: FloatArray, n: FloatArray, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """One-sided exact bounds of rates, each at `level` (Clopper and Pearson, 1934; scipy's beta distribution).

    Args:
        rate: Rates seen, any shape.
        n: How many independent outcomes each rests on. It need not be whole.
        level: Of each bound, so 0.975 gives a 95 % interval.

    Returns:
        The lower and the upper bounds.
    """
    from scipy.stats import beta

    hits = rate * n
    low = np.where(hits > 1e-9, beta.ppf(1 - level, np.maximum(hits, 1e-9), n - hits + 1), 0.0)
    high = np.where(n - hits > 1e-9, beta.ppf(level, hits + 1, np.maximum(n - hits, 1e-9)), 1.0)
    return np.asarray(low), np.asarray(high)


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a rate.

    Args:
        hits: How many of the outcomes are hits.
        n: How many independent outcomes there are.
        level: Of the interval; half of the rest lies beyond either end.

    Returns:
        The lower and the upper end; 0 and 1 without outcomes.
    """
    if not n:
        return 0.0, 1.0
    low, high = bounds(np.array(hits / n), np.array(float(n)), 0.5 + level / 2)
    return float(low), float(high)


def interval_of_part(part: int, looked_at: int, hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the rate of one kind of hit, where only some of the hits were looked at.

    The rate is the rate of hits times the kind's share of them. Both have exact intervals, put together on the
    logarithm (Zou and Donner, "Construction of confidence intervals about effect measures", 2008). Where all hits were
    looked at the kind was counted itself, and the interval is exact.

    Args:
        part: Hits of the kind among those that were looked at, at least one.
        looked_at: How many hits were looked at, without regard to their kind.
        hits: How many hits there are.
        n: How many independent outcomes there are.

    Returns:
        The lower and the upper end.
    """
    if looked_at == hits:
        return clopper_pearson(part, n)
    (low, high), (least, most) = clopper_pearson(hits, n), clopper_pearson(part, looked_at)
    rate, share = hits / n, part / looked_at
    down, up = np.hypot(np.log(rate / low), np.log(share / least)), np.hypot(np.log(high / rate), np.log(most / share))
    return float(rate * share * np.exp(-down)), min(1.0, float(rate * share * np.exp(up)))


def exceeds(rate: FloatArray, n: FloatArray, limit: float) -> FloatArray:
    """The p-value of the rate being at most `limit`: the chance of so many hits in n (scipy)."""
    from scipy.stats import beta

    hits = rate * n
    return np.asarray(np.where(hits > 1e-9, beta.cdf(limit, np.maximum(hits, 1e-9), n - hits + 1), 1.0))


def needed(rate: float, limit: float, level: float = 0.95) -> int | None:
    """How many independent outcomes put a rate such as this clearly over or under a limit; None for too many."""

    def decided(n: int) -> bool:
        under, over = bounds(np.array(rate), np.array(float(n)), level)
        return bool(under > limit or over < limit)

    return smallest(decided)


def smallest(enough: Callable[[int], bool], most: int = MOST_NEEDED) -> int | None:
    """The smallest whole number from 1 to `most` that is enough, where all larger ones are too; None where none is."""
    numbers = range(1, most + 1)
    place = bisect_left(numbers, True, key=enough)
    return numbers[place] if place < most else None
