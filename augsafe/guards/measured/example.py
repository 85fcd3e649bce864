"""Small data sets for the examples of rules that need images."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def arrows(per_class: int = 60, side: int = 32, seed: int = 0) -> tuple[NDArray[np.uint8], list[str]]:
    """Images (n, side, side), light on dark, and their labels "left" and "right"."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(2 * per_class):
        name = ("left", "right")[i % 2]
        image = np.zeros((side, side), np.uint8)
        middle = side / 2 + rng.uniform(-2, 2, 2)
        reach = rng.uniform(0.25, 0.35) * side * (1 if name == "right" else -1)
        lean = rng.uniform(-0.15, 0.15) * side
        start, end = (tuple(int(v) for v in middle + s * np.array([reach, lean])) for s in (-1, 1))
        cv2.arrowedLine(image, start, end, int(rng.integers(170, 256)), int(rng.integers(1, 4)), cv2.LINE_AA, 0, 0.4)
        noisy = image + rng.normal(0, 5, image.shape)
        images.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        labels.append(name)
    return np.stack(images), labels


def scenes(per_class: int = 60, side: int = 32, seed: int = 0) -> tuple[NDArray[np.uint8], list[str]]:
    """Images (n, side, side, 3) with levels over the whole range, and their labels "rough" and "smooth"."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(2 * per_class):
        name = ("rough", "smooth")[i % 2]
        field = cv2.GaussianBlur(rng.normal(size=(side, side, 3)), (0, 0), 1 if name == "rough" else 4)
        levels = 128 + rng.uniform(45, 60) * (field - field.mean()) / field.std()
        images.append(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
        labels.append(name)
    return np.stack(images), labels


def lights(per_class: int = 60, side: int = 24, seed: int = 0) -> tuple[NDArray[np.uint8], list[str]]:
    """Images (n, side, side, 3) of a red or a green light on grey, and their labels."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(2 * per_class):
        image = np.full((side, side, 3), rng.integers(40, 110), np.uint8)
        strong, weak = int(rng.integers(190, 240)), int(rng.integers(10, 50))
        colour = (strong, weak, weak) if i % 2 else (weak, strong, weak)
        centre = tuple(int(v) for v in rng.integers(side // 2 - 2, side // 2 + 3, 2))
        cv2.circle(image, centre, int(rng.integers(side // 5, side // 3)), colour, -1, cv2.LINE_AA)
        images.append(image)
        labels.append("red" if i % 2 else "green")
    return np.stack(images), labels


def floats() -> tuple[NDArray[np.float32], list[str]]:
    """The scenes as floats from 0 to 1."""
    images, labels = scenes()
    return (images / np.float32(255)).astype(np.float32), labels


DATA = {"arrows": arrows, "scenes": scenes, "floats": floats, "lights": lights}
