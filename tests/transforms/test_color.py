"""Colour steps: against a float64 reference in step order, against other libraries, and in every output form."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from skimage import data

import augsafe as aug
from augsafe.errors import InputError
from augsafe.transforms import Color, Tone
from tests.conftest import needs
from tests.laws.cases import noise

PHOTO = data.astronaut()[::4, ::4]
STEPS = {
    "one": [aug.Saturation((1.8, 1.8))],
    "joined": [aug.Grayscale(), aug.Hue((40, 40)), aug.ChannelShuffle()],
    "tone first": [aug.Brightness((1.5, 1.5)), aug.Gamma((0.7, 0.7)), aug.Saturation((2, 2))],
    "tone last": [aug.ColorTemperature((3000, 3000)), aug.Gamma((1.6, 1.6))],
    "between": [aug.Saturation((2.5, 2.5)), aug.Contrast((1.4, 1.4)), aug.Hue((-70, -70)), aug.Invert()],
}


def reference(steps: Any, values: Any, levels: np.ndarray) -> np.ndarray:
    """Levels (H, W, C) through the steps one by one in float64, clipped after each."""
    for step in steps:
        given = values[step.label]
        if isinstance(step, Tone):
            levels = step.curve(levels.reshape(1, -1), given).reshape(levels.shape)
        else:
            assert isinstance(step, Color)
            (m,) = step.mixes(given, 1)
            levels = np.concatenate([levels[..., :3] @ m[:, :3].T + m[:, 3], levels[..., 3:]], axis=2)
        levels = np.clip(levels, 0, 1)
    return levels


def made(compose: aug.Compose, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    plan = compose.plan([image.shape], [3], seed=1)
    top = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    wanted = reference(compose.steps, plan.draws.values, image / top)
    return compose(image, seed=1, index=3).image, wanted * top


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("border", ["reflect", "constant"])
def test_steps_act_in_their_order_clipped_after_each(name: str, dtype: str, channels: int, border: str) -> None:
    out, wanted = made(aug.Compose(STEPS[name], border=border), noise((40, 52, channels), dtype))
    if dtype == "float32":
        np.testing.assert_allclose(out, wanted, atol=1e-6)
    else:
        assert np.abs(out - wanted).max() <= 0.5 + 1e-2  # rounded once


def test_another_order_is_noticed() -> None:
    out, _ = made(aug.Compose(STEPS["between"]), PHOTO)
    _, wanted = made(aug.Compose(STEPS["between"][::-1]), PHOTO)
    assert np.abs(out - wanted).mean() > 5


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
@pytest.mark.parametrize("target", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_output_form_holds_the_same_levels(name: str, layout: str, target: str, channels: int) -> None:
    image = noise((12, 9, channels))
    mean, std = ((0.2, 0.4, 0.6, 0.5)[:channels], (0.25,)) if target == "float32" else (None, None)
    compose = aug.Compose([*STEPS[name], aug.HorizontalFlip(p=1)], output=aug.Output(None, target, layout, mean, std))
    plan = compose.plan([image.shape], [0])
    wanted = reference(compose.steps[:-1], plan.draws.values, image[:, ::-1] / 255)
    wanted = (wanted - mean) / std if mean else wanted * np.iinfo(target).max
    out = compose(image, seed=0).image
    out = out.transpose(1, 2, 0) if layout == "CHW" else out
    assert np.abs(out - wanted).max() <= (1e-5 if mean else 0.51)


def test_an_image_does_not_depend_on_its_company() -> None:
    """Among images on which other steps act, or none."""
    steps = [aug.Saturation((0, 2), p=0.5), aug.Gamma((0.5, 2), p=0.5), aug.Hue((-90, 90), p=0.5), aug.Rotate()]
    images = np.stack([PHOTO] * 12)
    for output in (None, aug.Output(dtype="float32", layout="CHW")):
        compose = aug.Compose(steps, output=output)
        batch = compose.batch(images, indices=range(12))
        for k in range(12):
            np.testing.assert_array_equal(batch[k], compose(PHOTO, seed=0, index=k).image)


@pytest.mark.parametrize("tail", [(), (1,)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_grey_images_have_no_colour(tail: tuple[int, ...], dtype: str) -> None:
    image = noise((80, 70, *tail), dtype)
    colors = [aug.Saturation((2, 2)), aug.Hue((90, 90)), aug.ColorTemperature((2500, 2500)), aug.Grayscale()]
    np.testing.assert_array_equal(aug.Compose([*colors, aug.ChannelShuffle()])(image, seed=0).image, image)
    toned = aug.Compose([aug.Invert()])(image, seed=0).image
    np.testing.assert_array_equal(aug.Compose([*colors, aug.Invert()])(image, seed=0).image, toned)


@pytest.mark.parametrize("channels", [2, 5])
def test_other_channels_are_refused_by_name(channels: int) -> None:
    compose = aug.Compose([aug.Rotate(), aug.Saturation((1, 1))])
    with pytest.raises(InputError, match=f"'Saturation' .* {channels} channels"):
        compose(noise((8, 8, channels)), seed=0)
    aug.Compose([aug.Saturation(p=0)])(noise((8, 8, channels)), seed=0)


def test_the_matrices_are_what_they_say() -> None:
    (turn,) = aug.Hue().mixes({"angle": np.array([120.0])}, 1)
    np.testing.assert_allclose(turn[:, :3], np.roll(np.eye(3), 1, axis=0), atol=1e-12)
    rng = np.random.default_rng(0)
    turned = rng.random((50, 3)) @ aug.Hue().mixes({"angle": np.array([33.0])}, 1)[0, :, :3].T
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(turned.sum(axis=1), rng.random((50, 3)).sum(axis=1))
    grey = aug.Compose([aug.Grayscale()])(PHOTO, seed=0).image
    assert (np.ptp(grey.astype(int), axis=2) == 0).all()
    np.testing.assert_array_equal(aug.Compose([aug.Saturation((0, 0))])(PHOTO, seed=0).image, grey)
    warm, cool = (aug.ColorTemperature().mixes({"kelvin": np.array([k])}, 1)[0] for k in (3000.0, 12000.0))
    assert warm[0, 0] > 1 > warm[2, 2] and cool[0, 0] < 1 < cool[2, 2] and warm[1, 1] == cool[1, 1] == 1


def test_the_black_body_agrees_with_known_chromaticities() -> None:
    """CIE 15:2004: illuminant A (2856 K) has x, y = 0.4476, 0.4074."""
    from augsafe.transforms.color import _black_body

    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ _black_body(np.array([2856.0]))[0]
    np.testing.assert_allclose(xyz[:2] / xyz.sum(), [0.4476, 0.4074], atol=1e-3)


def test_the_six_orders_are_drawn_alike() -> None:
    values = aug.Compose([aug.ChannelShuffle()]).plan(np.full((6000, 2), 8), range(6000)).draws.values
    assert np.bincount(values["ChannelShuffle"]["order"].astype(int), minlength=6).min() > 850
    seen = {tuple(aug.Compose([aug.ChannelShuffle()])(PHOTO, seed=0, index=k).image[9, 70]) for k in range(60)}
    assert seen == set(itertools.permutations(PHOTO[9, 70]))


@needs("torch", "torchvision")
def test_parity_with_torchvision() -> None:
    """Within 2 levels: torchvision rounds the grey and cuts the result down to whole levels."""
    import torch
    import torchvision.transforms.v2.functional as F

    tensor = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())

    def apart(step: Any, theirs: torch.Tensor) -> np.ndarray:
        ours = aug.Compose([step])(PHOTO, seed=0).image.astype(int)
        return np.abs(ours - theirs.numpy().transpose(1, 2, 0))

    for factor in (0.0, 0.4, 1.7):
        assert apart(aug.Saturation((factor, factor)), F.adjust_saturation(tensor, factor)).max() <= 2
    assert apart(aug.Grayscale(), F.rgb_to_grayscale(tensor, num_output_channels=3)).max() <= 1
    # hue is another model: equal at thirds of the circle, near for small turns of photographs
    assert apart(aug.Hue((120, 120)), F.adjust_hue(tensor, 1 / 3)).max() <= 2
    small = apart(aug.Hue((9, 9)), F.adjust_hue(tensor, 9 / 360))
    assert small.mean() < 3 and np.percentile(small, 99) < 16
    assert apart(aug.Hue((-9, -9)), F.adjust_hue(tensor, 9 / 360)).mean() > 5, "the other way round is another turn"


@needs("torch")
@pytest.mark.parametrize("name", STEPS)
def test_the_device_gives_the_same_levels(name: str) -> None:
    import torch

    from augsafe.adapters.device import DeviceAugment

    images = noise((4, 16, 20, 3), "float32")
    compose = aug.Compose(STEPS[name], output=aug.Output(dtype="float32", layout="CHW"))
    module = DeviceAugment(compose, seed=0)
    planes = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    on_device = module(planes, torch.arange(4)).numpy()
    here = compose.batch(images, indices=range(4))
    assert np.abs(on_device - here).max() < 0.02  # curves are tables of 256 steps there
