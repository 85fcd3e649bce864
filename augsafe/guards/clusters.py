"""The interval of a rate where several draws come from one image, or several images from one group.

Draws of one image are alike: many of them say less than as many images would. What is independent are the groups, or
the images where no groups are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augsafe.typicality.intervals import bounds, effective, sureness

LEVEL = 0.95

Counts = NDArray[np.int64]


def cluster_interval(bad: Counts, drawn: Counts) -> tuple[float, float]:
    """A 95 % interval of a rate from clusters of draws: how many were bad, of how many drawn (k,).

    The exact interval for as many independent draws as these are worth, see `effective`, less where few clusters say
    little of how alike their draws are (the same paper); where all draws agree, as many as there are clusters.
    """
    inside = drawn > 0
    bad, drawn = bad[inside], drawn[inside]
    clusters, total, count = len(drawn), int(drawn.sum()), int(bad.sum())
    if not clusters:
        return 0.0, 1.0
    each = np.arange(clusters)
    values = np.arange(total) < count
    groups = np.concatenate([np.repeat(each, bad), np.repeat(each, drawn - bad)])
    worth = effective(values[:, None], groups)
    if 0 < count < total:
        worth = np.maximum(worth * sureness(clusters, total), min(1, clusters))
    low, high = bounds(np.array([count / total]), worth, 0.5 + LEVEL / 2)  # one-sided each
    return float(low[0]), float(high[0])


def class_intervals(
    bad: Counts, drawn: Counts, clusters: NDArray[np.intp], labels: NDArray[np.int64]
) -> dict[int, tuple[float, float]]:
    """The interval of each class's rate, from what each image's draws showed (n,), by class index."""
    out: dict[int, tuple[float, float]] = {}
    for label in np.unique(labels[drawn > 0]).tolist():
        own = labels == label
        lost, all_of_them = (np.bincount(clusters[own], counts[own]).astype(np.int64) for counts in (bad, drawn))
        out[label] = cluster_interval(lost, all_of_them)
    return out
