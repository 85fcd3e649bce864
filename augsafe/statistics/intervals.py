"""Exact intervals of rates, where images may come in groups, and the n that would decide."""

from __future__ import annotations

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
    """One-sided Clopper-Pearson bounds of rates from n images, each at `level` (scipy)."""
    from scipy.stats import beta

    hits = rate * n
    low = np.where(hits > 1e-9, beta.ppf(1 - level, np.maximum(hits, 1e-9), n - hits + 1), 0.0)
    high = np.where(n - hits > 1e-9, beta.ppf(level, hits + 1, np.maximum(n - hits, 1e-9)), 1.0)
    return np.asarray(low), np.asarray(high)


def exceeds(rate: FloatArray, n: FloatArray, limit: float) -> FloatArray:
    """The p-value of the rate being at most `limit`: the chance of so many hits in n (scipy)."""
    from scipy.stats import beta

    hits = rate * n
    return np.asarray(np.where(hits > 1e-9, beta.cdf(limit, np.maximum(hits, 1e-9), n - hits + 1), 1.0))


def needed(rate: float, limit: float, level: float = 0.95) -> int | None:
    """How many independent images put a rate such as this clearly over or under a limit; None for too many."""
    low, high = 1, MOST_NEEDED

    def decided(n: int) -> bool:
        under, over = bounds(np.array([rate]), np.array([float(n)]), level)
        return bool(under[0] > limit or over[0] < limit)

    if not decided(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle + 1, high)
    return low
