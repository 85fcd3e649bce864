"""The eight symmetries of the square, as they act on images (x right, y down)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYMMETRIES = ("identity", "rot90", "rot180", "rot270", "hflip", "vflip", "transpose", "antitranspose")

# On pixel offsets from the centre, source to output. rot90 turns counter-clockwise as displayed: right goes up.
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
    ],
    dtype=np.int64,
)
MATRICES.setflags(write=False)


def _name(matrix: NDArray[np.int64]) -> str:
    return SYMMETRIES[int(np.flatnonzero((matrix == MATRICES).all(axis=(1, 2)))[0])]


_THEN = {(g, h): _name(MATRICES[j] @ MATRICES[i]) for i, g in enumerate(SYMMETRIES) for j, h in enumerate(SYMMETRIES)}
_INVERSE = {g: h for (g, h), product in _THEN.items() if product == "identity"}


def then(g: str, h: str) -> str:
    """The symmetry of doing g first and h after it."""
    return _THEN[g, h]


def inverse(g: str) -> str:
    """The symmetry that undoes g."""
    return _INVERSE[g]
