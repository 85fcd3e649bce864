"""The symmetries act on arrays as their names say, and form a group."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from augsafe.contracts.symmetry import MATRICES, SYMMETRIES, inverse, then

ON_ARRAYS = {
    "identity": lambda a: a,
    "rot90": np.rot90,
    "rot180": lambda a: np.rot90(a, 2),
    "rot270": lambda a: np.rot90(a, 3),
    "hflip": np.fliplr,
    "vflip": np.flipud,
    "transpose": np.transpose,
    "antitranspose": lambda a: np.rot90(a, 2).T,
}
ARRAY = np.arange(25).reshape(5, 5)


@pytest.mark.parametrize("name", SYMMETRIES)
def test_matrices_move_pixels_as_arrays_do(name):
    moved = ON_ARRAYS[name](ARRAY)
    matrix = MATRICES[SYMMETRIES.index(name)]
    for y, x in itertools.product(range(5), repeat=2):
        to = matrix @ [x - 2, y - 2] + 2
        assert moved[to[1], to[0]] == ARRAY[y, x]


@pytest.mark.parametrize(("g", "h"), list(itertools.product(SYMMETRIES, repeat=2)))
def test_then_is_first_one_then_the_other(g, h):
    assert (ON_ARRAYS[h](ON_ARRAYS[g](ARRAY)) == ON_ARRAYS[then(g, h)](ARRAY)).all()


@pytest.mark.parametrize("g", SYMMETRIES)
def test_inverse_undoes(g):
    assert then(g, inverse(g)) == then(inverse(g), g) == "identity"
