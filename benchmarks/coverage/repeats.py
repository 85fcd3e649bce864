"""False alarms of check_loader (AS504): loading/repeats.py."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from augsafe.loading.repeats import LEVEL, compare
from benchmarks.coverage.lines import Line

DRAWS = 64
KINDS, WORKERS = (2, 10), (2, 8)


def _seen(kinds: int, workers: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of one image by each worker in two epochs, as numbers; so many kinds of draw are as likely."""
    return rng.integers(0, kinds, (2, workers, DRAWS))


def simulate(repeats: int) -> list[Line]:
    """Loaders that draw independently must not be reported."""
    lines = []
    for kinds in KINDS:
        for workers in WORKERS:
            rng = np.random.default_rng([kinds, workers])
            wrong = sum(not compare(*map(list, _seen(kinds, workers, rng))).ok for _ in range(repeats))
            setting = f"{workers} workers, {kinds} kinds of draw"
            lines.append(Line("check_loader: repeats reported", setting, 2 * LEVEL, wrong, repeats))
    return lines


def control(repeats: int) -> list[Line]:
    """Wrong on purpose: the share by chance taken as known, and no allowance for the worst of many pairs of workers."""
    rng, wrong, repeats = np.random.default_rng(0), 0, 5 * repeats  # it is wrong too rarely for fewer
    for _ in range(repeats):
        found = compare(*map(list, _seen(2, 8, rng)))
        equal = round((found.between_workers or 0) * DRAWS)
        wrong += binomtest(equal, DRAWS, found.by_chance, alternative="greater").pvalue < LEVEL
    return [Line("check_loader: chance taken as known", "8 workers, 2 kinds of draw", 2 * LEVEL, wrong, repeats)]
