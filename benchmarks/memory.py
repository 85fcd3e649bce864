"""Whether memory is flat over many calls (law 12): `python -m benchmarks.memory [calls]`."""

from __future__ import annotations

import sys

import numpy as np
import psutil

import augsafe as aug


def resident() -> float:
    """The process's resident memory in MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def main(calls: int = 100_000) -> None:
    """Print the resident memory at ten points of the run; the first tenth pays for what is made once."""
    policy = aug.Compose(
        [aug.Shift(), aug.Zoom(), aug.Rotate(), aug.HorizontalFlip(), aug.Perspective(), aug.Brightness()]
    )
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    start = 0.0
    for tenth in range(1, 11):
        for index in range((tenth - 1) * calls // 10, tenth * calls // 10):
            policy(image, seed=0, index=index)
        now = resident()
        start = start or now
        print(f"{tenth * calls // 10:>9,} calls: {now:7.1f} MB ({now - start:+.1f} since the first tenth)", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
