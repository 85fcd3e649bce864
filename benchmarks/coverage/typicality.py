"""Conformal p-values of new images, and the excess over clean images: typicality/."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from augsafe.typicality import fit
from augsafe.typicality.strengths import excess
from benchmarks.coverage.lines import Line

LEVELS = (0.05, 0.2)
FITTED = 60  # images of each of two classes


def clouds(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes as embeddings, in images that only carry them."""
    labels = np.arange(n) % 2
    images = np.zeros((n, 2, 4), np.float32)
    images[:, 0] = rng.normal(size=(n, 4)) + 4 * labels[:, None]
    images[:, 1, 0] = 100.0
    return images, labels


def carried(images: np.ndarray) -> np.ndarray:
    """The embeddings."""
    return np.asarray(images)[:, 0]


def p_values(repeats: int, known: bool = False) -> np.ndarray:
    """The p-value of one new image for each fitted reference; known: of a fitted one, wrong on purpose."""
    out = np.empty(repeats)
    for seed in range(repeats):
        images, labels = clouds(np.random.default_rng([seed, 5]), 2 * FITTED + 1)
        reference = fit(images[:-1], labels[:-1], reference=carried, alpha=0.05, seed=seed)
        asked = slice(0, 1) if known else slice(-1, None)
        out[seed] = reference.judge(images[asked], labels[asked]).p_own[0]
    return out


def simulate(repeats: int) -> list[Line]:
    """Levels of the p-values, and the interval of an excess."""
    p = p_values(repeats)
    lines = [
        Line("typicality: p-value of a new image", f"p <= {level}", level, int((p <= level).sum()), repeats)
        for level in LEVELS
    ]
    return [*lines, _excess(repeats, 1), _excess(repeats, 5)]


def _excess(repeats: int, per_group: int, groups: int = 40) -> Line:
    """Gained less lost, where groups differ: 0.2 - 0.05 in the mean."""
    missed = 0
    rng = np.random.default_rng(per_group)
    for _ in range(repeats):
        gains, losses = (np.repeat(rng.beta(r, 1 - r, groups), per_group) for r in (0.25, 0.2))
        n = groups * per_group
        before = np.arange(n) % 5 == 0  # a fifth of the clean images
        now = np.where(before, rng.random(n) >= losses, rng.random(n) < gains)
        reference = SimpleNamespace(
            classes=("a",), undecided={}, own=np.zeros(n, np.int64), groups=np.repeat(np.arange(groups), per_group)
        )
        found = excess(reference, now[None], before)
        missed += not found.low[0, 0] <= 0.8 * 0.25 - 0.2 * 0.2 <= found.high[0, 0]
    return Line("excess over clean images: both ends at 95%", f"{groups} groups of {per_group}", 0.1, missed, repeats)


def control(repeats: int) -> list[Line]:
    """Wrong on purpose: the p-value of an image that is compared with itself."""
    p = p_values(repeats, known=True)
    # it is as typical as can be, so that what is wrong is the other end
    wrong = int((p > 1 - LEVELS[0]).sum())
    return [Line("typicality: p-value of a fitted image", f"p > {1 - LEVELS[0]}", LEVELS[0], wrong, repeats)]
