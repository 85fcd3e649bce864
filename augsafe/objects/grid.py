"""Weights of what matters in an image, on a coarse grid: from a mask or from boxes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray

GRID = 16
Weights = NDArray[np.float32]


def to_grid(values: Weights) -> Weights:
    """Any non-negative map to the grid, each pixel shared by area; sums to 1."""
    height, width = values.shape
    grid = _shares(height) @ values @ _shares(width).T
    total = float(grid.sum())
    return np.asarray(grid / total if total > 0 else grid, dtype=np.float32)


@lru_cache(maxsize=256)
def _shares(side: int) -> Weights:
    """How much of each pixel lies in each cell (16, side)."""
    cells, pixels = np.arange(GRID + 1) / GRID, np.arange(side + 1) / side
    low = np.maximum(cells[:-1, None], pixels[None, :-1])
    high = np.minimum(cells[1:, None], pixels[None, 1:])
    return np.asarray(np.maximum(high - low, 0) * side, dtype=np.float32)


def extent_of(inside: NDArray[np.bool_]) -> Weights:
    """The box around what is inside (h, w), as x0, y0, x1, y1 in fractions of the frame."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = inside.shape
    return np.array(
        [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height], np.float32
    )


def from_boxes(boxes: FloatArray, height: int, width: int) -> tuple[Weights, Weights] | None:
    """Boxes of equal weight, each spread over its area; None where none covers any of the image."""
    unit = np.clip(boxes / [width, height, width, height], 0, 1)
    unit = unit[(unit[:, 2:] > unit[:, :2]).all(axis=1)]
    if not len(unit):
        return None
    cells = np.arange(GRID + 1) / GRID
    across = np.maximum(np.minimum(unit[:, 2:3], cells[1:]) - np.maximum(unit[:, :1], cells[:-1]), 0)
    down = np.maximum(np.minimum(unit[:, 3:], cells[1:]) - np.maximum(unit[:, 1:2], cells[:-1]), 0)
    grids = down[:, :, None] * across[:, None, :]
    grid = (grids / grids.sum(axis=(1, 2), keepdims=True)).mean(axis=0)
    extent = np.concatenate([unit[:, :2].min(axis=0), unit[:, 2:].max(axis=0)])
    return grid.astype(np.float32), extent.astype(np.float32)
