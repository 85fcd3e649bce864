"""AS303: colour that defines a class is turned or lost, for classes whose contract says so."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

import augsafe as aug
from augsafe.contracts import Contract, Limits
from augsafe.errors import ContractError
from augsafe.guards import hue_findings, lights
from augsafe.guards.tone import hue as hue_module
from augsafe.guards.tone.hue import changed, colours
from augsafe.pixels import render

IMAGES, NAMES = lights(30)
LABELS = np.array([("red", "green").index(name) for name in NAMES])
STRICT = Contract(classes=("red", "green"), limits={"*": Limits(hue=30)})


def found(policy, images=IMAGES, contract=STRICT):
    compose = policy if isinstance(policy, aug.Compose) else aug.Compose([policy])
    return hue_findings(compose, images, LABELS, contract)


@pytest.mark.parametrize(
    "policy",
    [
        aug.Hue((-90, 90)),
        aug.ChannelShuffle(),
        aug.Grayscale(p=0.5),
        aug.Invert(),
        aug.Solarize((0.2, 0.4)),
        aug.Compose([aug.Hue((20, 20)), aug.Rotate(), aug.Brightness(), aug.Hue((15, 25), name="more")]),
        aug.Compose([aug.GaussianBlur((0, 1)), aug.Hue((100, 120))]),
    ],
    ids=lambda p: type(p).__name__,
)
def test_a_changed_colour_is_an_error(policy):
    (finding,) = found(policy)
    assert (finding.code, finding.severity, finding.verdict) == ("AS303", "error", "tone-lost")
    assert finding.classes == ("red", "green")
    witness = finding.witness
    compose = policy if isinstance(policy, aug.Compose) else aug.Compose([policy])
    assert (render([witness.original], compose.replay(witness.record))[0] == witness.augmented).all()


def test_the_steps_that_turn_it_together_are_named():
    policy = aug.Compose([aug.Hue((20, 20)), aug.Rotate(), aug.Brightness((0.9, 1)), aug.Hue((20, 20), name="more")])
    assert [f.steps for f in found(policy)] == [("Hue", "more")]


@pytest.mark.parametrize(
    "policy",
    [
        aug.Hue((-20, 20)),
        aug.Saturation((0.6, 1.4)),
        aug.Compose([aug.Hue((-180, 180), p=0.0), aug.Brightness((0.7, 1.3)), aug.ColorTemperature((5500, 7500))]),
        aug.Rotate((-180, 180)),
        aug.Brightness((0.6, 1.4)),
        aug.Gamma((0.5, 2)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_ordinary_steps_are_not_blamed(policy):
    assert found(policy) == []


def test_only_where_a_contract_asks_and_there_is_colour():
    one = Contract(classes=("red", "green"), limits={"red": Limits(hue=30)})
    assert [f.classes for f in found(aug.ChannelShuffle(), contract=one)] == [("red",)]
    assert found(aug.ChannelShuffle(), contract=Contract(classes=("red", "green"))) == []
    grey = np.repeat(IMAGES.mean(axis=3, keepdims=True).astype(np.uint8), 3, axis=3)
    assert found(aug.ChannelShuffle(), grey) == []
    assert found(aug.ChannelShuffle(), grey[..., 0]) == []
    with pytest.raises(ContractError, match="hue must be a number of at least 0"):
        Limits(hue=-1)


def test_angles_agree_with_the_hue_of_hsv_at_the_corners():
    full = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], float)
    seen = np.degrees(np.arctan2(*colours(full[None])[0].T[::-1])) % 360
    assert np.allclose(seen, [360 * colorsys.rgb_to_hsv(*c)[0] for c in full])


def test_a_share_of_the_colour_decides():
    red, green = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    before = colours(np.tile(red, (1, 10, 1)))
    for turned, expected in ((4, False), (6, True)):
        after = colours(np.array([[green] * turned + [red] * (10 - turned)]))
        assert changed(before, after, np.array([30.0]))[0] == expected


def test_a_guard_that_forgets_faded_colours_would_be_seen(monkeypatch):
    """Negative control."""
    monkeypatch.setattr(hue_module, "PALE", 0.0)
    assert found(aug.Saturation((0.05, 0.05))) == []
    monkeypatch.undo()
    assert found(aug.Saturation((0.05, 0.05))) != []


def test_images_of_several_dtypes_are_judged_alike():
    wide = [np.minimum(image.astype(np.uint16) * 257 + 100, 65535).astype(np.uint16) for image in IMAGES]
    floats = [image.astype(np.float32) / 255 for image in IMAGES]
    mixed = [(IMAGES[i], wide[i], floats[i])[i % 3] for i in range(len(IMAGES))]
    for policy, count in ((aug.Hue((20, 25)), 0), (aug.Hue((40, 45)), 1)):
        for images in (IMAGES, wide, floats, mixed):
            assert len(found(policy, images)) == count


def test_the_range_of_the_levels_is_that_of_the_policy():
    twelve = [image.astype(np.uint16) * 16 for image in IMAGES]  # 12 bits in 16
    for angle, count in ((20, 0), (40, 1)):
        policy = aug.Compose([aug.Hue((angle, angle))], value_range=(0, 4095))
        assert len(found(policy, twelve)) == count
