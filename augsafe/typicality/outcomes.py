"""What may become of an image, and how that is decided from how typical it is of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT, CHANGED, UNFAMILIAR, AMBIGUOUS = 0, 1, 2, 3
UNDECIDED = -1  # the image's class has too few images to say anything
OUTCOMES = {KEPT: "kept", CHANGED: "changed", UNFAMILIAR: "unfamiliar", AMBIGUOUS: "ambiguous", UNDECIDED: "undecided"}
TARGET = 0.05  # another class counts only where the image is typical of it at this level

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """What has become of n images. The p-values are conformal; small means untypical.

    Attributes:
        outcome: KEPT, CHANGED, UNFAMILIAR, AMBIGUOUS or UNDECIDED (n,).
        to: The index of the class that it reads as (n,), where it is changed or ambiguous; else -1.
        p_own: How typical it is of its own class (n,).
        p_other: How typical it is of the nearest other class (n,).
    """

    outcome: NDArray[np.int8]
    to: NDArray[np.int64]
    p_own: FloatArray
    p_other: FloatArray

    def __len__(self) -> int:
        return len(self.outcome)

    def share(self, outcome: int) -> float:
        """The share of images with an outcome."""
        return float((self.outcome == outcome).mean()) if len(self) else 0.0


def decide(
    p: FloatArray, closeness: FloatArray, own: NDArray[np.int64], alpha: float, alike: NDArray[np.bool_]
) -> Judged:
    """Outcomes from p-values.

    Args:
        p: How typical each image is of each class (n, classes); NaN for a class with too few images.
        closeness: Scores over each class's median (n, classes); small is near.
        own: The class of each image (n,).
        alpha: Below this an image is untypical of its class.
        alike: Which classes the data cannot tell apart (classes, classes).

    Returns:
        What has become of each image.
    """
    n = len(own)
    rows = np.arange(n)
    p_own = p[rows, own]
    rival = np.where(np.isnan(p), np.inf, closeness)
    rival[rows, own] = np.inf
    typical = np.where(np.isnan(p), False, p > max(TARGET, alpha))
    # the nearest typical class, or, where there is none, the nearest
    ranked = np.where(typical, rival, rival + 1e6)
    to = np.argmin(ranked, axis=1)
    p_other = np.where(np.isfinite(rival[rows, to]), p[rows, to], 0.0)
    reads = typical[rows, to] & np.isfinite(rival[rows, to])
    nearer = rival[rows, to] < closeness[rows, own]
    outcome = np.full(n, UNFAMILIAR, np.int8)
    outcome[reads] = CHANGED
    outcome[reads & alike[own, to]] = AMBIGUOUS
    kept = p_own > alpha
    outcome[kept] = KEPT
    outcome[kept & (p_own <= TARGET) & reads & nearer] = AMBIGUOUS
    outcome[np.isnan(p_own)] = UNDECIDED
    named = np.isin(outcome, (CHANGED, AMBIGUOUS))
    return Judged(outcome, np.where(named, to, -1).astype(np.int64), np.nan_to_num(p_own, nan=1.0), p_other)
