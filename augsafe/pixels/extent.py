"""Which part of an image a map shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray


def seen(matrices: FloatArray, frame: tuple[int, int], margin: float) -> tuple[FloatArray, FloatArray]:
    """The lowest and highest x and y (n, 2) of what affine maps (n, 3, 3) show on a frame (height, width).

    Pixel centres, with `margin` pixels of the frame more on each side. Not finite where a map is singular.
    """
    a, b, c, d = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0], matrices[:, 1, 1]
    middle_x, middle_y = (frame[1] - 1) / 2.0, (frame[0] - 1) / 2.0
    half_x, half_y = middle_x + margin, middle_y + margin
    x, y = middle_x - matrices[:, 0, 2], middle_y - matrices[:, 1, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / (a * d - b * c)
        size = np.abs(inverse)
        middle = np.stack([(d * x - b * y) * inverse, (a * y - c * x) * inverse], axis=1)
        reach_x = (np.abs(d) * half_x + np.abs(b) * half_y) * size
        reach_y = (np.abs(c) * half_x + np.abs(a) * half_y) * size
        reach = np.stack([reach_x, reach_y], axis=1)
        return middle - reach, middle + reach


def parts(
    matrices: FloatArray, sizes: NDArray[np.int64], frame: tuple[int, int], factors: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The parts (n, 4) x0, y0, x1, y1 of images that suffice for their warps, what the border rule repeats included.

    `sizes` (n, 2) are heights and widths; `factors` (n, 2) are the sides x and y of the blocks that are averaged first.
    A part that touches the border consists of whole blocks, counted from the image's own corner, so that it is reduced
    as the image would be. All of the image where a map is projective.
    """
    sides = sizes[:, ::-1]
    low, high = seen(matrices, frame, 1.0)
    known = (np.isfinite(low) & np.isfinite(high)).all(axis=1) & (matrices[:, 2, :2] == 0).all(axis=1)
    low, high = (np.clip(np.where(known[:, None], v, 0), -1e6, 1e6) for v in (low, high))
    first = np.floor(low + 1e-9).astype(np.int64) - 2 * factors
    last = np.ceil(high - 1e-9).astype(np.int64) + 2 * factors
    inside = ((first >= 0) & (last <= sides)).all(axis=1, keepdims=True)
    whole = np.minimum(-(-last // factors) * factors, sides)
    aligned = np.maximum(first, 0) // factors * factors
    near = (-first < whole) & (last - sides < sides - aligned)  # else the border rule may reach for the other end
    first = np.where(inside, first, np.where(near, aligned, 0))
    last = np.where(inside, last, np.where(near, whole, sides))
    out = np.concatenate([first, last], axis=1)
    return np.where(known[:, None], out, np.concatenate([np.zeros_like(sides), sides], axis=1))


def from_part(matrices: FloatArray, corners: NDArray[np.int64]) -> FloatArray:
    """The same affine maps (n, 3, 3) from parts of the images whose first pixels x, y are at `corners` (n, 2)."""
    out = matrices.copy()
    x, y = corners[:, 0, None], corners[:, 1, None]
    out[:, :2, 2] += matrices[:, :2, 0] * x + matrices[:, :2, 1] * y
    return out
