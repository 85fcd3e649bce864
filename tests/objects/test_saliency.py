"""The guess at the object: small fixed samples of benchmarks/saliency.py and saliency_maps.py, each with a control."""

from __future__ import annotations

import numpy as np
import pytest

from augsafe.objects.saliency import saliency
from benchmarks import saliency as bench
from benchmarks import saliency_maps


def test_lost_objects_are_found_with_masks_and_ordered_by_saliency():
    result = bench.found(n=160, draws=3)
    assert 0.3 < result.lost < 0.7
    assert (result.precision, result.recall) == (1.0, 1.0)
    assert result.areas["as used"]["all"] > 0.98
    assert result.areas["as used"]["all"] == max(areas["all"] for areas in result.areas.values())


def test_objects_in_the_wrong_place_are_caught(monkeypatch):
    real = bench.inspect
    monkeypatch.setattr(bench, "inspect", lambda images, masks: real(images, np.roll(masks, 20, axis=2)))
    result = bench.found(n=80, draws=2)
    assert result.precision < 0.9 and result.recall < 0.9


def test_the_truth_is_counted_on_pixels():
    data = bench.planted(8)
    assert data.masks.any(axis=(1, 2)).all()
    plan = bench.aug.Compose([bench.aug.Shift((0.5, 0.5), (0, 0))]).plan([m.shape for m in data.masks], range(8))
    half = [mask[:, :32].sum() / mask.sum() for mask in data.masks]
    assert bench.shown(plan, data.masks) == pytest.approx(half)


def test_on_cut_outs_the_map_beats_the_one_before_and_half_of_its_weight_lies_on_the_object():
    truth, rows = saliency_maps.compared(60, seed=1)
    used, earlier = rows["as used"], rows["contrast and residual"]
    assert used.area > earlier.area + 0.05
    assert used.weight[0] > 0.45 > earlier.weight[0] + 0.1
    for name, rate in truth.items():
        assert abs(used.rates[name] - rate) < 0.06 < abs(earlier.rates[name] - rate)


def test_a_map_without_a_clue_ranks_no_pixels(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setitem(saliency_maps.CANDIDATES, "noise", lambda image: rng.random((64, 64)).astype(np.float32))
    _, rows = saliency_maps.compared(24, seed=1, names=["noise"])
    assert rows["noise"].area == pytest.approx(0.5, abs=0.05) and rows["noise"].weight[0] < 0.25


def test_textures_have_no_object_and_most_cut_outs_do():
    textures, objects = saliency_maps.spread_out(60)
    assert textures > 0.6 and objects < 0.25


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 3), (5, 64), (64, 64, 1), (20, 30, 4), (9, 9, 31)]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_any_image_gives_a_map_of_at_most_64_pixels_a_side(shape, dtype):
    image = (np.random.default_rng(0).random(shape) * (1 if dtype == "float32" else np.iinfo(dtype).max)).astype(dtype)
    found = saliency(image)
    assert found.region.shape == found.whole.shape == tuple(min(side, 64) for side in shape[:2])
    assert np.isfinite(found.whole).all() and found.region.min() >= 0


def test_the_map_is_the_same_for_each_dtype_and_for_grey_as_one_plane():
    scene = saliency_maps.scenes(3, seed=2)[2].image
    expected = saliency(scene).region
    for other in (scene.astype(np.uint16) * 257, (scene / 255).astype(np.float32)):
        assert np.abs(saliency(other).region - expected).max() < 1e-3
    grey = scene[..., 0]
    assert (saliency(grey).region == saliency(grey[..., None]).region).all()


@pytest.mark.parametrize("level", [0, 200])
def test_an_image_that_is_all_alike_has_no_map(level):
    assert not saliency(np.full((40, 40, 3), level, np.uint8)).region.any()


def test_an_image_alike_everywhere_has_no_object() -> None:
    """Also where its channels differ from each other: nothing stands out from the border."""
    for image in (
        np.zeros((1, 1, 2), np.uint8),
        np.array([[[3, 9]]], np.uint8),
        np.full((9, 7, 3), (1, 2, 3), np.uint8),
    ):
        found = saliency(image)
        assert found.even == 1 and not found.region.any()
