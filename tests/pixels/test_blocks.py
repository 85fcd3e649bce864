"""Averages over blocks against the mean, and the part of an image that they are taken of against the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augsafe as aug
from augsafe.pixels import blocks, reductions
from augsafe.pixels.blocks import block_means, reduced
from augsafe.pixels.extent import from_part, parts
from augsafe.pixels.warping import warp
from tests.laws.cases import noise

FACTORS = st.integers(1, 16)
TAILS: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (4,), (5,))


@settings(max_examples=150, deadline=None)
@given(FACTORS, FACTORS, st.sampled_from(TAILS), st.sampled_from(("uint8", "uint16", "float32")))
def test_blocks_become_their_means(kx: int, ky: int, tail: tuple[int, ...], dtype: str) -> None:
    image = noise((3 * ky, 4 * kx, *tail)).astype(dtype)
    expected = image.reshape(3, ky, 4, kx, *tail).mean(axis=(1, 3), dtype=float)
    out = block_means(image, kx, ky)
    assert out.shape == (3, 4, *tail) and out.dtype == image.dtype
    assert np.abs(out - expected).max() <= (1e-3 if dtype == "float32" else 0.501)


@pytest.mark.parametrize("factors", [(2, 1), (1, 2), (3, 3), (4, 4), (15, 17), (17, 16), (300, 1)])
@pytest.mark.parametrize("tail", [(), (3,), (4,)])
def test_the_largest_sums(factors: tuple[int, int], tail: tuple[int, ...]) -> None:
    kx, ky = factors
    image = np.full((ky * 40, kx * 30, *tail), 255, np.uint8)  # the largest sums that there are
    assert (block_means(image, kx, ky) == 255).all()
    image = noise(image.shape)
    expected = image.reshape(40, ky, 30, kx, *tail).mean(axis=(1, 3))
    means = block_means(image, kx, ky)
    assert np.abs(means - expected).max() <= 0.501
    assert abs(float(means.mean() - expected.mean())) < 0.3  # a half is rounded upwards for pairs


def test_more_channels_than_four_at_a_factor_that_rounding_makes_no_whole_number() -> None:
    # 7 / 2996 and back is a hair more than 428, and OpenCV then averages in another way, for four channels at most
    image = noise((2996, 6, 5))
    expected = image.reshape(7, 428, 3, 2, 5).mean(axis=(1, 3))
    assert np.abs(block_means(image, 2, 428) - expected).max() <= 0.501
    assert block_means(image.astype(np.float32), 2, 428).shape == (7, 3, 5)


def test_sums_that_do_not_fit_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_MOST", 1000)
    assert (block_means(np.full((18, 18), 255, np.uint8), 18, 18) != 255).any()


@st.composite
def zooms(draw: Any) -> Any:
    """Maps that shrink and may turn, of images 60 x 70 to frames 12 x 10: some see a part, some more than the image."""
    x, y = draw(st.floats(0.1, 0.5)), draw(st.floats(0.1, 0.5))
    angle = np.deg2rad(draw(st.sampled_from((0.0, 0.0, 90.0, 10.0))))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn @ np.diag([x * draw(st.sampled_from((1, -1))), y])
    centre = np.array([draw(st.floats(-20, 90)), draw(st.floats(-20, 80))])
    matrix[:2, 2] = (4.5, 5.5) - matrix[:2, :2] @ centre
    return matrix


@settings(max_examples=200, deadline=None)
@given(zooms(), st.sampled_from(("reflect", "replicate", "constant")))
def test_a_part_is_averaged_as_the_whole_where_the_border_shows(matrix: Any, border: str) -> None:
    image, frame = noise((60, 70, 3)), (12, 10)
    kx, ky = (int(k) for k in reductions(matrix[None], np.array([[60, 70]]))[0])
    x0, y0, x1, y1 = parts(matrix[None], np.array([[60, 70]]), frame, np.array([[kx, ky]]))[0]
    part, moved = reduced(image[y0:y1, x0:x1], from_part(matrix[None], np.array([[x0, y0]]))[0], (kx, ky))
    whole, map_of_it = reduced(image, matrix, (kx, ky))
    offset = np.linalg.inv(map_of_it) @ moved  # from the part's pixels to the whole's
    x, y = offset[:2, 2]
    np.testing.assert_allclose(offset[:2, :2], np.eye(2), atol=1e-9)
    if abs(x - round(x)) > 1e-9 or abs(y - round(y)) > 1e-9:
        assert part.shape[0] < whole.shape[0] and part.shape[1] < whole.shape[1]  # inside, with blocks of its own
        return
    shown = [
        warp(small, m, frame, border, 9, "linear", False, (1, 1)).astype(int)
        for small, m in ((part, moved), (whole, map_of_it))
    ]
    assert np.abs(shown[0] - shown[1]).max() <= 1


@pytest.mark.parametrize("size", [(100, 90), (400, 260)])
def test_reduction_is_the_same_alone_in_a_batch_and_in_an_array(size: tuple[int, int]) -> None:
    images = [noise((*size, 3), seed=seed) for seed in range(5)]
    policy = aug.Compose([aug.RandomResizedCrop(24), aug.HorizontalFlip()])
    together, stacked = policy.batch(images, range(5)), policy.batch(np.stack(images), range(5))
    alone = np.stack([policy.batch([image], [i])[0] for i, image in enumerate(images)])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(stacked, alone)
