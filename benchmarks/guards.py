"""`python -m benchmarks.guards`: what the guards cost, against rendering the same batches without them, in one run.

Processor time of one thread, of the guards and of the rest, medians over repeats that take turns. As in the loader a
block of images is planned and guarded in one go and rendered in pieces, and objects (from masks, or the centre) are
kept from epoch to epoch; saliency is timed apart, an image.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.contracts import Contract
from augsafe.guards import Enforcer
from augsafe.objects import Objects, inspect
from augsafe.pixels import render
from augsafe.planning import Plan

BLOCK = {224: 192, 32: 8192}  # what a worker of the loader plans and guards in one go: 32 MB as they are read
PIECE = {224: 32, 32: 2048}  # what it renders in one go
LIMIT = 0.05
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CHAINS = {
    "safe": [aug.Shift((-0.1, 0.1), (-0.1, 0.1)), aug.Zoom((0.8, 1.25)), aug.Rotate((-15, 15)), aug.Brightness()],
    "with flips": [
        aug.Shift((-0.1, 0.1), (-0.1, 0.1)),
        aug.Zoom((0.8, 1.25)),
        aug.Rotate((-15, 15)),
        aug.HorizontalFlip(),
        aug.Brightness(),
    ],
}


def discs(side: int, n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Noise with a bright disc somewhere near the middle, and the disc's mask."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 80, (n, side, side, 3), dtype=np.uint8)
    masks = np.zeros((n, side, side), np.uint8)
    for mask in masks:
        x, y = (int(v) for v in rng.uniform(0.4, 0.6, 2) * side)
        cv2.circle(mask, (x, y), int(rng.uniform(0.15, 0.3) * side), 1, -1)
    images[masks > 0] += 120
    return images, masks


def taking_turns(runs: dict[str, Callable[[int], float]], repeats: int) -> dict[str, float]:
    """Median of the seconds that each run gives."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            seconds = run(repeat)
            if repeat:
                times[name].append(seconds)
    return {name: statistics.median(column) for name, column in times.items()}


def timed(run: Callable[[], object]) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    run()
    return time.process_time() - start


def in_pieces(images: NDArray[np.uint8], plan: Plan, out: NDArray[np.float32]) -> None:
    """Render a block piece by piece into the same memory."""
    if len(out) == len(plan):
        render(images, plan, out)
        return
    for start in range(0, len(plan), len(out)):
        rows = np.arange(start, start + len(out))
        render(images[start : start + len(out)], plan.rows(rows), out)


def costs(side: int, repeats: int) -> list[tuple[str, float, float]]:
    """(what, microseconds an image, share of rendering without guards)."""
    n, piece = BLOCK[side], PIECE[side]
    images, masks = discs(side, n)
    out = np.empty((piece, 3, side, side), np.float32)
    shapes = np.full((n, 2), side)
    given = {"mask": inspect(images, masks), "centre": Objects.centre(n)}
    rows = []
    for title, contract in (("mnist", Contract.builtin("mnist")), ("cifar10", Contract.builtin("cifar10"))):
        labels = np.arange(n) % len(contract.classes)
        for chain, steps in CHAINS.items():
            output = aug.Output(dtype="float32", layout="CHW", mean=MEAN, std=STD)
            compose = aug.Compose(tuple(steps), output=output)
            enforcer = Enforcer(compose, contract, "warn")

            def plain(epoch: int, compose: aug.Compose = compose) -> float:
                return timed(lambda: in_pieces(images, compose.plan(shapes, range(n), 0, epoch), out))

            def guard(
                epoch: int,
                objects: Objects,
                compose: aug.Compose = compose,
                enforcer: Enforcer = enforcer,
                labels: NDArray[np.int64] = labels,
            ) -> float:
                plan = compose.plan(shapes, range(n), 0, epoch)
                start = time.process_time()
                plan = enforcer.enforce(plan, labels, objects)[0]
                seconds = time.process_time() - start
                in_pieces(images, plan, out)  # so that the guards find the caches as in the loader
                return seconds

            runs: dict[str, Callable[[int], float]] = {"plain": plain}
            for name, objects in given.items():
                runs[name] = lambda epoch, objects=objects, guard=guard: guard(epoch, objects)  # type: ignore[misc]
            times = taking_turns(runs, repeats)
            for name in given:
                rows.append(
                    (f"{title}, {chain}, object by {name}", 1e6 * times[name] / n, times[name] / times["plain"])
                )
    few = images[:8]
    saliency = taking_turns({"saliency": lambda _: timed(lambda: inspect(few))}, repeats)["saliency"]
    rows.append(("saliency, once an image", 1e6 * saliency / len(few), saliency / len(few) * n / times["plain"]))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    repeats = parser.parse_args().repeats
    cv2.setNumThreads(1)
    for side, n in BLOCK.items():
        print(f"{side} x {side}, blocks of {n}: guards, against planning and rendering alone")
        for what, micros, share in costs(side, repeats):
            note = "" if what.startswith("saliency") else f"   limit {LIMIT:.0%}"
            print(f"  {what:40} {micros:8.2f} us an image  {share:7.1%}{note}")


if __name__ == "__main__":
    main()
