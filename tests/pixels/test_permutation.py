"""Flips, quarter turns and whole-pixel shifts against a reference that fetches one pixel at a time."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augsafe as aug
from augsafe.pixels import BORDERS, is_permutation, permutation
from augsafe.pixels.permutation import permute
from tests.laws.cases import noise

DTYPES = ("uint8", "uint16", "int32", "int64", "float32", "float64", "bool")
TAILS: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (4,), (6,))


def reference(image: Any, matrix: Any, size: tuple[int, int], border: str, fill: float) -> Any:
    """Each output pixel from the one source pixel that the map sends there."""
    back = np.rint(np.linalg.inv(np.asarray(matrix, float))).astype(int)
    out = np.empty((*size, *image.shape[2:]), image.dtype)
    for y in range(size[0]):
        for x in range(size[1]):
            at = back @ (x, y, 1)
            column, row = (
                cv2.borderInterpolate(int(v), side, BORDERS[border])
                for v, side in zip(at, image.shape[1::-1], strict=False)
            )
            out[y, x] = fill if min(column, row) < 0 else image[row, column]
    return out


@st.composite
def maps(draw: Any) -> tuple[list[list[int]], tuple[int, int], tuple[int, int]]:
    """A map, the image's size and the frame's, with anything from all to nothing of the image in the frame."""
    side, shift, sign = st.integers(1, 9), st.integers(-12, 20), st.sampled_from((1, -1))
    one, two, left, top = draw(sign), draw(sign), draw(shift), draw(shift)
    linear = [[one, 0], [0, two]] if draw(st.booleans()) else [[0, one], [two, 0]]
    return (
        [[*linear[0], left], [*linear[1], top], [0, 0, 1]],
        (draw(side), draw(side)),
        (draw(side), draw(side)),
    )


def picture(size: tuple[int, int], tail: tuple[int, ...], dtype: str) -> Any:
    return noise((*size, *tail)).astype(dtype) if dtype != "bool" else noise((*size, *tail)) > 127


@settings(max_examples=300, deadline=None)
@given(maps(), st.sampled_from(sorted(BORDERS)), st.sampled_from(DTYPES), st.sampled_from(TAILS), st.booleans())
def test_every_pixel_is_where_it_belongs(
    drawn: Any, border: str, dtype: str, tail: tuple[int, ...], given_out: bool
) -> None:
    matrix, size, frame = drawn
    image = picture(size, tail, dtype)
    before = image.copy()
    dst = np.empty((*frame, *tail), dtype) if given_out else None
    out = permute(image, matrix, frame, border, 7.0, dst)
    np.testing.assert_array_equal(out, reference(image, matrix, frame, border, 7.0))
    assert out.shape == (*frame, *tail) and out.dtype == image.dtype and out.flags.c_contiguous
    assert not np.shares_memory(out, image) and (dst is None or out is dst)
    np.testing.assert_array_equal(image, before)
    assert is_permutation(np.array([matrix], float)).all()


def test_a_flip_of_the_wrong_axis_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    image, matrix = noise((5, 7, 3)), [[-1, 0, 6], [0, 1, 0], [0, 0, 1]]
    monkeypatch.setattr(permutation, "_FLIPS", {(True, False): 0, (False, True): 1, (True, True): -1})
    assert (permute(image, matrix, (5, 7), "reflect", 0) != reference(image, matrix, (5, 7), "reflect", 0)).any()


def test_a_fill_between_two_levels_is_rounded_in_every_way_of_moving_pixels() -> None:
    image = noise((4, 4, 3))
    for shift in (2, 9):  # by OpenCV, and out of sight
        assert (permute(image, [[1, 0, shift], [0, 1, 0], [0, 0, 1]], (4, 4), "constant", 99.6)[:, :2] == 100).all()


@pytest.mark.parametrize("size", [(40, 36), (300, 260)])
@pytest.mark.parametrize("tail", [(), (3,), (4,)])
def test_crops_of_small_and_large_images_hold_the_pixels_of_the_image(
    size: tuple[int, int], tail: tuple[int, ...]
) -> None:
    """Large colour images get their fourth channel after the crop, small ones before."""
    images = [noise((*size, *tail), seed=seed) for seed in range(5)]
    policy = aug.Compose([aug.RandomCrop(32), aug.HorizontalFlip(), aug.Rotate90()])
    plan = policy.plan([image.shape for image in images], range(5))
    together = policy.batch(images, range(5))
    stacked = policy.batch(np.stack(images), range(5))
    for i, image in enumerate(images):
        moved = reference(image, np.rint(plan.matrix[i]), (32, 32), "reflect", 0)
        np.testing.assert_array_equal(together[i], moved)
        np.testing.assert_array_equal(stacked[i], moved)
        np.testing.assert_array_equal(policy.batch([image], [i])[0], moved)
