"""Averages over whole blocks of pixels, taken before a warp that shrinks, so that it does not alias."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray

Image = NDArray[Any]
_MOST = 257  # levels of 8 bits whose sum fits into 16 bits


def block_means(image: Image, kx: int, ky: int) -> Image:
    """The means of blocks of ky x kx pixels of an image (H, W[, C]) whose sides are multiples of them.

    OpenCV's own averaging is slow but for blocks of 2 x 2: rows of 8-bit levels are added up here, and columns as the
    rows of the transpose, which takes a quarter to three quarters of the time.
    """
    height, width = image.shape[0] // ky, image.shape[1] // kx
    if (kx, ky) == (1, 1):
        return image
    if image.ndim == 3 and image.shape[2] > 4:  # where rounding makes a factor no whole number, OpenCV takes no more
        fours = (np.ascontiguousarray(image[..., c : c + 4]) for c in range(0, image.shape[2], 4))
        return np.concatenate([block_means(four, kx, ky) for four in fours], axis=2)
    summed = image.dtype == np.uint8 and ky <= _MOST and kx < 1 << 15 and (kx, ky) != (2, 2)
    if not summed or (kx, ky) == (2, 1):
        way = cv2.INTER_LINEAR if (kx, ky) == (2, 1) else cv2.INTER_AREA  # half way between two pixels is their mean
        means = cv2.resize(image, (width, height), interpolation=way)
    else:
        means = _row_sums(image, ky, np.uint16)
        if kx > 1:
            means = cv2.transpose(_row_sums(cv2.transpose(means), kx, np.uint16 if kx * ky <= _MOST else np.int32))
        means = cv2.convertScaleAbs(means, alpha=1 / (kx * ky))
    return np.asarray(means).reshape(height, width, *image.shape[2:])


def _row_sums(image: Image, k: int, dtype: type[np.integer[Any]]) -> Image:
    """Each k rows added up, in `dtype` if k > 1."""
    if k == 1:
        return image
    total = np.add(image[::k], image[1::k], dtype=dtype)
    for j in range(2, k):
        np.add(total, image[j::k], out=total)
    return total


def reduced(image: Image, matrix: FloatArray, factors: tuple[int, int]) -> tuple[Image, FloatArray]:
    """The image averaged over blocks, `factors` (x, y) of pixels each, and the map from it."""
    kx, ky = (min(k, side) for k, side in zip(factors, image.shape[1::-1], strict=True))
    missing_x, missing_y = -image.shape[1] % kx, -image.shape[0] % ky
    if missing_x or missing_y:
        wide = cv2.copyMakeBorder(image, 0, missing_y, 0, missing_x, cv2.BORDER_REPLICATE)
        image = np.asarray(wide).reshape(*wide.shape[:2], *image.shape[2:])
    back = np.array([[kx, 0, (kx - 1) / 2], [0, ky, (ky - 1) / 2], [0, 0, 1.0]])
    return block_means(image, kx, ky), matrix @ back
