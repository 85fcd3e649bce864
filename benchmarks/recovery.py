"""How near recovered maps are to the truth: the largest error of a corner, over many draws of each step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from augsafe.foreign import Foreign
from augsafe.foreign.seeding import EVERY, Generators

Truth = Callable[[Any, int, tuple[int, int]], np.ndarray]


def albumentations_truth(step: Any, seed: int, size: tuple[int, int]) -> np.ndarray:
    """The matrix that the step itself reports for a draw."""
    import albumentations as A

    made = A.ReplayCompose([copy.deepcopy(step)])
    made.set_random_seed(seed)
    done = made(image=np.zeros((*size, 3), np.uint8))["replay"]["transforms"][0]
    if not done["applied"]:
        return np.eye(3)
    return np.asarray(done["params"]["matrix"], dtype=float)


def torchvision_truth(step: Any, seed: int, size: tuple[int, int]) -> np.ndarray:
    """The matrix of a v2 RandomAffine or RandomRotation, from the parameters that it draws and its documentation."""
    import torch
    from torchvision.transforms.functional import _get_inverse_affine_matrix

    with Generators(EVERY, "truth") as generators:
        generators.seed(seed)
        # v2 draws in make_params, and nothing before it
        drawn = step.make_params([torch.zeros((3, *size), dtype=torch.uint8)])
    angle = drawn["angle"] if "shear" in drawn else -drawn["angle"]
    shear, scale, shift = drawn.get("shear", (0, 0)), drawn.get("scale", 1.0), drawn.get("translate", (0, 0))
    back = np.reshape(_get_inverse_affine_matrix([0.0, 0.0], angle, list(shift), scale, list(shear)), (2, 3))
    forward = np.linalg.inv(np.vstack([back, [0, 0, 1]]))
    middle = np.array([[1, 0, (size[1] - 1) / 2], [0, 1, (size[0] - 1) / 2], [0, 0, 1.0]])
    return middle @ forward @ np.linalg.inv(middle)


def cases() -> dict[str, tuple[Any, Truth]]:
    """Steps whose truth is known."""
    import albumentations as A
    import torchvision.transforms.v2 as T

    return {
        "albumentations.Affine": (
            A.Affine(scale=(0.6, 1.6), translate_percent=(-0.2, 0.2), rotate=(-60, 60), shear=(-15, 15), p=1),
            albumentations_truth,
        ),
        "albumentations.Rotate": (A.Rotate(limit=90, p=1), albumentations_truth),
        "torchvision.RandomAffine": (T.RandomAffine(60, (0.2, 0.2), (0.6, 1.6), 15), torchvision_truth),
        "torchvision.RandomRotation": (T.RandomRotation(90), torchvision_truth),
    }


def worst(step: Any, truth: Truth, draws: int, size: tuple[int, int] = (96, 128)) -> float:
    """The largest distance, in output pixels, between a corner's recovered and true place."""
    foreign = Foreign(step)
    height, width = size
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1.0]]).T
    most = 0.0
    for k in range(draws):
        u = (k + 0.5) / draws
        want = truth(step, int(u * 2.0**32), size)
        a, b = (m @ corners for m in (foreign.recovered(u, size).matrix, want))
        most = max(most, float(np.linalg.norm(a[:2] / a[2] - b[:2] / b[2], axis=0).max()))
    return most


def main() -> None:
    """Print the table of 1,000 draws each."""
    print("| step | draws | largest error of a corner, pixels |\n|---|---|---|")
    for name, (step, truth) in cases().items():
        print(f"| {name} | 1,000 | {worst(step, truth, 1000):.4f} |")


if __name__ == "__main__":
    main()
