"""A small square as a vector: histograms of oriented gradients, and blurred pixels.

Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; the square root of histograms is
the Hellinger kernel (Arandjelovic and Zisserman, "Three things everyone should know ...", CVPR 2012).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from augsafe.typicality.features.canonical import SIDE, FloatArray

BINS = 8
CELLS = 8
PIXELS = 16
BLUR = 1.2  # of the pixels, in pixels of SIDE
PIXEL_SHARE = 1.0  # weight of the pixels beside the histograms
LEVEL_SHARE = 0.5  # weight of mean and spread of each channel


@lru_cache(maxsize=1)
def _pools() -> tuple[FloatArray, FloatArray]:
    """Matrices (CELLS, SIDE) of overlapping triangles and (PIXELS, SIDE) of blurred means, alike when reversed."""
    place = np.arange(SIDE)
    width = SIDE / CELLS
    centres = (np.arange(CELLS) + 0.5) * width - 0.5
    cells = np.maximum(0, 1 - np.abs(place - centres[:, None]) / (1.5 * width))
    width = SIDE / PIXELS
    centres = (np.arange(PIXELS) + 0.5) * width - 0.5
    pixels = np.exp(-(((place - centres[:, None]) / BLUR) ** 2) / 2)
    return tuple((m / m.sum(axis=1, keepdims=True)).astype(np.float32) for m in (cells, pixels))


def histograms(images: FloatArray) -> FloatArray:
    """Gradients of (n, SIDE, SIDE, C), of the strongest channel at each place, as (n, CELLS, CELLS, BINS).

    Bins are signed directions at multiples of 45 degrees, x right and y down, shared between the two nearest.
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    dx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    dy = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    if images.shape[3] > 1:
        best = (dx**2 + dy**2).argmax(axis=3)[..., None]
        dx, dy = (np.take_along_axis(d, best, axis=3) for d in (dx, dy))
    size = np.hypot(dx, dy)[..., 0]
    place = np.arctan2(dy, dx)[..., 0] * (BINS / (2 * np.pi)) % BINS
    lower = np.floor(place)
    part = (place - lower).astype(np.float32)
    first = lower.astype(np.int64) % BINS
    shared = np.zeros((*size.shape, BINS), np.float32)
    np.put_along_axis(shared, first[..., None], (size * (1 - part))[..., None], axis=3)
    np.put_along_axis(shared, ((first + 1) % BINS)[..., None], (size * part)[..., None], axis=3)
    cells = _pools()[0]
    return np.asarray(np.einsum("ci,nijb,dj->ncdb", cells, shared, cells, optimize=True))


def describe(images: FloatArray) -> FloatArray:
    """Vectors (n, d) of (n, SIDE, SIDE, C)."""
    n, _, _, channels = images.shape
    gradients = histograms(images).reshape(n, -1)
    gradients = np.sqrt(_unit(gradients))
    pool = _pools()[1]
    pixels = np.einsum("ci,nijk,dj->ncdk", pool, images, pool, optimize=True)
    pixels = _unit((pixels - pixels.mean(axis=(1, 2, 3), keepdims=True)).reshape(n, -1))
    levels = np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)
    return np.concatenate([gradients, PIXEL_SHARE * pixels, LEVEL_SHARE * levels / np.sqrt(channels)], axis=1)


def _unit(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-5, rows / np.maximum(length, 1e-5), 0), dtype=np.float32)


def permutation(matrix: NDArray[np.int64], channels: int) -> NDArray[np.intp]:
    """Where each feature of a moved image stands among those of the image: describe(moved) = describe(image)[:, it].

    matrix (2, 2): the symmetry on offsets from the centre, source to output, x right and y down.
    """
    back = matrix.T  # the inverse of an orthogonal matrix: where an output place comes from
    turn = [_bin(back @ _direction(b)) for b in range(BINS)]
    gradients = np.arange(CELLS * CELLS * BINS).reshape(CELLS, CELLS, BINS)
    pixels = np.arange(PIXELS * PIXELS * channels).reshape(PIXELS, PIXELS, channels)
    moved = _from(gradients, back)[..., turn]
    first, second = gradients.size, pixels.size
    levels = first + second + np.arange(2 * channels)
    return np.concatenate([moved.ravel(), first + _from(pixels, back).ravel(), levels])


def _from(grid: NDArray[np.int64], back: NDArray[np.int64]) -> NDArray[np.int64]:
    side = len(grid)
    y, x = np.mgrid[:side, :side] * 2 - (side - 1)
    source = np.einsum("ab,bij->aij", back, np.stack([x, y]))
    return np.asarray(grid[(source[1] + side - 1) // 2, (source[0] + side - 1) // 2])


def _direction(number: int) -> NDArray[np.float64]:
    angle = 2 * np.pi * number / BINS
    return np.array([np.cos(angle), np.sin(angle)])


def _bin(direction: NDArray[np.float64]) -> int:
    return round(float(np.arctan2(direction[1], direction[0]) * BINS / (2 * np.pi))) % BINS
