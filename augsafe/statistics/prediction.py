"""The rate of all images from a random sample of them, with the help of a guess that is known for every image.

Prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan and Zrnic, Science 2023) with an estimated weight
(PPI++: Angelopoulos, Duchi and Zrnic, "PPI++: efficient prediction-powered inference", 2023). In surveys it is known as
the difference estimator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics.clusters import cluster_bounds
from augsafe.statistics.intervals import needed
from augsafe.statistics.shares import EPSILON, LEVEL, Share

FloatArray = NDArray[np.float64]
STEPS = 20  # weights that are tried
END = 5.0  # what a bound costs at the end of its range, in 1 / n: log(1 / 0.025) and its own variance, by simulation


@dataclass(frozen=True, eq=False)
class RateGuess:
    """A guess at the rate of each image, from 0 to 1, which costs nothing and may be wrong.

    Attributes:
        sample: For the images of the sample (n,).
        mean: Over all images.
        span: The lowest and the highest one of all images.
    """

    sample: FloatArray
    mean: float
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class RateEstimate:
    """A rate and its bounds. weight: how far the guess went into them, from 0 (not at all) to 1."""

    rate: float
    low: float
    high: float
    weight: float = 0.0


def rate_of_all(
    rates: FloatArray, clusters: NDArray[np.int64], guess: RateGuess | None = None, level: float = 0.975
) -> RateEstimate:
    """The mean rate of all images from that of a random sample.

    The mean of rate - weight * (guess - its mean over all images) is estimated: wherever the guess stands in the
    sample as in all images, it adds nothing, and where the sample happened to get more than its share of high rates
    it takes them off. The bounds are those of `cluster_bounds`, on the whole range that such a difference may have, so
    that they hold for rare events and small samples, where normal ones do not. No guess, however wrong, makes them
    fail.

    Args:
        rates: Of each image in the sample (n,), from 0 to 1, at least one.
        clusters: Images of one cluster are not independent (n,).
        guess: A guess for every image. None goes without.
        level: Of each bound, so 0.975 gives a 95 % interval.

    Returns:
        The rate with its bounds, and the weight of the guess.
    """
    sizes = np.bincount(clusters).astype(np.float64)
    weight = 0.0 if guess is None else _weight(rates, clusters, sizes, guess)
    if guess is None or weight == 0:
        return RateEstimate(float(rates.mean()), *cluster_bounds(np.bincount(clusters, rates), sizes, level))
    adjusted = rates - weight * (guess.sample - guess.mean)
    least, most = weight * (guess.mean - guess.span[1]), 1 + weight * (guess.mean - guess.span[0])
    scaled = np.bincount(clusters, (adjusted - least) / (most - least))
    ends = cluster_bounds(scaled, sizes, level)
    low, high = (least + (most - least) * end for end in ends)
    rate, low, high = (min(max(float(v), 0.0), 1.0) for v in (adjusted.mean(), low, high))
    return RateEstimate(rate, low, high, weight)


def share_of_all(
    bad: NDArray[np.int64],
    drawn: NDArray[np.int64],
    clusters: NDArray[np.int64],
    guess: RateGuess | None = None,
    *,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> tuple[Share, float]:
    """The share of all images from a random sample of them, under the label -1, and the weight of the guess.

    Args:
        bad: How many draws of each image of the sample were bad (n,).
        drawn: How many draws of each image were made (n,), at least one.
        clusters: Images of one cluster are not independent (n,).
        guess: What is known of every image, see `rate_of_all`.
        epsilon: The limit.
        comparisons: How many questions share the 5 % by which one of a report's errors may be wrong.

    Returns:
        The share with its status, and the weight of the guess.
    """
    rates, level = bad / drawn, 1 - (1 - LEVEL) / comparisons
    strict = rate_of_all(rates, clusters, guess, level)
    found = rate_of_all(rates, clusters, guess)
    status = "error" if strict.low > epsilon else "info" if strict.high < epsilon else "warning"
    wanted = needed(found.rate, epsilon, level) if status == "warning" else None
    more = f"; about {wanted:,} masks would decide whether that is in over {epsilon:.0%} of draws" if wanted else ""
    return Share(-1, found.rate, found.low, found.high, status, more), found.weight


def _weight(rates: FloatArray, clusters: NDArray[np.int64], sizes: FloatArray, guess: RateGuess) -> float:
    """The weight with the narrowest interval to be expected, 0 where the guess does not help.

    A larger weight lowers the variance, up to the slope of the rates over the guesses, and widens the range that the
    bounds must allow for. The width is about twice 1.96 standard errors, and END / n of that range.
    """
    groups = int((sizes > 0).sum())
    seen = guess.sample - guess.sample.mean()
    covariance = float(seen @ (rates - rates.mean()))
    if groups < 2 or covariance <= 0:
        return 0.0
    own, other = (np.bincount(clusters, values - values.mean()) for values in (rates, guess.sample))
    weights = np.linspace(0, min(1.0, covariance / float(seen @ seen)), STEPS + 1)
    errors = np.sqrt(groups / (groups - 1) * ((own - weights[:, None] * other) ** 2).sum(axis=1))
    reach = END * sizes.max() * (guess.span[1] - guess.span[0])
    return float(weights[np.argmin(2 * 1.96 * errors + reach * weights)])
