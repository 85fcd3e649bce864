"""Flips, crops and resizes, which need no slanted warp: `python -m benchmarks.crops`.

augsafe beside albumentations, each into one batch that is there already, one thread. albumentations with linear
interpolation, as its users write it, which aliases where it shrinks to less than half, and with averages over areas
(INTER_AREA), which like augsafe does not. The ways take turns; the least processor time of the rounds counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.transforms import ResizedCrop
from benchmarks.__main__ import one_thread

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = ((375, 500), (768, 1024))
Run = Callable[[int], None]
Pipeline = tuple[tuple[Any, ...], Callable[[Any, int], list[Any]]]


def pipelines(side: int) -> dict[str, Pipeline]:
    """For each name the steps of augsafe, and what makes those of albumentations with an interpolation."""
    larger = side * 8 // 7
    flip, square = aug.HorizontalFlip(), (side, side)
    return {
        "RandomResizedCrop, flip": (
            (ResizedCrop(side), flip),
            lambda A, kind: [A.RandomResizedCrop(square, interpolation=kind), A.HorizontalFlip()],
        ),
        "Resize": ((aug.Resize(square),), lambda A, kind: [A.Resize(side, side, interpolation=kind)]),
        "Resize, CenterCrop": (
            (aug.Resize((larger, larger)), aug.CenterCrop(side)),
            lambda A, kind: [A.Resize(larger, larger, interpolation=kind), A.CenterCrop(side, side)],
        ),
        "RandomCrop, flip": (
            (aug.RandomCrop(side), flip),
            lambda A, kind: [A.RandomCrop(side, side), A.HorizontalFlip()],
        ),
        "Rotate, CenterCrop": (
            (aug.Rotate((-10, 10)), aug.CenterCrop(side)),
            lambda A, kind: [A.Rotate(10, border_mode=4, p=1), A.CenterCrop(side, side)],
        ),
        "flip, quarter turns": (
            (flip, aug.Rotate90()),
            lambda A, kind: [A.HorizontalFlip(), A.RandomRotate90(p=1)],
        ),
        "Pad, RandomCrop, flip": (
            (aug.Pad(side // 8, side // 8, side // 8, side // 8), aug.RandomCrop(side), flip),
            lambda A, kind: [
                A.Pad(side // 8, border_mode=4),
                A.RandomCrop(side, side),
                A.HorizontalFlip(),
            ],
        ),
    }


def photographs(n: int, size: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Images of `size` (height, width), from scikit-image's photograph of a cat."""
    import cv2
    from skimage.data import chelsea

    picture = np.asarray(cv2.resize(chelsea()[:, :, :3], size[::-1]))
    return [np.ascontiguousarray(np.roll(picture, 13 * k, axis=1)) for k in range(n)]


def runs(images: list[NDArray[np.uint8]], side: int, pipeline: Pipeline, floats: bool) -> list[Run]:
    """augsafe, albumentations with linear interpolation, and with areas; each takes the number of its epoch."""
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    steps, make = pipeline
    output = aug.Output(dtype="float32", layout="CHW", mean=MEAN, std=STD) if floats else None
    policy, indices = aug.Compose(steps, output=output), np.arange(len(images))
    shape = (3, side, side) if floats else (side, side, 3)
    out = np.empty((len(images), *shape), np.float32 if floats else np.uint8)

    def ours(epoch: int) -> None:
        policy.batch(images, indices, seed=0, epoch=epoch, out=out)

    def theirs(kind: int) -> Run:
        chain = A.Compose([*make(A, kind), *([A.Normalize(MEAN, STD), ToTensorV2()] if floats else [])])

        def run(epoch: int) -> None:
            for i, image in enumerate(images):
                out[i] = chain(image=image)["image"]

        return run

    return [ours, theirs(cv2.INTER_LINEAR), theirs(cv2.INTER_AREA)]


def times(ways: list[Run], rounds: int) -> list[float]:
    """The least processor time of each way, in seconds, after a round to warm up."""
    best = [float("inf")] * len(ways)
    for epoch in range(rounds + 1):
        for k, way in enumerate(ways):
            start = time.process_time()
            way(epoch)
            if epoch:
                best[k] = min(best[k], time.process_time() - start)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crops", description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    one_thread()
    print(
        "| pipeline | from | to | augsafe us / image | albumentations takes | with areas |\n|---|---|---|---|---|---|"
    )
    for side in (224, 32):
        for size in (*SIZES, (side, side)):
            images = photographs(arguments.images, size)
            for name, pipeline in pipelines(side).items():
                same = name in ("flip, quarter turns", "Pad, RandomCrop, flip")
                if same != (size == (side, side)):
                    continue
                for floats in (False, True):
                    least = times(runs(images, side, pipeline, floats), arguments.rounds)
                    to = f"{side}, {'normalised' if floats else 'uint8'}"
                    own, linear, area = least
                    print(
                        f"| {name} | {size[1]} x {size[0]} | {to} | {own / len(images) * 1e6:.0f} "
                        f"| {linear / own:.2f}x | {area / own:.2f}x |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
