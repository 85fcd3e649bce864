"""The interval of a rate where several draws come from one image, or several images from one group.

Draws of one image are alike: many of them say less than as many images would. What is independent are the groups, or
the images where no groups are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.shrink import clopper_pearson

FEW = 30  # a bootstrap over fewer clusters covers too little
RESAMPLES = 4_000
LEVEL = 0.95


def cluster_interval(bad: NDArray[np.int64], drawn: NDArray[np.int64], seed: int = 0) -> tuple[float, float]:
    """A 95 % interval of a rate from clusters of draws: how many were bad, of how many drawn (k,).

    One draw a cluster: the exact interval. Several: the percentiles of a bootstrap over clusters (Davison and Hinkley,
    "Bootstrap methods and their application", 1997, section 3.8). With few clusters, or where all draws agree, each
    cluster counts as one outcome of an exact interval, which no likeness within clusters can make too narrow.
    """
    inside = drawn > 0
    bad, drawn = bad[inside], drawn[inside]
    clusters, total = len(drawn), int(drawn.sum())
    if not clusters:
        return 0.0, 1.0
    count = int(bad.sum())
    if clusters == total:
        return clopper_pearson(count, total)
    if clusters < FEW or count in (0, total):
        whole = clusters * count / total
        return clopper_pearson(int(np.floor(whole)), clusters)[0], clopper_pearson(int(np.ceil(whole)), clusters)[1]
    kinds, often = np.unique(np.stack([bad, drawn], axis=1), axis=0, return_counts=True)
    picked = np.random.default_rng(seed).multinomial(clusters, often / clusters, size=RESAMPLES)
    rates = (picked @ kinds[:, 0]) / (picked @ kinds[:, 1])
    low, high = np.quantile(rates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
