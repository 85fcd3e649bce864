"""The areas under two ROC curves on the same images, and whether one exceeds the other.

DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating characteristic
curves: a nonparametric approach", 1988; for images in groups, Obuchowski, "Nonparametric analysis of clustered ROC
curve data", 1997.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a classifier says of n images that are to be told (`ones`) and of m originals (`zeros`)."""

    ones: FloatArray
    zeros: FloatArray

    @property
    def parts(self) -> tuple[FloatArray, FloatArray]:
        """For each of the ones the share of zeros below it (n,); for each of the zeros the share of ones above (m,)."""
        above = (self.ones[:, None] > self.zeros[None]) + 0.5 * (self.ones[:, None] == self.zeros[None])
        return above.mean(axis=1), above.mean(axis=0)

    @property
    def area(self) -> float:
        """The area under the ROC curve."""
        return float(self.parts[0].mean())


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve, its standard error, and the number of independent groups it rests on."""

    value: float
    error: float
    groups: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Its interval: Student's t on the logit (Pepe, "The Statistical Evaluation of Medical Tests", 2003; scipy).

        Near 0 and 1 the error is known poorly. So no end is nearer to 0 or 1 than where all groups agree.
        """
        from scipy.special import expit, logit
        from scipy.stats import t

        tail = (1 - level) / 2
        agreed = tail ** (1 / self.groups)  # the exact lower bound of a rate where every group is a hit
        inside = min(max(self.value, 1e-6), 1 - 1e-6)
        half = float(t.ppf(1 - tail, max(1, self.groups - 1))) * self.error / (inside * (1 - inside))
        low, high = (float(expit(logit(inside) + side * half)) for side in (-1, 1))
        return min(low, agreed, self.value), max(high, 1 - agreed, self.value)


@dataclass(frozen=True)
class Estimate:
    """A number with its standard errors, downwards and upwards, and their degrees of freedom."""

    value: float
    below: float
    above: float
    freedom: int

    def bounds(self, level: float) -> tuple[float, float]:
        """Its one-sided bounds, each at `level` (Student's t, scipy)."""
        from scipy.stats import t

        quantile = float(t.ppf(level, self.freedom))
        return self.value - quantile * self.below, self.value + quantile * self.above


def area(scores: Scores, ones: Groups, zeros: Groups) -> Area:
    """The area, for ones and zeros in these groups."""
    of_ones, of_zeros = scores.parts
    variance = _variance(of_ones, ones) + _variance(of_zeros, zeros)
    return Area(float(of_ones.mean()), float(np.sqrt(variance)), _fewer(ones, zeros))


def excess(scores: Scores, control: Scores, ones: Groups, zeros: Groups) -> Estimate:
    """How much larger the area is than that of a control on the same images: one for one, in the same order.

    Images that all agree do not show what the next one would. So the upper error, which decides whether the excess is
    certainly small, is that with one more group on each side that differs as far as can be.
    """
    first, second = scores.parts, control.parts
    of_ones, of_zeros = first[0] - second[0], first[1] - second[1]
    below, above = (
        float(np.sqrt(_variance(of_ones, ones, far) + _variance(of_zeros, zeros, far))) for far in (None, 1.0)
    )
    return Estimate(float(of_ones.mean()), below, above, max(1, _fewer(ones, zeros) - 1))


def _fewer(ones: Groups, zeros: Groups) -> int:
    return min(len(np.unique(ones)), len(np.unique(zeros)))


def _variance(values: FloatArray, groups: Groups, far: float | None = None) -> float:
    """The variance of the mean of values in independent groups; far: of one more group, away from the mean's sign."""
    _, place = np.unique(groups, return_inverse=True)
    mean = float(values.mean())
    sums = np.bincount(place, values - mean)
    count, squares = len(sums), float((sums**2).sum())
    if far is not None:
        squares += ((far + abs(mean)) * len(values) / count) ** 2
    return squares / len(values) ** 2 * count / max(1, count - 1)
