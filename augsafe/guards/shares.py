"""The share of draws that break a rule, by class: exact intervals over independent images, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.typicality.intervals import bounds, effective, needed

EPSILON = 0.05  # the share of draws that may break a rule
LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """One class: the rate of draws with its two-sided 95 % interval, and whether it is over the limit.

    status: "error" (certainly over, one-sided 95 % shared out among the classes), "info" (certainly not), "warning"
    (undecided; `more` says how many images would decide). label: the class's index, -1 for images without one.
    """

    label: int
    rate: float
    low: float
    high: float
    status: str
    more: str


def shares_by_class(
    hit: NDArray[np.bool_],
    labels: NDArray[np.int64],
    clusters: NDArray[np.int64],
    names: Sequence[str],
    epsilon: float = EPSILON,
) -> dict[str, Share]:
    """The shares of the classes that were hit at all; draws of one cluster (image or group) are not independent."""
    present = np.unique(labels)
    level = 1 - (1 - LEVEL) / len(present)
    out: dict[str, Share] = {}
    for label in present.tolist():
        rows = labels == label
        if not hit[rows].any():
            continue
        column = hit[rows][:, None]
        rate, n = column.mean(axis=0), effective(column, clusters[rows])
        low, high = (float(b[0]) for b in bounds(rate, n, level))
        two = [float(b[0]) for b in bounds(rate, n, 1 - (1 - LEVEL) / 2)]
        status = "error" if low > epsilon else "info" if high < epsilon else "warning"
        more = ""
        if status == "warning":
            wanted = needed(float(rate[0]), epsilon, level)
            many = "more than 100,000" if wanted is None else f"about {wanted:,}"
            more = (
                f"; {many} independent images of the class would decide whether that is in over {epsilon:.0%} of draws"
            )
        share = Share(label, float(rate[0]), two[0], two[1], status, more)
        for name in names if label < 0 else (names[label],):
            out[name] = share
        if label < 0 and not names:
            out["any class"] = share
    return out
