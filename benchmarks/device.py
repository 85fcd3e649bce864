"""The device module beside kornia, same batch, same device, same run: `python -m benchmarks.device [--device cuda]`.

Both take uint8 (n, 3, side, side) that are on the device to normalised floats there, by the chain of
`benchmarks.rivals`, their draws included.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import kornia as K
import numpy as np
import torch

from augsafe.adapters.device import DeviceAugment
from benchmarks import rivals
from benchmarks.__main__ import BATCH, machine, one_thread, photographs


def kornia_chain() -> torch.nn.Module:
    """kornia's, as in `rivals.kornia`."""
    return K.augmentation.AugmentationSequential(
        K.augmentation.RandomAffine(
            degrees=rivals.ANGLE,
            translate=(rivals.SHIFT, rivals.SHIFT),
            scale=rivals.ZOOM,
            padding_mode="reflection",
            p=1.0,
        ),
        K.augmentation.RandomHorizontalFlip(p=0.5),
        K.augmentation.RandomBrightness(brightness=rivals.BRIGHTNESS, p=1.0),
        K.augmentation.Normalize(mean=torch.tensor(rivals.MEAN), std=torch.tensor(rivals.STD)),
        data_keys=["input"],
    )


def seconds(run: Callable[[], torch.Tensor], device: torch.device) -> float:
    """The time of one batch, finished."""
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


@torch.no_grad()
def compare(side: int, n: int, device: torch.device, rounds: int) -> tuple[float, float]:
    """Microseconds an image of augsafe and of kornia: medians over rounds in which they take turns."""
    images = torch.from_numpy(photographs(side, n)).permute(0, 3, 1, 2).contiguous().to(device)
    ours, theirs = DeviceAugment(rivals.policy()).to(device), kornia_chain().to(device)
    runs = (lambda: ours(images, np.arange(n)), lambda: theirs(images.float().div_(255)))
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 2):
        for run, kept in zip(runs, times, strict=True):
            taken = seconds(run, device)
            if number > 1:
                kept.append(taken)
    mine, other = (statistics.median(kept) / n * 1e6 for kept in times)
    return mine, other


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    one_thread()
    device = torch.device(arguments.device)
    print("| side | batch | augsafe, us / image | kornia, us / image | augsafe is faster by |")
    print("|---|---|---|---|---|")
    for side, n in BATCH.items():
        mine, other = compare(side, n, device, arguments.rounds)
        print(f"| {side} | {n} | {mine:.0f} | {other:.0f} | {other / mine:.2f}x |", flush=True)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"\nMeasured on {name}: {machine([rivals.augsafe(32), rivals.kornia(32)])}, PyTorch {torch.__version__}.")


if __name__ == "__main__":
    main()
