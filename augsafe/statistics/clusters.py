"""Bounds of a rate from clusters of outcomes: several draws of one image, several images of one group.

Clusters are independent; what is inside one is not. Nothing is assumed of how alike it is.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics.intervals import bounds, clopper_pearson

FloatArray = NDArray[np.float64]
Counts = NDArray[np.int64] | FloatArray  # shares of outcomes count as parts of one
STEP = 0.05  # of the integral; errors are below 1e-7 at 0.05
SMALL = 32.0  # what is left out of the integral is smaller than exp(-32) of its largest value
MOST = 20.0


def cluster_bounds(hits: Counts, sizes: Counts, level: float = 0.975) -> tuple[float, float]:
    """Bound a rate from clusters.

    Each cluster gets a random weight (exponential, independent of the others), and one more cluster is added, as large
    as the largest. In it all outcomes are hits for the upper bound, and none is for the lower one. The bounds are
    quantiles of the weighted rate (Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean
    of a nonnegative variable", 2005; Learned-Miller and Thomas, "A new confidence interval for the mean of a bounded
    random variable", 2019).

    Where clusters have one size and each agrees with itself, they are the exact bounds of Clopper and Pearson for as
    many outcomes as there are clusters. More hits never lower a bound. That the bounds hold is proven for equal
    clusters of two kinds and conjectured for others; `python -m benchmarks.coverage` looks for exceptions.

    Args:
        hits: How many outcomes of each cluster are hits (k,).
        sizes: How many outcomes each cluster has (k,); clusters of size 0 are left out.
        level: Of each bound, so 0.975 gives a 95 % interval.

    Returns:
        The lower and the upper bound; 0 and 1 without clusters.
    """
    inside = sizes > 0
    hits, sizes = hits[inside], sizes[inside]
    if not len(sizes):
        return 0.0, 1.0
    if (sizes == sizes[0]).all() and ((hits == 0) | (hits == sizes)).all():
        return clopper_pearson(int((hits > 0).sum()), len(hits), 2 * level - 1)
    return 1 - _upper(sizes - hits, sizes, level), _upper(hits, sizes, level)


def grouped_bounds(events: NDArray[np.bool_], groups: Counts, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """One-sided bounds of the rates of several events, where images come in groups.

    Args:
        events: Whether each event happened to each image (n, k).
        groups: The group of each image (n,).
        level: Of each bound, so 0.975 gives 95 % intervals.

    Returns:
        The lower and the upper bounds (k,).
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if (sizes == 1).all():
        return bounds(events.mean(axis=0), np.full(events.shape[1], float(len(groups))), level)
    hits = np.zeros((len(sizes), events.shape[1]), np.int64)
    np.add.at(hits, place, events)
    ends = np.array([cluster_bounds(column, sizes, level) for column in hits.T]).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def p_at_least(hits: Counts, sizes: Counts, rate: float) -> float:
    """The p-value of the true rate being at least `rate`: the test whose inverse is the upper bound.

    Args:
        hits: How many outcomes of each cluster are hits (k,), at least one cluster.
        sizes: How many outcomes each cluster has (k,), all above 0.
        rate: The rate to be excluded, below 1.

    Returns:
        The share of random weights under which the rate is above, the added cluster included.
    """
    (some, size), times = _kinds(hits, sizes)
    return float(np.exp(_log_positive(some - rate * size, times)))


def _kinds(hits: Counts, sizes: Counts) -> tuple[Counts, Counts]:
    """Different clusters (2, m), one more that is all hits among them, and how often each occurs."""
    pairs = np.stack([np.append(hits, sizes.max()), np.append(sizes, sizes.max())])
    kinds, times = np.unique(pairs, axis=1, return_counts=True)
    return kinds, times


def _upper(hits: Counts, sizes: Counts, level: float) -> float:
    if (hits == sizes).all():
        return 1.0
    kinds, times = _kinds(hits, sizes)
    return _solved(tuple(map(tuple, kinds.tolist())), tuple(times.tolist()), level)


@lru_cache(maxsize=4096)  # the same counts are asked about again and again
def _solved(kinds: tuple[tuple[int, ...], ...], times: tuple[int, ...], level: float) -> float:
    from scipy.optimize import brentq

    (hits, sizes), count, aim = np.array(kinds), np.array(times), float(np.log(1 - level))

    def excess(rate: float) -> float:
        return _log_positive(hits - rate * sizes, count) - aim

    if excess(1 - 1e-12) >= 0:  # where all is within rounding of a hit: nearer to the end than it can be solved for
        return 1.0
    return float(brentq(excess, 1e-12, 1 - 1e-12, xtol=1e-10))


def _log_positive(weights: FloatArray, times: Counts) -> float:
    """The log of the chance that a sum of independent exponential variables with such weights is above 0.

    The inverse of its Laplace transform, prod (1 - weight z)^-times / z, along a line through the saddle point. Each
    weight occurs so many times; the smaller ones may be negative, the largest is positive.
    """
    if weights.min() >= 0:
        return 0.0
    at = _saddle(weights, times)
    relative = weights / (1 - at * weights)
    spread = 1 / np.sqrt(times @ relative**2 + 1 / at**2)
    top = -float(times @ np.log1p(-at * weights)) - float(np.log(at))
    # the integrand decays as a power of the distance, so steps grow with it
    coarse = np.linspace(1, MOST, 39)
    far = (spread * np.sinh(coarse)) ** 2
    size = coarse - 0.5 * (np.log1p(far[:, None] * relative**2) @ times + np.log1p(far / at**2))
    end = coarse[np.argmax(size < -SMALL)] if (size < -SMALL).any() else MOST
    steps = np.arange(0, end, STEP)
    along = 1j * spread * np.sinh(steps)
    values = np.exp(-(np.log(1 - along[:, None] * relative) @ times) - np.log1p(along / at)).real * np.cosh(steps)
    return top + float(np.log((values.sum() - values[0] / 2) * STEP * spread / np.pi))


def _saddle(weights: FloatArray, times: Counts) -> float:
    """Where the transform is least between 0 and its first pole, by Newton steps that stay inside."""
    at = 0.5 / weights.max()
    for _ in range(100):
        relative = weights / (1 - at * weights)
        slope = float(times @ relative) - 1 / at
        bend = float(times @ relative**2) + 1 / at**2
        # the log is self-concordant: a step shortened so cannot leave the strip
        decrement = abs(slope) / np.sqrt(bend)
        at -= slope / bend / (1 + decrement if decrement > 0.25 else 1)
        if decrement < 1e-4:
            break
    return float(at)
