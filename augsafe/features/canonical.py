"""Images of any size and kind as small squares, as they are and with their content centred and scaled.

All of it commutes with the eight symmetries of the square, up to rounding: that is what lets the features of a turned
image be taken from those of the image (see `descriptor.permutation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

WORK = 64  # the side on which images are measured
SIDE = 32  # the side of what is described
RADIUS = 7.5  # root mean square distance of the aligned content from its centre, in pixels of SIDE
CUT = 0.25  # a difference from the border below this share of the largest is no content
SCALES = (0.5, 4.0)  # least and largest magnification of the content


def squares(images: Sequence[NDArray[Any]], channels: int) -> FloatArray:
    """Images (H, W[, C]) squeezed to (n, WORK, WORK, channels), levels in [0, 1] for whole numbers."""
    out = np.empty((len(images), WORK, WORK, channels), np.float32)
    for i, image in enumerate(images):
        out[i] = _square(image, channels)
    return out


def _square(image: NDArray[Any], channels: int) -> FloatArray:
    levels = image.astype(np.float32)
    if image.dtype.kind == "u":
        levels /= np.iinfo(image.dtype).max
    levels = levels if levels.ndim == 3 else levels[..., None]
    if levels.shape[2] == 1 and channels > 1:
        levels = np.repeat(levels, channels, axis=2)
    # shrinking takes means, enlarging interpolates; each axis by itself, so that turns change nothing
    for axis in (0, 1):
        if levels.shape[axis] == WORK:
            continue
        size = (levels.shape[1], WORK) if axis == 0 else (WORK, levels.shape[0])
        how = cv2.INTER_AREA if levels.shape[axis] > WORK else cv2.INTER_LINEAR
        planes = [cv2.resize(levels[..., c : c + 4], size, interpolation=how) for c in range(0, channels, 4)]
        levels = np.concatenate([p.reshape(size[1], size[0], -1) for p in planes], axis=2)
    return levels


def halved(work: FloatArray) -> FloatArray:
    """(n, WORK, WORK, C) to (n, SIDE, SIDE, C) by means."""
    n, _, _, channels = work.shape
    step = WORK // SIDE
    return np.asarray(work.reshape(n, SIDE, step, SIDE, step, channels).mean(axis=(2, 4)))


def border_level(work: FloatArray) -> FloatArray:
    """The median level of each channel along the border, (n, C)."""
    sides = (work[:, 0], work[:, -1], work[:, 1:-1, 0], work[:, 1:-1, -1])
    return np.asarray(np.median(np.concatenate(sides, axis=1), axis=1), dtype=np.float32)


def aligned(work: FloatArray) -> FloatArray:
    """The content of (n, WORK, WORK, C) centred and scaled to one radius, (n, SIDE, SIDE, C).

    Content is what differs from the border. An image without any is left where it is.
    """
    level = border_level(work)
    weight = np.abs(work - level[:, None, None]).max(axis=3)
    most = weight.max(axis=(1, 2), keepdims=True)
    weight = np.where(weight >= CUT * most, weight, 0)
    total = weight.sum(axis=(1, 2))
    grid = np.arange(WORK, dtype=np.float32)
    safe = np.maximum(total, 1e-6)
    across, down = weight.sum(axis=1), weight.sum(axis=2)
    x, y = across @ grid / safe, down @ grid / safe
    spread = across @ grid**2 / safe - x**2 + down @ grid**2 / safe - y**2
    scale = np.clip(RADIUS / np.sqrt(np.maximum(spread, 1e-6)), SCALES[0] / 2, SCALES[1] / 2)
    empty = total <= 1e-6
    scale[empty], x[empty], y[empty] = SIDE / WORK, (WORK - 1) / 2, (WORK - 1) / 2
    return _warped(work, level, scale, x, y)


def _warped(work: FloatArray, level: FloatArray, scale: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    n, _, _, channels = work.shape
    out = np.empty((n, SIDE, SIDE, channels), np.float32)
    middle = (SIDE - 1) / 2
    for i in range(n):
        s = float(scale[i])
        matrix = np.array([[s, 0, middle - s * x[i]], [0, s, middle - s * y[i]]])
        source = cv2.GaussianBlur(work[i], (0, 0), 0.35 / s) if s < 0.75 else work[i]
        source = source.reshape(WORK, WORK, channels)
        for c in range(0, channels, 4):
            fill = tuple(float(v) for v in level[i, c : c + 4])
            part = np.ascontiguousarray(source[..., c : c + 4])
            moved = cv2.warpAffine(part, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
            out[i, ..., c : c + 4] = moved.reshape(SIDE, SIDE, -1)
    return out
