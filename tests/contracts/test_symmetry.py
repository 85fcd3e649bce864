"""The eight symmetries, held against numpy's own flips and turns."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from augsafe.contracts import SYMMETRIES, inverse
from augsafe.contracts.symmetry import MATRICES, then

BY_NUMPY = {
    "identity": lambda a: a,
    "rot90": lambda a: np.rot90(a, 1),
    "rot180": lambda a: np.rot90(a, 2),
    "rot270": lambda a: np.rot90(a, 3),
    "hflip": np.fliplr,
    "vflip": np.flipud,
    "transpose": np.transpose,
    "antitranspose": lambda a: np.rot90(a, 2).T,
}
IMAGE = np.arange(12).reshape(3, 4)  # not square, and no two pixels alike


def moved(image, matrix):
    """The image with every pixel carried to where the matrix sends its offset from the centre."""
    h, w = image.shape
    width, height = np.abs(matrix) @ (w, h)
    out = np.full((height, width), -1)
    for y, x in product(range(h), range(w)):
        # offsets are doubled, so that they are whole numbers
        to_x, to_y = matrix @ (2 * x - (w - 1), 2 * y - (h - 1))
        out[(to_y + height - 1) // 2, (to_x + width - 1) // 2] = image[y, x]
    return out


def test_order_and_shape():
    assert SYMMETRIES == ("identity", "rot90", "rot180", "rot270", "hflip", "vflip", "transpose", "antitranspose")
    assert MATRICES.shape == (8, 2, 2)
    assert not MATRICES.flags.writeable


@pytest.mark.parametrize("g", SYMMETRIES)
def test_matrix_moves_pixels_as_numpy_does(g):
    np.testing.assert_array_equal(moved(IMAGE, MATRICES[SYMMETRIES.index(g)]), BY_NUMPY[g](IMAGE))


def test_control_each_matrix_is_of_one_symmetry_only():
    """Negative control: the comparison above tells all pairs apart."""
    for i, g in product(range(8), SYMMETRIES):
        equal = np.array_equal(moved(IMAGE, MATRICES[i]), BY_NUMPY[g](IMAGE))
        assert equal == (SYMMETRIES[i] == g)


def test_quarter_turn_is_counter_clockwise_as_displayed():
    x, y = MATRICES[SYMMETRIES.index("rot90")] @ (1, 0)
    assert (x, y) == (0, -1)  # what was at the right is at the top


@pytest.mark.parametrize(("g", "h"), [*product(SYMMETRIES, SYMMETRIES)])
def test_then_is_one_after_the_other(g, h):
    np.testing.assert_array_equal(BY_NUMPY[h](BY_NUMPY[g](IMAGE)), BY_NUMPY[then(g, h)](IMAGE))


def test_group_laws():
    for g, h, k in product(SYMMETRIES, repeat=3):
        assert then(then(g, h), k) == then(g, then(h, k))
    for g in SYMMETRIES:
        assert then(g, "identity") == then("identity", g) == g
        assert then(g, inverse(g)) == then(inverse(g), g) == "identity"
        assert {then(g, h) for h in SYMMETRIES} == set(SYMMETRIES)


def test_order_matters():
    assert then("hflip", "rot90") != then("rot90", "hflip")
    assert then("hflip", "vflip") == "rot180"
    assert {g for g in SYMMETRIES if inverse(g) != g} == {"rot90", "rot270"}
