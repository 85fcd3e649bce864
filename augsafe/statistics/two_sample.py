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
class Estimate:
    """A number with its standard error and the degrees of freedom of that."""

    value: float
    error: float
    freedom: int

    def bounds(self, level: float) -> tuple[float, float]:
        """Its one-sided bounds, each at `level` (Student's t, scipy)."""
        from scipy.stats import t

        half = float(t.ppf(level, self.freedom)) * self.error
        return self.value - half, self.value + half


def area(scores: Scores, ones: Groups, zeros: Groups) -> Estimate:
    """The area, for ones and zeros in these groups."""
    return _estimate(*scores.parts, ones, zeros)


def excess(scores: Scores, control: Scores, ones: Groups, zeros: Groups) -> Estimate:
    """How much larger the area is than that of a control on the same images: one for one, in the same order."""
    first, second = scores.parts, control.parts
    return _estimate(first[0] - second[0], first[1] - second[1], ones, zeros)


def _estimate(of_ones: FloatArray, of_zeros: FloatArray, ones: Groups, zeros: Groups) -> Estimate:
    variance = _variance(of_ones, ones) + _variance(of_zeros, zeros)
    freedom = min(len(np.unique(ones)), len(np.unique(zeros))) - 1
    return Estimate(float(of_ones.mean()), float(np.sqrt(variance)), max(1, freedom))


def _variance(values: FloatArray, groups: Groups) -> float:
    """The variance of the mean of values in independent groups."""
    _, place = np.unique(groups, return_inverse=True)
    sums = np.bincount(place, values - values.mean())
    count = len(sums)
    return float((sums**2).sum() / len(values) ** 2 * count / max(1, count - 1))
