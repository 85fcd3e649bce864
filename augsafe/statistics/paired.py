"""What the scores of paired runs allow one to say: exact tests, corrections, intervals, shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ALPHA = 0.05
EXACT = 20  # with more seeds than this, sign flips are drawn instead of listed
DRAWN = 200_000
POWER = 0.8


def needed_seeds(rows: int, alpha: float = ALPHA) -> int:
    """The fewest seeds with which a table of `rows` rows can carry a claim: 1 + log2(rows / alpha), rounded up.

    With n seeds an exact two-sided sign-flip test gives no p below 2 / 2^n, and Holm's first step multiplies by rows.
    """
    return math.ceil(1 + math.log2(max(rows, 1) / alpha) - 1e-12)


def sign_flip(differences: Array) -> Array:
    """The two-sided p of each column of (seeds, rows) paired differences, by flipping signs seed by seed.

    Under the null hypothesis a seed's difference is as likely to have the one sign as the other (Fisher 1935). All
    2^n sign patterns are listed up to 20 seeds; beyond that 200,000 are drawn, the observed one counted among them.
    """
    d = np.asarray(differences, dtype=np.float64)
    n = len(d)
    if n == 0:
        return np.ones(d.shape[1])
    observed = np.abs(d.sum(axis=0))
    slack = 1e-9 * np.maximum(np.abs(d).sum(axis=0), 1e-300)  # ties must count, rounding must not decide
    if n > EXACT:
        signs = np.random.default_rng(0).integers(0, 2, (DRAWN, n), dtype=np.int8) * 2.0 - 1
        hits = sum((np.abs(part @ d) >= observed - slack).sum(axis=0) for part in np.array_split(signs, 20))
        return np.asarray((hits + 1) / (DRAWN + 1), dtype=np.float64)
    half = 2 ** (n - 1)  # a pattern and its mirror give the same absolute sum: the last sign stays as it is
    count = np.zeros(d.shape[1])
    for start in range(0, half, 1 << 14):
        codes = np.arange(start, min(half, start + (1 << 14)))
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(n)) & 1)
        count += (np.abs(signs @ d) >= observed - slack).sum(axis=0)
    return np.asarray(count / half, dtype=np.float64)


def holm(p: Array) -> Array:
    """Holm's step-down adjustment (1979): holds the chance of any false claim in the table at the level."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    out = np.empty_like(stepped)
    out[order] = stepped
    return out


@dataclass(frozen=True)
class Crossed:
    """A mean over seeds and images, both seen as samples. `seeds` and `images` are their shares of the variance."""

    mean: float
    se: float
    dof: float
    seeds: float
    images: float

    def interval(self, level: float = 1 - ALPHA) -> tuple[float, float]:
        """The t interval of that level."""
        from scipy import stats

        half = float(stats.t.ppf(0.5 + level / 2, self.dof)) * self.se
        return self.mean - half, self.mean + half

    @property
    def p(self) -> float:
        """Two-sided p of a mean of nought."""
        from scipy import stats

        if self.se == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.mean) / self.se, self.dof))


def crossed(d: Array) -> Crossed:
    """The mean of (seeds, images) differences, with the error that both seeds and images bring.

    The two-way random model without replication: Var(mean) = (MS_seeds + MS_images - MS_rest) / (seeds x images),
    with Satterthwaite's degrees of freedom. It is never taken smaller than what either factor alone gives.
    """
    d = np.asarray(d, dtype=np.float64)
    s, n = d.shape
    mean = float(d.mean())
    if s < 2 or n < 2:
        return Crossed(mean, math.inf, 1.0, math.nan, math.nan)
    by_seed, by_image = d.mean(axis=1), d.mean(axis=0)
    ms_seed, ms_image = n * by_seed.var(ddof=1), s * by_image.var(ddof=1)
    rest = ((d - by_seed[:, None] - by_image[None, :] + mean) ** 2).sum() / ((s - 1) * (n - 1))
    total = ms_seed + ms_image - rest
    seeds, images = float(max(ms_seed - rest, 0) / n / s + rest / (s * n)), float(max(ms_image - rest, 0) / s / n)
    if total <= max(ms_seed, ms_image):
        one_is_seed = ms_seed >= ms_image
        total, dof = float(max(ms_seed, ms_image)), float(s - 1 if one_is_seed else n - 1)
    else:
        spread = ms_seed**2 / (s - 1) + ms_image**2 / (n - 1) + rest**2 / ((s - 1) * (n - 1))
        dof = float(total**2 / spread)
    return Crossed(mean, math.sqrt(total / (s * n)), max(dof, 1.0), seeds, images)


def seeds_to_decide(d: Array, rows: int, alpha: float = ALPHA) -> int | None:
    """How many seeds would show an effect of the size seen, with a power of 0.8; None where no number would.

    It takes Bonferroni's share of the level. None: there is no effect to speak of, or the choice of the images alone
    leaves it open, so that more images are needed and not more seeds.
    """
    from scipy import stats

    c = crossed(d)
    if c.mean == 0 or not math.isfinite(c.se):
        return None
    z = float(stats.norm.ppf(1 - alpha / (2 * max(rows, 1))) + stats.norm.ppf(POWER))
    room = (c.mean / z) ** 2 - c.images
    if room <= 0:
        return None
    n = math.ceil(c.seeds * len(d) / room)
    return max(n, needed_seeds(rows, alpha)) if n <= 10_000 else None


def shapley(players: int, value: Callable[[frozenset[int]], Array]) -> Array:
    """Each player's exact Shapley value (1953) from the values of all 2^k sets; (players, ...) as `value` gives.

    Shares add up to the value of all players less that of none, seed by seed and image by image.
    """
    shares = []
    for i in range(players):
        others = [j for j in range(players) if j != i]
        share = np.zeros_like(np.asarray(value(frozenset()), dtype=np.float64))
        for size in range(players):
            weight = 1.0 / (players * math.comb(players - 1, size))
            for chosen in combinations(others, size):
                without = frozenset(chosen)
                share = share + weight * (value(without | {i}) - value(without))
        shares.append(share)
    return np.stack(shares)
