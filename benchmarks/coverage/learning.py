"""The intervals and tests of an ablation: ablation/."""

from __future__ import annotations

import numpy as np

from augsafe.ablation.analysis import HARMS, HELPS, Row, Scores, answer
from augsafe.ablation.design import Question
from augsafe.statistics import crossed, needed_seeds, sign_flip
from benchmarks.coverage.lines import Line

ROWS, IMAGES = 6, 80


def differences(rng: np.random.Generator, seeds: int = 8, images: int = IMAGES, mean: float = 0.3) -> np.ndarray:
    """Paired differences in which seeds and images both have effects of their own."""
    own = rng.normal(0, 0.5, (seeds, 1)) + rng.normal(0, 0.5, (1, images))
    return np.asarray(mean + own + rng.normal(0, 1, (seeds, images)))


def simulate(repeats: int) -> list[Line]:
    """The interval, the test over seeds, and a whole table in which nothing has an effect."""
    rng = np.random.default_rng(0)
    ends = [crossed(differences(rng)).interval() for _ in range(repeats)]
    missed = sum(not low <= 0.3 <= high for low, high in ends)
    p = sign_flip(rng.normal(0, 1, (9, repeats)))
    tables = [_nothing(rng) for _ in range(repeats)]
    claims = sum(any(row.verdict in (HELPS, HARMS) for row in rows) for rows in tables)
    apart = sum(any(not low <= 0 <= high for _, low, high in rows[0].per_class.values()) for rows in tables)
    return [
        Line("ablation: 95% interval over seeds and images", f"8 seeds, {IMAGES} images", 0.05, missed, repeats),
        Line("ablation: sign-flip test at 5%", "9 seeds, no effect", 0.05, int((p <= 0.05).sum()), repeats),
        Line("ablation: any helps or harms in a table", f"{ROWS} policies, no effect", 0.05, claims, repeats),
        Line("ablation: intervals by class, together", "2 classes, no effect", 0.05, apart, repeats),
    ]


def _nothing(rng: np.random.Generator) -> tuple[Row, ...]:
    """A table of policies without effect; seeds and images differ in how hard they are."""
    seeds = needed_seeds(ROWS)
    hard = rng.normal(0, 0.1, (seeds, 1)) + rng.normal(0, 0.2, (1, IMAGES))
    names = ["none", *(f"policy {k}" for k in range(ROWS))]
    chance = {name: np.clip(0.8 + hard + rng.normal(0, 0.05, (seeds, 1)), 0, 1) for name in names}
    right = {name: (rng.random((seeds, IMAGES)) < c).astype(float) for name, c in chance.items()}
    questions = [Question(n, "policy", (), ((n, 1.0), ("none", -1.0)), n) for n in names[1:]]
    return answer(Scores(right, np.arange(IMAGES) % 2, ("a", "b")), questions)


def control(repeats: int) -> list[Line]:
    """Wrong on purpose: all seeds and images taken for independent."""
    rng = np.random.default_rng(1)
    tables = [differences(rng) for _ in range(repeats)]
    missed = sum(abs(d.mean() - 0.3) > 1.96 * d.std() / np.sqrt(d.size) for d in tables)
    return [Line("ablation: interval of single outcomes", f"8 seeds, {IMAGES} images", 0.05, missed, repeats)]
