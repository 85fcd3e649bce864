"""The share of draws that break a rule, by class: intervals over independent images, and what they decide.

Several draws come from one image, or several images from one group. They are alike: many of them say less than as many
images would. What is independent are the groups, or the images where no groups are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics.clusters import cluster_bounds
from augsafe.statistics.intervals import needed

EPSILON = 0.05  # the share of draws that may break a rule
LEVEL = 0.95

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """One class: the rate of draws with its two-sided 95 % interval, and whether it is over the limit.

    status: "error" (certainly over), "info" (certainly under), "warning" (undecided; `more` says how many images would
    decide). label: the class's index, -1 for images without one.
    """

    label: int
    rate: float
    low: float
    high: float
    status: str
    more: str


def shares_by_class(
    bad: Counts,
    drawn: Counts,
    clusters: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> dict[int, Share]:
    """The share of each class, by its index, from how many of the draws of each image (n,) were bad.

    clusters (n,): images of one cluster are not independent. comparisons: how many rules one report asks about;
    the 5 % by which one of its errors may be wrong are shared out among rules and classes (Bonferroni).
    """
    present = np.unique(labels[drawn > 0]).tolist()
    level = 1 - (1 - LEVEL) / max(1, len(present) * comparisons)
    out: dict[int, Share] = {}
    for label in present:
        own = labels == label
        lost, made = (np.bincount(clusters[own], counts[own]).astype(np.int64) for counts in (bad, drawn))
        low, high = cluster_bounds(lost, made, level)
        status = "error" if low > epsilon else "info" if high < epsilon else "warning"
        rate = float(lost.sum() / made.sum())
        more = _wanted(rate, epsilon, level) if status == "warning" else ""
        out[label] = Share(label, rate, *cluster_bounds(lost, made), status, more)
    return out


def rates_by_class(bad: Counts, drawn: Counts, labels: NDArray[np.int64]) -> dict[int, float]:
    """The rate of each class, by its index, from how many of the draws of each image (n,) were bad."""
    present = np.unique(labels[drawn > 0]).tolist()
    return {label: float(bad[labels == label].sum() / drawn[labels == label].sum()) for label in present}


def _wanted(rate: float, epsilon: float, level: float) -> str:
    wanted = needed(rate, epsilon, level)
    many = "more than 100,000" if wanted is None else f"about {wanted:,}"
    return f"; {many} independent images of the class would decide whether that is in over {epsilon:.0%} of draws"


def rates_differ(hits: NDArray[np.float64], totals: NDArray[np.float64], level: float = 0.01) -> bool:
    """Test whether groups differ in a rate: chi-squared, by scipy.

    Args:
        hits: How many of each group (k,).
        totals: Of how many (k,), at least 1 each.
        level: How often equal rates may be called different.

    Returns:
        Whether chance does not explain the difference.
    """
    from scipy.stats import chi2_contingency

    return bool(chi2_contingency(np.stack([hits, totals - hits])).pvalue < level)
