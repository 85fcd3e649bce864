"""Pixels against a float64 reference, against aliasing, and over every kind of input and output."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from sklearn.datasets import load_sample_image

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.pixels import rendering as render_module
from augsafe.pixels import squashes
from tests.laws.cases import noise

PHOTO = load_sample_image("flower.jpg")[100:228, 200:328]
CHAIN = (aug.Shift((0.03, 0.03), (-0.05, -0.05)), aug.Zoom((1.1, 1.1)), aug.Rotate((12, 12)))


def reference(image: Any, matrix: Any, size: tuple[int, int], order: int = 1) -> Any:
    """The image through the map, in float64, mirrored beyond its border."""
    rows, columns = np.indices(size)
    back = np.linalg.inv(matrix) @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    at = (back[:2] / back[2])[::-1]
    planes = image.reshape(*image.shape[:2], -1).astype(np.float64)
    out = [
        map_coordinates(planes[..., c], at, order=order, mode="mirror").reshape(size) for c in range(planes.shape[2])
    ]
    return np.stack(out, axis=2).reshape(*size, *image.shape[2:])


@pytest.mark.parametrize("steps", [CHAIN, (aug.Perspective((0.2, 0.2)),), (aug.Shear((15, 15)), aug.Zoom((0.6, 0.6)))])
@pytest.mark.parametrize("tail", [(), (1,), (2,), (3,), (4,), (7,)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_warp_equals_the_reference(steps: Any, tail: tuple[int, ...], dtype: str) -> None:
    grey = PHOTO[..., 0].astype(np.float32)
    image = np.stack([np.roll(grey, 9 * c, 1) for c in range(tail[0])], axis=2) if tail else grey
    top = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    image = np.ascontiguousarray(image / 255 * top).astype(dtype)
    sample = aug.Compose(steps)(image, seed=0)
    assert sample.plan is not None
    error = np.abs(sample.image - reference(image, sample.plan.matrix[0], image.shape[:2])) / top
    assert error.max() < 1 / 60  # OpenCV versions up to 4.10 place pixels to 1/32 of a pixel
    assert error.mean() < 1 / 500


def test_fused_is_closer_to_the_truth_than_step_by_step() -> None:
    sample = aug.Compose(CHAIN)(PHOTO, seed=0)
    assert sample.plan is not None
    truth = reference(PHOTO, sample.plan.matrix[0], (128, 128), order=5)
    stepwise = PHOTO
    for step in CHAIN:
        stepwise = aug.Compose([step])(stepwise, seed=0).image

    def error(image: Any) -> float:
        return float(np.sqrt(np.mean((image[20:-20, 20:-20] - truth[20:-20, 20:-20]) ** 2)))

    assert error(sample.image) < 0.7 * error(stepwise)


def zone_plate(side: int) -> Any:
    """Rings that grow finer outwards, up to half a wave a pixel: what aliases shows as rings that are not there."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return (127.5 + 127.5 * np.cos(np.pi * (rows**2 + columns**2) / side)).astype(np.uint8)


@pytest.mark.parametrize("angle", [0.0, 20.0])
def test_strong_reduction_does_not_alias(angle: float, monkeypatch: pytest.MonkeyPatch) -> None:
    plate = zone_plate(512)
    compose = aug.Compose([aug.Rotate((angle, angle))], output=aug.Output(size=64))
    outer = np.hypot(*(np.indices((64, 64)) - 31.5)) > 12  # here the rings are too fine for 64 pixels

    def ripple() -> float:
        return float((compose(plate, seed=0).image[outer] / 255.0).std())

    area = plate.reshape(64, 8, 64, 8).mean(axis=(1, 3))[outer] / 255.0
    filtered = ripple()
    assert filtered < 1.3 * float(area.std()) + 0.01
    for module in ("augsafe.pixels.batch_warps", "augsafe.pixels.staged"):
        monkeypatch.setattr(f"{module}.reductions", lambda m, s: np.ones((len(m), 2), np.int64))
        monkeypatch.setattr(f"{module}.squashes", lambda m, s, r: np.zeros(len(m), bool))
    assert ripple() > 3 * filtered, "without the prefilter the rings must come back, or this test sees nothing"


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("angle", [22.5, 45.0, 60.0])
def test_squashing_along_a_slant_does_not_alias(angle: float, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole factors for x and y cannot filter along a diagonal: held against eight times as many pixels, averaged."""
    plate = zone_plate(192)
    plate = plate if dtype == "uint8" else plate.astype(np.float32) / 255
    steps = [
        aug.Rotate((angle, angle)),
        aug.Affine(scale_x=(0.25, 0.25), same_scale=False),
        aug.Rotate((-angle, -angle)),
    ]
    compose = aug.Compose([*steps, aug.CenterCrop(32)])
    finer = compose.plan([plate.shape], [0]).matrix[0]
    finer = np.array([[8, 0, 3.5], [0, 8, 3.5], [0, 0, 1.0]]) @ finer
    truth = reference(plate, finer, (256, 256)).reshape(32, 8, 32, 8).mean(axis=(1, 3))
    top = 255 if dtype == "uint8" else 1.0

    def error() -> float:
        return float(np.sqrt(np.mean((compose(plate, seed=0).image / top - truth / top) ** 2)))

    filtered = error()
    assert filtered < 0.09
    for module in ("augsafe.pixels.batch_warps", "augsafe.pixels.staged"):
        monkeypatch.setattr(f"{module}.squashes", lambda m, s, r: np.zeros(len(m), bool))
    assert error() > 1.5 * filtered, "without the filter the rings must come back, or this test sees nothing"


def test_maps_that_shrink_little_are_not_filtered() -> None:
    turns = aug.Compose([aug.Rotate((-180, 180)), aug.Zoom((0.51, 2.0)), aug.Shear((-10, 10))])
    plan = turns.plan(np.full((500, 2), 64), range(500))
    one = np.ones((500, 2), np.int64)
    scales = np.linalg.svd(plan.matrix[:, :2, :2], compute_uv=False)
    np.testing.assert_array_equal(squashes(plan.matrix, plan.shapes, one), scales[:, 1] <= 0.5)
    assert not squashes(turns.without("Shear").plan(plan.shapes, range(500)).matrix, plan.shapes, one).any()


def test_exact_reduction_is_the_area_average() -> None:
    image = noise((64, 48, 3))
    out = aug.Compose([aug.Resize((16, 12))])(image, seed=0).image
    expected = image.reshape(16, 4, 12, 4, 3).mean(axis=(1, 3))
    assert np.abs(out - expected).max() <= 0.51


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("tail", [(), (1,), (3,), (4,), (5,)])
def test_the_fill_is_a_value_of_the_output(dtype: str, tail: tuple[int, ...]) -> None:
    fill = {"uint8": 77, "uint16": 7777, "float32": 0.25}[dtype]
    steps = [aug.Shift((0.5, 0.5), (0, 0)), aug.Rotate((3, 3)), aug.Invert(), aug.Brightness((0.5, 0.5))]
    out = aug.Compose(steps, border="constant", fill=fill)(noise((24, 24, *tail), dtype), seed=0).image
    assert (out[8:16, :4] == fill).all()


@pytest.mark.parametrize("tail", [(), (1,), (3,), (4,), (6,)])
@pytest.mark.parametrize("source", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("target", [None, "uint8", "uint16", "float32"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_every_output_form_holds_the_same_levels(tail: Any, source: str, target: str | None, layout: str) -> None:
    image = noise((9, 12, *tail), source)
    channels = tail[0] if tail else 1
    mean = (0.5,) * channels if target == "float32" else None
    output = aug.Output(dtype=target, layout=layout, mean=mean, std=(0.25,) if mean else None)
    out = aug.Compose([aug.HorizontalFlip(p=1), aug.Invert()], output=output)(image, seed=0).image
    assert out.dtype == np.dtype(target or source)
    levels = 1 - image[:, ::-1] / (1.0 if source == "float32" else np.iinfo(source).max)
    if mean:
        levels = (levels - 0.5) / 0.25
    if layout == "CHW":
        levels = levels.reshape(9, 12, channels).transpose(2, 0, 1)
    top = 1.0 if out.dtype == np.float32 else float(np.iinfo(out.dtype).max)
    assert out.shape == levels.shape
    np.testing.assert_allclose(out / top, levels, atol=1e-5 if "uint8" not in (target, source) else 0.51 / 255)


def test_channels_are_normalised_each_by_its_own() -> None:
    image, mean, std = noise((6, 6, 3)), (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    for layout in ("HWC", "CHW"):
        output = aug.Output(dtype="float32", layout=layout, mean=mean, std=std)
        out = aug.Compose([], output=output)(image, seed=0).image
        expected = (image / 255 - mean) / std
        np.testing.assert_allclose(out, expected if layout == "HWC" else expected.transpose(2, 0, 1), atol=1e-6)


def test_out_is_filled_whatever_its_strides() -> None:
    images = noise((5, 16, 16, 3))
    compose = aug.Compose([aug.Rotate((-40, 40)), aug.Gamma()])
    expected = compose.batch(images, indices=range(5))
    for out in (np.empty((5, 16, 16, 3), np.uint8), np.empty((10, 16, 16, 3), np.uint8)[::2]):
        assert compose.batch(images, indices=range(5), out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_out_that_does_not_fit_is_refused() -> None:
    images, compose = noise((2, 8, 8, 3)), aug.Compose([aug.Rotate()])
    for out in (np.empty((2, 8, 8, 4), np.uint8), np.empty((2, 8, 8, 3), np.float32)):
        with pytest.raises(ArgumentError, match="out= must be"):
            compose.batch(images, indices=[0, 1], out=out)
    with pytest.raises(ArgumentError, match="shares memory"):
        compose.batch(images, indices=[0, 1], out=images)


def test_the_fast_and_the_general_path_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.stack([PHOTO] * 6)
    compose = aug.Compose([*CHAIN, aug.Zoom((0.4, 1.5)), aug.Contrast()])
    fast = compose.batch(images, indices=range(6)).astype(int)
    monkeypatch.setattr(render_module, "fusable", lambda image, plan: False)
    assert np.abs(compose.batch(images, indices=range(6)) - fast).max() <= 2


THIN = """
import numpy as np
import augsafe as aug
from augsafe.pixels.warping import warp

for shape in ((1, 7, 3), (9, 1, 3), (1, 1), (1, 7, 5)):
    for dtype, level in (("uint8", 77), ("float32", 0.25)):
        image = np.full(shape, level, dtype)
        for steps in ([aug.Zoom((0.7, 0.7)), aug.Rotate((9, 9))], [aug.ElasticDistortion()], [aug.Perspective()]):
            out = aug.Compose(steps, interpolation="cubic").batch([image, image], [0, 1], seed=1)
            assert out.shape == (2, *shape) and np.abs(out - image.flat[0]).max() < 1e-5
wide = np.full((40, 60, 3), 200, np.uint8)
assert (aug.Compose([aug.Resize((1, 30)), aug.Rotate((5, 5))], interpolation="cubic")(wide, seed=1).image == 200).all()
row = np.random.default_rng(0).random((1, 7, 3)).astype(np.float32)
matrix = np.array([[0.9, 0.2, -1.5], [0.1, 0.8, 2.0], [0, 0, 1]])
one, two = (warp(x, matrix, (5, 9), "reflect", 0, "cubic", False, (1, 1)) for x in (row, np.repeat(row, 3, axis=0)))
assert np.abs(one - two).max() < 1e-6
"""


def test_cubic_interpolation_ends_where_a_side_has_one_pixel() -> None:
    # OpenCV's never ends there where it reflects, so a process of its own is given up on
    subprocess.run([sys.executable, "-c", THIN], check=True, timeout=120)
