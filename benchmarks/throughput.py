"""Images in memory to tensors ready for training, with two workers: `python -m benchmarks.throughput`.

augsafe's loader with two threads, and its data set in a DataLoader with two worker processes, beside a DataLoader with
two worker processes over albumentations and over torchvision v2. All make float32 CHW batches with labels from the same
224 px photographs, by the chain of `benchmarks.rivals`. The ways take turns, and the ratios are of medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

import augsafe as aug
from augsafe.adapters.torch import Dataset, TensorLoader
from benchmarks import rivals
from benchmarks.__main__ import machine, one_thread, photographs

SIDE, WORKERS = 224, 2
TARGETS = {"albumentations": 2.0, "torchvision v2": 4.0}
Epoch = Callable[[], Iterable[Any]]


class ByImage(torch.utils.data.Dataset):
    """A data set as users of the other libraries write it: one image at a time."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], chain: rivals.Run) -> None:
        self.images, self.labels, self.chain = images, labels, chain

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.as_tensor(self.chain(self.images[index : index + 1])[0]), int(self.labels[index])


def in_processes(dataset: Any, batch_size: int) -> DataLoader:
    """Two worker processes that stay."""
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
        multiprocessing_context="fork",  # the chains hold closures
    )


def ways(images: NDArray[np.uint8], labels: NDArray[np.int64], batch_size: int) -> dict[str, Epoch]:
    """Each way's epoch; augsafe's loader first."""
    policy = rivals.policy()
    loader = aug.Loader((images, labels), policy, batch_size=batch_size, workers=WORKERS)
    found: dict[str, Epoch] = {
        "augsafe Loader": TensorLoader(loader).__iter__,
        "augsafe in a DataLoader": in_processes(Dataset((images, labels), policy), batch_size).__iter__,
    }
    for rival in (rivals.albumentations(SIDE), rivals.torchvision(SIDE)):
        if rival.run is not None:
            found[rival.name] = in_processes(ByImage(images, labels, rival.run), batch_size).__iter__
    return found


def measure(found: dict[str, Epoch], n: int, rounds: int) -> dict[str, float]:
    """Images a second of each way: the median over rounds in which they take turns, after one to start up."""
    speeds: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds + 1):
        for name, epoch in found.items():
            start, seen = time.perf_counter(), 0
            for images, _ in epoch():
                seen += len(images)
            assert seen == n, (name, seen)
            if number:
                speeds[name].append(n / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in speeds.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=32)
    arguments = parser.parse_args()
    one_thread()
    images = photographs(SIDE, arguments.images)
    labels = np.arange(len(images), dtype=np.int64) % 10
    speeds = measure(ways(images, labels, arguments.batch_size), len(images), arguments.rounds)
    print("| images to tensors, 2 workers, 224 px | images / s | the Loader is faster by | target |")
    print("|---|---|---|---|")
    for name, speed in speeds.items():
        ratio, target = speeds["augsafe Loader"] / speed, TARGETS.get(name)
        verdict = "" if target is None else f"{target:g}x {'reached' if ratio >= target else 'MISSED'}"
        print(f"| {name} | {speed:.0f} | {ratio:.2f}x | {verdict} |")
    chains = [rivals.augsafe(SIDE), rivals.albumentations(SIDE), rivals.torchvision(SIDE)]
    print(f"\nMeasured on {machine(chains).replace('one thread', 'two workers of one thread')}.")


if __name__ == "__main__":
    main()
