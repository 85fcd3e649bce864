"""`python -m benchmarks`: the chain of the README in four libraries, side by side, on one thread."""

from __future__ import annotations

import argparse
import platform
import statistics
import time

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from benchmarks.rivals import Rival, rivals

TARGETS = {
    (224, "albumentations"): 2.0,
    (224, "torchvision v2"): 5.0,
    (32, "albumentations"): 8.0,
    (32, "torchvision v2"): 15.0,
    (32, "kornia"): 2.5,
}
BATCH = {224: 32, 32: 256}
BATCHES = {224: 4, 32: 32}


def one_thread() -> None:
    """Hold every library to one thread."""
    cv2.setNumThreads(1)
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)


def photographs(side: int, n: int) -> NDArray[np.uint8]:
    """N crops of real photographs, at the given side: crops of twice the side, halved."""
    sources = load_sample_images().images
    rng = np.random.default_rng(0)
    out = np.empty((n, side, side, 3), np.uint8)
    for i in range(n):
        image = sources[i % len(sources)]
        cut = min(2 * side, *image.shape[:2])
        y, x = (int(rng.integers(0, image.shape[k] - cut + 1)) for k in (0, 1))
        out[i] = cv2.resize(image[y : y + cut, x : x + cut], (side, side), interpolation=cv2.INTER_AREA)
    return out


def measure(chains: list[Rival], images: NDArray[np.uint8], batch: int, repeats: int) -> dict[str, float]:
    """Microseconds of processor time an image: the median over repeats that take turns.

    On one thread that is the time itself, without what other programs on the machine took in between.
    """
    runs = [chain for chain in chains if chain.run is not None]
    times: dict[str, list[float]] = {chain.name: [] for chain in runs}
    for repeat in range(repeats + 1):
        for chain in runs:
            start = time.process_time()
            chain.epoch(images, batch)
            if repeat:  # the first round warms up
                times[chain.name].append((time.process_time() - start) / len(images) * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def table(side: int, chains: list[Rival], result: dict[str, float]) -> list[str]:
    """The rows for one size of image."""
    rows = []
    ours = result["augsafe"]
    for chain in chains:
        if chain.name not in result:
            rows.append(f"| {side} | {chain.name} | skipped: {chain.missing} | | |")
            continue
        ratio, target = result[chain.name] / ours, TARGETS.get((side, chain.name))
        verdict = "" if target is None else f"{target:g}x {'reached' if ratio >= target else 'MISSED'}"
        rows.append(f"| {side} | {chain.name} | {result[chain.name]:.0f} | {ratio:.1f}x | {verdict} |")
    return rows


def machine(chains: list[Rival]) -> str:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux
    versions = [f"{c.name} {c.version}" for c in chains if c.run is not None]
    versions += [f"OpenCV {cv2.__version__}", f"numpy {np.__version__}"]
    return f"{model}, one thread; Python {platform.python_version()}, {', '.join(versions)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="rounds of which the median is taken")
    arguments = parser.parse_args()
    one_thread()
    print("| side | chain | us / image | augsafe is faster by | target |")
    print("|---|---|---|---|---|")
    chains: list[Rival] = []
    for side, n in BATCH.items():
        chains = rivals(side, n)
        result = measure(chains, photographs(side, n * BATCHES[side]), n, arguments.repeats)
        print("\n".join(table(side, chains, result)), flush=True)
    print(f"\nMeasured on {machine(chains)}.")


if __name__ == "__main__":
    main()
