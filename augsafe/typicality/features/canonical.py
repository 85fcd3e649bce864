"""Images of any size and kind as small squares: as they are, with their content centred and scaled, or freed of slant.

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
RADIUS = 7.5  # of the aligned content, as a root mean square, in pixels of SIDE
CUT = 0.25  # a difference from the border below this share of the largest is no content
SCALES = (0.5, 4.0)  # least and largest magnification of the content
STRETCH = 2.0  # most that one axis of the content is stretched against the other
LEAN = 0.8  # most slant that is taken out, as a shift of each row against the next, in pixels


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


def content(work: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre (n, 2) as x, y and second moments (n, 2, 2) of what differs from the border, and the border's level.

    An image without content has its middle for a centre, and moments of 0.
    """
    level = border_level(work)
    weight = np.abs(work - level[:, None, None]).max(axis=3)
    weight = np.where(weight >= CUT * weight.max(axis=(1, 2), keepdims=True), weight, 0)
    total = weight.sum(axis=(1, 2))
    empty = total <= 1e-6
    weight /= np.where(empty, 1, total)[:, None, None]
    grid = np.arange(WORK, dtype=np.float32) - (WORK - 1) / 2
    across, down = weight.sum(axis=1), weight.sum(axis=2)
    x, y = across @ grid, down @ grid
    mixed = np.einsum("nij,i,j->n", weight, grid, grid, optimize=True) - x * y
    moments = np.stack([across @ grid**2 - x**2, mixed, mixed, down @ grid**2 - y**2], axis=1).reshape(-1, 2, 2)
    centre = np.stack([x, y], axis=1) + (WORK - 1) / 2
    return centre.astype(np.float32), moments.astype(np.float32), level


def aligned(work: FloatArray) -> FloatArray:
    """The content of (n, WORK, WORK, C) centred and stretched towards a round shape of one size, (n, SIDE, SIDE, C).

    That takes out place, size, width and most of the slant. The stretch is the inverse root of the second moments,
    which turns with the image.
    """
    centre, moments, level = content(work)
    values, axes = np.linalg.eigh(moments.astype(np.float64))
    values = np.maximum(values, 1e-6)
    scale = _towards(np.maximum(values, values[:, 1:] / STRETCH**2))
    linear = np.einsum("nij,nj,nkj->nik", axes, scale, axes)
    linear[values[:, 1] <= 1e-5] = np.eye(2) * SIDE / WORK
    return _warped(work, level, linear, centre, np.full_like(centre, (SIDE - 1) / 2))


def upright(work: FloatArray, axis: int) -> tuple[FloatArray, FloatArray]:
    """The content freed of its slant: where it is, and centred at one width and height, (n, SIDE, SIDE, C) each.

    Slant is a shear along x (axis 0: type and handwriting lean so) or along y (axis 1), taken out until x and y no
    longer go together, as is usual for handwritten digits (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998).
    """
    centre, moments, level = content(work)
    other = 1 - axis
    values = moments.astype(np.float64)
    across, along, mixed = values[:, axis, axis], np.maximum(values[:, other, other], 1e-6), values[:, 0, 1]
    lean = np.clip(mixed / along, -LEAN, LEAN)
    shear = np.tile(np.eye(2), (len(work), 1, 1))
    shear[:, axis, other] = -lean
    left = np.maximum(across - 2 * lean * mixed + lean**2 * along, 1e-6)
    sizes = np.stack([left, along] if axis == 0 else [along, left], axis=1)
    largest = sizes.max(axis=1, keepdims=True)
    scale = _towards(np.maximum(sizes, largest / STRETCH**2))
    scale[largest[:, 0] <= 1e-5] = SIDE / WORK
    there = _warped(work, level, shear * (SIDE / WORK), centre, (centre + 0.5) * (SIDE / WORK) - 0.5)
    return there, _warped(work, level, scale[:, :, None] * shear, centre, np.full_like(centre, (SIDE - 1) / 2))


def _towards(variances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnifications that bring the content's variances to RADIUS, within SCALES."""
    return np.asarray(np.clip(RADIUS / np.sqrt(2 * variances), SCALES[0] / 2, SCALES[1] / 2))


def _warped(
    work: FloatArray, level: FloatArray, linear: NDArray[np.float64], centre: FloatArray, to: FloatArray
) -> FloatArray:
    """Under linear maps (n, 2, 2) that bring `centre` to `to`, (n, 2) each."""
    n, _, _, channels = work.shape
    out = np.empty((n, SIDE, SIDE, channels), np.float32)
    middle = to - np.einsum("nij,nj->ni", linear, centre)
    smallest = np.sqrt(np.abs(np.linalg.det(linear)))
    for i in range(n):
        matrix = np.concatenate([linear[i], middle[i][:, None]], axis=1)
        source = cv2.GaussianBlur(work[i], (0, 0), 0.35 / smallest[i]) if smallest[i] < 0.75 else work[i]
        source = source.reshape(WORK, WORK, channels)
        for c in range(0, channels, 4):
            fill = tuple(float(v) for v in level[i, c : c + 4])
            part = np.ascontiguousarray(source[..., c : c + 4])
            moved = cv2.warpAffine(part, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
            out[i, ..., c : c + 4] = moved.reshape(SIDE, SIDE, -1)
    return out
