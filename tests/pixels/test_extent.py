"""The part of an image that a map shows suffices for the warp, and is not much more than that."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augsafe as aug
from augsafe.pixels import batch_warps as warps
from augsafe.pixels import rendering as render_module
from augsafe.pixels.extent import from_part, parts, seen
from augsafe.pixels.warping import warp
from tests.laws.cases import noise

SIZE, FRAME = (70, 60), (14, 11)
STEPS: dict[str, list[Any]] = {
    "turned": [aug.Rotate((-10, 10)), aug.CenterCrop(48)],
    "cropped": [aug.RandomResizedCrop(48, scale=(0.05, 0.6)), aug.HorizontalFlip()],
    "toned": [aug.Rotate((-10, 10)), aug.RandomCrop(48), aug.Brightness()],
    "coloured": [aug.RandomResizedCrop(48, scale=(0.05, 0.6)), aug.Saturation(), aug.Brightness()],
    "reduced": [aug.Rotate((-10, 10)), aug.Resize(64), aug.RandomCrop(32)],
    "all at once": [aug.Zoom((0.3, 3.0)), aug.Rotate90(), aug.CenterCrop(48)],
}


@st.composite
def affine(draw: Any) -> Any:
    """Maps that turn, zoom and shift, so that the frame sees all of the image, a part, or nothing."""
    angle, x, y = np.deg2rad(draw(st.floats(-180, 180))), draw(st.floats(0.2, 4)), draw(st.floats(0.2, 4))
    matrix = np.eye(3)
    matrix[:2, :2] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([x, y])
    matrix[:2, 2] = (5, 6.5) - matrix[:2, :2] @ (draw(st.floats(-30, 90)), draw(st.floats(-30, 100)))
    return matrix


@settings(max_examples=200, deadline=None)
@given(affine(), st.sampled_from(("reflect", "replicate", "constant")), st.sampled_from(("linear", "nearest", "cubic")))
def test_the_part_is_warped_as_the_whole(matrix: Any, border: str, interpolation: str) -> None:
    image = np.indices((*SIZE, 3)).sum(axis=0).astype(np.float32)  # smooth: a place shows as a level
    x0, y0, x1, y1 = parts(matrix[None], np.array([SIZE]), FRAME, np.ones((1, 2), int))[0]
    moved = from_part(matrix[None], np.array([[x0, y0]]))[0]
    of_part, of_whole = (
        warp(a, m, FRAME, border, 0, interpolation, False, (1, 1))
        for a, m in ((image[y0:y1, x0:x1], moved), (image, matrix))
    )
    off = np.abs(of_part - of_whole)
    if interpolation == "nearest":
        assert (off > 0.5).mean() < 0.02  # half way between two pixels either is the nearest
    else:
        assert off.max() < 0.05


def test_a_part_one_pixel_too_small_is_noticed() -> None:
    image, matrix = (
        np.indices((*SIZE, 3)).sum(axis=0).astype(np.float32),
        np.array([[1, 0, -20.5], [0, 1, -20], [0, 0, 1]]),
    )
    x0, y0, x1, y1 = parts(matrix[None], np.array([SIZE]), FRAME, np.ones((1, 2), int))[0]
    low, high = seen(matrix[None], FRAME, 0.0)
    assert (x0 <= low[0, 0], y0 <= low[0, 1], x1 > high[0, 0] + 1, y1 > high[0, 1] + 1) == (True,) * 4
    assert (x1 - x0) * (y1 - y0) < 0.2 * image[..., 0].size
    moved = from_part(matrix[None], np.array([[21, y0]]))[0]
    small = warp(image[y0:y1, 21:x1], moved, FRAME, "reflect", 0, "linear", False, (1, 1))
    assert np.abs(small - warp(image, matrix, FRAME, "reflect", 0, "linear", False, (1, 1))).max() > 0.4


def test_a_singular_map_shows_all_and_a_projective_one_too() -> None:
    flat, tilted = np.diag([0.0, 1.0, 1.0]), np.eye(3)
    tilted[2, 0] = 1e-4
    np.testing.assert_array_equal(
        parts(np.stack([flat, tilted]), np.array([SIZE] * 2), (4, 4), np.ones((2, 2), int)), [[0, 0, 60, 70]] * 2
    )


@pytest.mark.parametrize("border", ["reflect", "constant"])
@pytest.mark.parametrize("name", STEPS)
def test_large_images_are_cut_and_come_out_the_same(name: str, border: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = np.indices((180, 220))
    images = [np.stack([rows + k, columns, rows // 2 + columns // 2], axis=2).astype(np.uint8) for k in range(12)]
    policy = aug.Compose(STEPS[name], border=border, output=aug.Output(dtype="float32", layout="CHW"))
    plan = policy.plan([image.shape for image in images], range(12))
    assert any(warps.Warps(plan, 4, 4).early), "none is cut, and this test sees nothing"
    cut = policy.batch(images, range(12))
    np.testing.assert_array_equal(policy.batch(np.stack(images), range(12)), cut)
    for i in (0, 7):
        np.testing.assert_array_equal(policy.batch([images[i]], [i])[0], cut[i])
    monkeypatch.setattr(warps, "_LARGE", 1 << 30)
    whole = policy.batch(images, range(12))
    gain = 4 if name in ("toned", "coloured") else 1
    assert np.abs(cut - whole).max() <= gain / 255 + 1e-6


@settings(max_examples=60, deadline=None)
@given(
    size=st.sampled_from(((150, 130), (40, 52))),
    zoom=st.tuples(st.floats(0.2, 3), st.floats(0.2, 3)),
    shift=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    flips=st.lists(st.sampled_from((aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1), aug.Rotate90(p=1))), max_size=3),
    whole=st.booleans(),
    border=st.sampled_from(("reflect", "replicate", "constant")),
    channels=st.sampled_from((1, 3, 4)),
)
def test_straight_maps_are_rendered_alike_at_once_and_one_by_one(
    size: Any, zoom: Any, shift: Any, flips: Any, whole: bool, border: str, channels: int
) -> None:
    """The fast path against the general one, for all that flips, turns by quarters, shifts and scales."""
    x, y = shift
    moved = [] if whole else [aug.Affine(scale_x=(zoom[0],) * 2, scale_y=(zoom[1],) * 2, same_scale=False)]
    steps = [
        aug.Affine(x=(x, x), y=(y, y), rounding="nearest" if whole else "none"),
        *flips,
        *moved,
        aug.CenterCrop(31),
    ]
    images = noise((3, *size, channels))
    policy = aug.Compose(steps, border=border, fill=99)
    fast = policy.batch(images, range(3)).astype(int)
    with patch.object(render_module, "fusable", lambda image, plan: False):
        general = policy.batch(images, range(3))
    assert np.abs(fast - general).max() <= (0 if whole else 2)
