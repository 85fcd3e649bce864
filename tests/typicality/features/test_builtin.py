"""Features: built-in ones are equivariant under the symmetries; what a model returns is checked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from augsafe.contracts import SYMMETRIES
from augsafe.contracts.symmetry import MATRICES
from augsafe.errors import ArgumentError, InputError
from augsafe.pixels.warping import warp
from augsafe.typicality import Builtin, Unslanted, extractor
from augsafe.typicality.features.model import Model

shapes = st.tuples(st.integers(4, 70), st.integers(4, 70), st.sampled_from([1, 3, 5]))


def moved(image: np.ndarray, name: str) -> np.ndarray:
    """An image under a symmetry, by numpy alone."""
    turns = {"identity": 0, "rot90": 1, "rot180": 2, "rot270": 3, "hflip": 0, "vflip": 2, "transpose": 1}
    mirrored = name in ("hflip", "vflip", "transpose", "antitranspose")
    flipped = image[:, ::-1] if mirrored else image
    return np.ascontiguousarray(np.rot90(flipped, turns.get(name, 3)))


def matrix_of(name: str) -> np.ndarray:
    """The symmetry as a matrix."""
    return MATRICES[SYMMETRIES.index(name)]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far features lie apart, as a share of their length: rounding may turn a tie between two colour channels."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def test_the_reference_for_symmetries_is_that_of_the_warp():
    image = np.random.default_rng(0).integers(0, 256, (6, 6), dtype=np.uint8)
    for name, matrix in zip(SYMMETRIES, MATRICES, strict=True):
        full = np.eye(3)
        full[:2, :2] = matrix
        full[:2, 2] = 2.5 - matrix @ [2.5, 2.5]
        assert (warp(image, full, (6, 6), "reflect", 0, "nearest", True, (1, 1)) == moved(image, name)).all(), name


@pytest.mark.parametrize("features", [Builtin, Unslanted])
@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1), st.sampled_from(SYMMETRIES))
def test_features_of_a_moved_image_are_a_permutation(features, shape, seed, name):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, shape, dtype=np.uint8)
    extract = features(shape[2])
    assert apart(next(extract.views([image], matrix_of(name)[None])), extract([moved(image, name)])) < 0.02


@pytest.mark.parametrize("lean", [-0.4, -0.15, 0.15, 0.4])
def test_slant_is_taken_out_of_the_one_and_seen_by_the_other(lean):
    upright = np.zeros((48, 48), np.uint8)
    upright[10:38, 16:20] = upright[30:34, 16:32] = 200  # a stem and a foot
    upright = cv2.GaussianBlur(upright, (0, 0), 1)
    slanted = cv2.warpAffine(upright, np.array([[1, lean, -lean * 24], [0, 1, 0]]), (48, 48))
    seen, freed = (apart(extract([slanted]), extract([upright])) for extract in (Builtin(1), Unslanted(1)))
    assert freed < 0.1 and freed < seen / 3


def test_a_wrong_permutation_is_caught():
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    extract = Builtin(1)
    assert apart(next(extract.views([image], matrix_of("rot270")[None])), extract([moved(image, "rot90")])) > 0.2


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (9, 11)))
def test_features_are_finite_for_any_image(image):
    assert np.isfinite(Builtin(1)([image])).all()


def test_any_number_of_jobs_gives_the_same():
    images = list(np.random.default_rng(0).integers(0, 256, (300, 20, 20), dtype=np.uint8))
    assert (Builtin(1, jobs=1)(images) == Builtin(1, jobs=3)(images)).all()


def test_a_grey_image_among_colour_ones_counts_as_equal_channels():
    grey = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    extract = extractor(None, [grey, colour])
    one, other = extract([grey, colour])
    assert np.abs(one - other).max() < 1e-6


def test_images_of_different_channel_counts_are_refused():
    with pytest.raises(InputError, match=r"\[3, 4\] channels"):
        extractor(None, [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8)])


def test_probabilities_become_square_roots():
    images = [np.zeros((4, 4), np.uint8)] * 3
    assert Model(lambda x: np.full((len(x), 4), 0.25))(images) == pytest.approx(np.full((3, 4), 0.5))
    assert Model(lambda x: np.full((len(x), 4), 0.5))(images) == pytest.approx(np.full((3, 4), 0.5))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.zeros((len(x) + 1, 2)), r"shape \(3, d\) for 3 images"),
        (lambda x: np.zeros(len(x)), "of shape"),
        (lambda x: np.full((len(x), 2), np.nan), "NaN"),
        (lambda x: [["a"]] * len(x), "numbers"),
        (lambda x: x.unknown, "AttributeError"),
    ],
)
def test_a_reference_that_returns_the_wrong_thing_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        Model(call)([np.zeros((4, 4), np.uint8)] * 3)


def test_a_reference_that_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="must be a callable"):
        extractor("resnet", [np.zeros((4, 4), np.uint8)])  # type: ignore[arg-type]
