"""The eight symmetries of the square, as they act on images (x right, y down)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYMMETRIES = ("identity", "rot90", "rot180", "rot270", "hflip", "vflip", "transpose", "antitranspose")

# rot90 is a quarter turn counter-clockwise as displayed: the right side goes up
MATRICES: NDArray[np.int64] = np.array(
    [
        [[1, 0], [0, 1]],
        [[0, 1], [-1, 0]],
        [[-1, 0], [0, -1]],
        [[0, -1], [1, 0]],
        [[-1, 0], [0, 1]],
        [[1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[0, -1], [-1, 0]],
    ]
)


def _name(matrix: NDArray[np.int64]) -> str:
    return SYMMETRIES[int(np.flatnonzero((matrix == MATRICES).all(axis=(1, 2)))[0])]


_THEN = {(g, h): _name(MATRICES[j] @ MATRICES[i]) for i, g in enumerate(SYMMETRIES) for j, h in enumerate(SYMMETRIES)}


def then(g: str, h: str) -> str:
    """The symmetry of doing g first and h after it."""
    return _THEN[g, h]


def inverse(g: str) -> str:
    """The symmetry that undoes g."""
    return next(h for h in SYMMETRIES if _THEN[g, h] == "identity")
