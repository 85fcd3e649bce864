"""A search for distributions on which the bound of clusters fails: coverage by enumeration, without chance.

The bound is proven for clusters of two kinds and conjectured for others. So clusters of three or four kinds are tried,
few enough that every sample can be listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from augsafe.statistics import p_at_least

LEVELS = (0.7, 0.9, 0.95, 0.975, 0.99)
DRAWS = 60  # of each cluster


@dataclass(frozen=True)
class Kinds:
    """Clusters with so many hits of DRAWS, how likely each is, and how many clusters there are."""

    hits: tuple[int, ...]
    chances: tuple[float, ...]
    clusters: int

    @property
    def rate(self) -> float:
        """The true rate."""
        return float(np.dot(self.hits, self.chances)) / DRAWS

    def misses(self) -> dict[float, float]:
        """For each level the chance that the upper bound lies below the true rate."""
        out = dict.fromkeys(LEVELS, 0.0)
        for sample in combinations_with_replacement(range(len(self.hits)), self.clusters):
            counts = np.bincount(sample, minlength=len(self.hits))
            ways = math.factorial(self.clusters) / math.prod(math.factorial(c) for c in counts.tolist())
            chance = ways * float(np.prod(np.array(self.chances) ** counts))
            p = p_at_least(np.array(self.hits)[list(sample)], np.full(self.clusters, DRAWS), self.rate)
            for level in LEVELS:
                out[level] += chance * (p < 1 - level)
        return out


def problems(count: int, seed: int = 0) -> Iterator[Kinds]:
    """Distributions drawn at random, most of them with kinds near the ends and with rare kinds."""
    rng = np.random.default_rng(seed)
    while count:
        kinds, clusters = (3, int(rng.integers(2, 8))) if rng.random() < 0.6 else (4, int(rng.integers(2, 5)))
        inner = np.sort(np.rint(DRAWS * rng.random(kinds - 2) ** rng.choice([1.0, 3.0]))).astype(int)
        chances = rng.dirichlet(np.full(kinds, rng.choice([0.3, 1.0])))
        made = Kinds((0, *inner.tolist(), DRAWS), tuple(chances.tolist()), clusters)
        if 1e-3 < made.rate < 1 - 1e-3:
            count -= 1
            yield made


def worst(count: int, seed: int = 0) -> float:
    """The largest chance to miss over what the level allows; the bound fails where it is above 1."""
    return max(miss / (1 - level) for one in problems(count, seed) for level, miss in one.misses().items())
