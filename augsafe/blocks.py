"""Averages over whole blocks of pixels, taken before a warp that shrinks, so that it does not alias."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray

Image = NDArray[Any]
_HALVINGS = 2


def block_means(image: Image, kx: int, ky: int) -> Image:
    """The means of blocks of ky x kx pixels of an image (H, W[, C]) whose sides are multiples of them.

    OpenCV's averaging is slow but for 2 x 2, so other even factors go by halves, in one direction or both: 2 to 10
    times as fast. Each of the at most two halvings rounds to the image's dtype, halves upwards: no mean is off by more
    than 1.5 levels, nor their average by more than half a level.
    """
    tail = image.shape[2:]
    for _ in range(_HALVINGS):
        height, width = image.shape[:2]
        if kx % 2 == 0 and ky % 2 == 0:
            image, kx, ky = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), kx // 2, ky // 2
        elif kx % 2 == 0 and ky == 1:  # half way between two pixels, so their mean
            image, kx = cv2.resize(image, (width // 2, height), interpolation=cv2.INTER_LINEAR), kx // 2
        elif ky % 2 == 0 and kx == 1:
            image, ky = cv2.addWeighted(image[::2], 0.5, image[1::2], 0.5, 0), ky // 2
        else:
            break
        image = image.reshape(*image.shape[:2], *tail)
    if kx > 1 or ky > 1:
        target = (image.shape[1] // kx, image.shape[0] // ky)
        image = cv2.resize(image, target, interpolation=cv2.INTER_AREA)
    return image.reshape(*image.shape[:2], *tail)


def reduced(image: Image, matrix: FloatArray, factors: tuple[int, int]) -> tuple[Image, FloatArray]:
    """The image averaged over blocks, `factors` (x, y) of pixels each, and the map from it."""
    kx, ky = (min(k, side) for k, side in zip(factors, image.shape[1::-1], strict=True))
    missing_x, missing_y = -image.shape[1] % kx, -image.shape[0] % ky
    if missing_x or missing_y:
        wide = cv2.copyMakeBorder(image, 0, missing_y, 0, missing_x, cv2.BORDER_REPLICATE)
        image = np.asarray(wide).reshape(*wide.shape[:2], *image.shape[2:])
    back = np.array([[kx, 0, (kx - 1) / 2], [0, ky, (ky - 1) / 2], [0, 0, 1.0]])
    return block_means(image, kx, ky), matrix @ back
