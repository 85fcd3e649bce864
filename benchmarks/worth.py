"""What the guards are worth to a network: `python -m benchmarks.worth [--seeds 10] [--figure FILE] ...`.

A network learns from few images under (a) a careless policy, (b) the same with guards that redraw, (c) with guards that
relabel, (d) the fixed policy of the report, (e) SafeTrivialAugment beside TrivialAugmentWide and RandAugment, and (f)
none. Every policy and seed sees the same images in the same number of steps. The tables give accuracy on images that
were not trained on, with 95 % intervals over seeds, and the paired difference to none. Clothes are the control: a
mirror changes no class of theirs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import augsafe as aug
from benchmarks.check import fashion
from benchmarks.worth_data import Problem, clothes, digits, flags, letters, signs

LEVEL = 0.95
Scores = dict[str, NDArray[np.float64]]  # arm -> accuracy of each seed

CARELESS = (
    aug.HorizontalFlip(),
    aug.VerticalFlip(),
    aug.Rotate((-20, 20)),
    aug.Shift((-0.1, 0.1), (-0.1, 0.1)),
    aug.Zoom((0.85, 1.2)),
    aug.Brightness((0.7, 1.3)),
)


@dataclass(frozen=True)
class Arm:
    """One way to train: a policy, and what the loader's guards do (None: they are off)."""

    policy: aug.Compose
    on_violation: str | None = None


def arms(problem: Problem) -> dict[str, Arm]:
    """What is compared on one problem, by name."""
    careless = aug.Compose(CARELESS, border="replicate")
    report = aug.check(careless, problem.train, problem.train_labels, contract=problem.contract, draws=4000)
    fixed = careless if report.ok else report.fixed
    made = {
        "none": Arm(aug.Compose(())),
        "careless": Arm(careless),
        "guards redraw": Arm(careless, "redraw"),
        "guards relabel": Arm(careless, "relabel"),
        "SafeTrivialAugment": Arm(aug.Compose((aug.SafeTrivialAugment(contract=problem.contract),))),
        "TrivialAugmentWide": Arm(aug.Compose((aug.TrivialAugmentWide(problem.train.shape[1]),))),
        "RandAugment": Arm(aug.Compose((aug.RandAugment(),))),
    }
    return made if fixed is None else {**made, "fixed policy": Arm(fixed)}


def lenet(channels: int, classes: int) -> Any:
    """LeNet-5 with ReLU and max pooling."""
    from augsafe.ablation.learners import lenet5

    return lenet5((channels, 32, 32), classes)


def resnet18(channels: int, classes: int) -> Any:
    """torchvision's ResNet-18 from scratch."""
    from torch import nn
    from torchvision.models import resnet18 as build

    model = build(num_classes=classes)
    model.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return model


NETWORKS: dict[str, Callable[[int, int], Any]] = {"lenet5": lenet, "resnet18": resnet18}


def planes(images: NDArray[Any]) -> Any:
    """(n, H, W[, C]) to a tensor (n, C, H, W) from -1 to 1."""
    import torch

    array = images[..., None] if images.ndim == 3 else images
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2), dtype=np.float32) / 127.5 - 1)


def accuracy(problem: Problem, arm: Arm, seed: int, network: str, steps: int) -> float:
    """Train once with Adam for so many steps; the share of test images classified correctly."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels = 1 if problem.train.ndim == 3 else problem.train.shape[3]
        model = NETWORKS[network](channels, len(problem.contract.classes))
        test = planes(problem.test)
        model(test[:2])  # lazy layers learn their sizes
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        guarded = {} if arm.on_violation is None else {"contract": problem.contract}
        loader = aug.Loader(
            (problem.train, problem.train_labels),
            arm.policy,
            batch_size=32,
            seed=seed,
            workers=0,
            drop_last=len(problem.train) > 32,
            on_violation=arm.on_violation,
            **guarded,
        )
        done = epoch = 0
        model.train()
        while done < steps:
            loader.set_epoch(epoch)
            for batch in loader:
                optimiser.zero_grad()
                loss = torch.nn.functional.cross_entropy(model(planes(batch.images)), torch.from_numpy(batch.labels))
                loss.backward()
                optimiser.step()
                done += 1
            epoch += 1
        model.eval()
        with torch.no_grad():
            found = torch.cat([model(part).argmax(dim=1) for part in test.split(256)]).numpy()
    return float((found == problem.test_labels).mean())


def scores(problem: Problem, network: str, seeds: int, steps: int) -> Scores:
    """The accuracy of each arm and seed."""
    made = arms(problem)
    return {
        name: np.array([accuracy(problem, arm, seed, network, steps) for seed in range(seeds)])
        for name, arm in made.items()
    }


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """A mean with its 95 % interval over seeds (Student's t)."""
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean, mean
    low, high = stats.t.interval(LEVEL, len(values) - 1, mean, stats.sem(values))
    return mean, float(low), float(high)


def table(found: Scores) -> list[str]:
    """The rows of one problem: accuracy, and the paired difference to none in points."""
    lines = [f"{'':<20}{'accuracy':>10}{'95 % interval':>18}   points over none (95 %)"]
    for name, values in sorted(found.items(), key=lambda pair: -pair[1].mean()):
        mean, low, high = (100 * v for v in interval(values))
        gain, worst, best = (100 * v for v in interval(values - found["none"]))
        said = "" if name == "none" else f"{gain:+.1f} ({worst:+.1f} to {best:+.1f})"
        lines.append(f"{name:<20}{mean:>9.1f}%{f'{low:.1f} to {high:.1f}':>18}   {said}")
    return lines


def draw(results: dict[str, Scores], path: Path) -> None:
    """One panel for each problem: accuracy with its interval for each arm."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    order = ["none", "careless", "guards redraw", "guards relabel", "fixed policy", "SafeTrivialAugment"]
    order += ["TrivialAugmentWide", "RandAugment"]
    figure, axes = plt.subplots(1, len(results), figsize=(2.4 * len(results) + 1.6, 3.2), sharey=True, squeeze=False)
    for axis, (title, found) in zip(axes[0], results.items(), strict=True):
        for row, name in enumerate(reversed(order)):
            if name not in found:
                continue
            mean, low, high = (100 * v for v in interval(found[name]))
            colour = "#b3261e" if name == "careless" else "#1b6e3c" if "guard" in name or "fix" in name else "#4a5568"
            axis.plot([low, high], [row, row], color=colour, linewidth=3, solid_capstyle="round", alpha=0.45)
            axis.plot([mean], [row], "o", color=colour, markersize=6)
        axis.set_title(title, fontsize=10)
        axis.set_yticks(range(len(order)), list(reversed(order)), fontsize=9)
        axis.set_xlabel("accuracy, %", fontsize=9)
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def problems(per_class: int, folder: Path) -> dict[str, Callable[[], Problem]]:
    """The data sets by name; clothes where the files of Fashion-MNIST are."""
    made: dict[str, Callable[[], Problem]] = {
        kind.__name__: partial(kind, per_class) for kind in (signs, letters, flags, digits)
    }
    if folder.is_dir():
        made["clothes"] = lambda: clothes(per_class, *fashion(folder))
    return made


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and draw the figure where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--per-class", type=int, nargs="+", default=[15], help="training images of each class")
    parser.add_argument("--steps", type=int, default=250, help="optimiser steps of 32 images")
    parser.add_argument("--network", choices=sorted(NETWORKS), default="lenet5")
    parser.add_argument("--data", nargs="+", help="default: all")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    results: dict[str, Scores] = {}
    for count in asked.per_class:
        for name, make in problems(count, asked.fashion).items():
            if asked.data and name not in asked.data:
                continue
            problem = make()
            title = f"{name}, {count} a class" if len(asked.per_class) > 1 else name
            said = f"{asked.network}, {count} training images of each of {len(problem.contract.classes)} classes"
            print(f"{name}: {said}, {len(problem.test)} test images, {asked.steps} steps, {asked.seeds} seeds\n")
            results[title] = scores(problem, asked.network, asked.seeds, asked.steps)
            print("\n".join(table(results[title])), "\n", flush=True)
    if asked.json:
        plain = {title: {name: list(values) for name, values in found.items()} for title, found in results.items()}
        asked.json.write_text(json.dumps(plain), encoding="utf-8")
    if asked.figure:
        draw(results, asked.figure)


if __name__ == "__main__":
    main()
