"""calibrate holds brightness, contrast, gamma and colour to the rules of AS301 to AS303, as check does."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.calibration import losses
from augsafe.calibration.words import promise
from augsafe.contracts import Limits
from augsafe.guards import Appearance, lights, look
from augsafe.guards.tone.rules import ToneRule, _Eye
from augsafe.objects import inspect

N = 480
WHOLE = np.ones((N, 24, 24), bool)  # the ramp fills the image


def ramps() -> tuple[np.ndarray, np.ndarray]:
    """Images whose levels are even from 80 to 250, rising to the right (class 0) or downwards (class 1)."""
    line = np.linspace(80, 250, 24)
    across, down = np.tile(line, (24, 1)), np.tile(line[:, None], (1, 24))
    labels = np.arange(N) % 2
    noise = np.random.default_rng(0).integers(-1, 2, (N, 24, 24))
    return (np.where(labels[:, None, None] == 0, across, down) + noise).astype(np.uint8), labels


def which_way(images) -> np.ndarray:
    """A reference that knows the class however bright the image is, so that it never speaks of lost tone."""
    planes = [np.asarray(image, np.float64) for image in images]
    across = np.array([np.abs(np.diff(p.mean(axis=0))).sum() for p in planes])
    down = np.array([np.abs(np.diff(p.mean(axis=1))).sum() for p in planes])
    right = np.where(across > down, 0.98, 0.02)
    return np.stack([right, 1 - right], axis=1)


def scale_of(step: object, **more: object) -> float:
    images, labels = ramps()
    found = aug.calibrate(step, images, labels, reference=which_way, masks=WHOLE, progress=False, **more)
    return found.scale


@pytest.mark.parametrize(
    ("step", "scale", "why"),
    [
        # 0.4 of the levels are a tenth of the range above 156, which a factor of 1.63 takes to white
        (aug.Brightness((1.0, 2.0)), 0.6, "levels clipped, AS301"),
        # less than 0.1 of the contrast is left in 8 % of the draws of the whole range, in none at 0.9 of it
        (aug.Contrast((0.02, 1.0)), 0.9, "contrast lost, AS302"),
    ],
    ids=["brightness", "contrast"],
)
def test_lost_tone_bounds_the_certified_range(step, scale, why, monkeypatch):
    images, labels = ramps()
    found = aug.calibrate(step, images, labels, reference=which_way, masks=WHOLE, progress=False)
    assert found.scale == pytest.approx(scale) and why in found.words()
    assert {row.verdict for row in found.singles} == {"harmful"}
    assert "lose content or tone" in " ".join(promise(found))
    monkeypatch.setattr(Appearance, "of", lambda *_: Appearance(ToneRule.of(aug.Compose(()), None), None, ()))
    assert scale_of(step) == 1.0  # the negative control: the images alone would certify everything


def test_without_masks_lost_tone_is_a_guess_which_bounds_nothing_unless_asked():
    images, labels = ramps()
    step = aug.Brightness((1.0, 2.0))
    found = aug.calibrate(step, images, labels, reference=which_way, progress=False)
    assert found.scale == 1 and "not known in any image" in " ".join(promise(found))
    asked = aug.calibrate(step, images, labels, reference=which_way, objects="saliency", progress=False)
    assert asked.scale < 1 and "not known" not in " ".join(promise(asked))


def test_steps_that_leave_tone_alone_are_certified_whole():
    assert scale_of(aug.Brightness((0.9, 1.1))) == 1.0
    assert scale_of(aug.Compose([aug.Gamma((0.8, 1.25)), aug.Invert()])) == 1.0


def test_the_limits_of_the_contract_are_what_counts():
    loose = aug.Contract(("0", "1"), {}, {"*": Limits(clipped=0.9, contrast=0)})
    assert scale_of(aug.Brightness((1.0, 2.0)), contract=loose) == 1.0


def test_a_defining_colour_bounds_the_range_of_hue():
    images, labels = lights()
    signals = aug.Contract(("red", "green"), {}, {"*": Limits(hue=30)})

    policy = aug.Compose([aug.Hue((-60, 60))])
    jury = _jury(images, labels, signals)
    seen = jury.losses(policy, np.arange(len(images)))
    assert 0.4 < seen.codes["AS303"].mean() < 0.6 and seen.lost[seen.codes["AS303"]].all()
    assert not jury.losses(aug.Compose([aug.Hue((-25, 25))]), np.arange(len(images))).codes["AS303"].any()


def _jury(images, labels, contract) -> losses.Jury:
    """With a reference that is sure of each class, so that only the guards speak."""
    names = list(contract.classes)
    own = np.array([names.index(str(name)) for name in labels])
    rows = np.arange(len(images))
    return losses.Jury(list(images), own, rows, inspect(images), contract, False, rows, 0.01, 0, 1, _red_or_green)


def _red_or_green(images) -> np.ndarray:
    red = np.array(
        [np.asarray(i, np.float64)[..., 0].mean() > np.asarray(i, np.float64)[..., 1].mean() for i in images]
    )
    sure = np.where(red, 0.98, 0.02)
    return np.stack([sure, 1 - sure], axis=1)


@pytest.mark.parametrize(
    "policy",
    [
        aug.Compose([aug.Contrast((0.05, 1)), aug.Brightness((1, 4)), aug.HorizontalFlip()]),
        aug.Compose([aug.GaussianBlur((0.5, 2)), aug.Brightness((1, 4), p=0.5), aug.Rotate((-5, 5))]),
    ],
    ids=["curves", "rendered"],
)
def test_it_is_the_rule_of_check(policy):
    """The same draws, judged by check's own way in and by calibrate's."""
    images, labels = ramps()
    images, labels = images[:40], labels[:40]
    contract = aug.Contract(("0", "1"))
    rows = np.arange(40)
    plan = policy.plan(np.full((40, 2), 24), rows, 3)
    rule = ToneRule.of(policy, contract)
    eye = _Eye.of(rule, list(images), rows)
    wanted = eye.broken(eye.plan(plan.shapes, plan.draws), labels)
    seen = Appearance.of(policy, contract).broken(plan, labels, look(list(images), None, np.zeros(40, bool)))
    assert set(seen) == {"AS301", "AS302"}
    for code in seen:
        np.testing.assert_array_equal(seen[code], wanted[code])
    assert 0.05 < seen["AS301"].mean() < 0.95
