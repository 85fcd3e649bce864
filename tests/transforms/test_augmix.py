"""AugMix: a convex mixture, each operation as Pillow has it, and nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageEnhance
from skimage import data

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.transforms import augmix

PHOTO = data.astronaut()[::4, ::4]
LEVELS = (PHOTO / 255).astype(np.float32)


def drawn(step: aug.AugMix, n: int = 40, image: np.ndarray = PHOTO) -> np.ndarray:
    return aug.Compose([step]).batch([image] * n, range(n), seed=1)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (augmix._brightness, ImageEnhance.Brightness),
        (augmix._contrast, ImageEnhance.Contrast),
        (augmix._saturation, ImageEnhance.Color),
        (augmix._sharpness, ImageEnhance.Sharpness),
    ],
)
@pytest.mark.parametrize("strength", [0.5, 3.0, 9.0])
def test_operations_are_pillows(ours, theirs, strength):
    wanted = np.asarray(theirs(Pillow.fromarray(PHOTO)).enhance(0.18 * strength + 0.1), float)
    found = ours(LEVELS, strength).clip(0, 1) * 255
    inner = (slice(1, -1), slice(1, -1))  # Pillow leaves the edge as it is
    assert np.abs(found - wanted)[inner].max() <= 2.5


def test_solarize_and_posterize_follow_the_strength():
    assert (augmix._solarize(LEVELS, 0.0) == np.where(LEVELS >= 1, 1 - LEVELS, LEVELS)).all()
    np.testing.assert_allclose(augmix._solarize(LEVELS, 10.0), 1 - LEVELS)
    assert len(np.unique(augmix._posterize(LEVELS, 1.0))) == 16
    assert len(np.unique(augmix._posterize(LEVELS, 10.0))) == 2


def test_a_mixture_lies_between_the_image_and_its_chains(monkeypatch):
    monkeypatch.setattr(augmix.AugMix, "_chain", lambda self, levels, severity, rng: np.ones_like(levels))
    made = drawn(aug.AugMix(), 200).astype(float)
    share = (made - PHOTO).sum(axis=(1, 2, 3)) / (255.0 - PHOTO).sum()  # of the chains, here white images
    assert (made >= PHOTO).all() and share.min() >= 0 and share.max() <= 1
    assert abs(share.mean() - 0.5) < 0.08 and abs(share.var() - 1 / 12) < 0.03  # Beta(1, 1) is uniform


def test_a_small_alpha_takes_one_side_and_a_large_one_the_middle(monkeypatch):
    monkeypatch.setattr(augmix.AugMix, "_chain", lambda self, levels, severity, rng: np.ones_like(levels))
    for alpha, variance in ((100.0, 1 / (4 * 201)), (0.1, 1 / (4 * 1.2))):
        made = drawn(aug.AugMix(alpha=alpha), 150).astype(float)
        share = (made - PHOTO).sum(axis=(1, 2, 3)) / (255.0 - PHOTO).sum()
        assert share.var() == pytest.approx(variance, rel=0.4, abs=2e-4)


def test_more_severity_changes_more():
    change = [np.abs(drawn(aug.AugMix((s, s))).astype(float) - PHOTO).mean() for s in (0.1, 3.0, 10.0)]
    assert change[2] > 5 and change[1] > 2
    assert (drawn(aug.AugMix((0.0, 0.0))) == PHOTO).all()


def test_draws_differ_and_repeat():
    first = drawn(aug.AugMix())
    assert (first == drawn(aug.AugMix())).all()
    assert len({image.tobytes() for image in first}) == len(first)


def test_the_guards_see_levels_and_nothing_moved():
    policy = aug.Compose([aug.AugMix()])
    assert (policy.plan([(9, 9)], [0]).matrix == np.eye(3)).all()
    report = aug.check(policy, [PHOTO] * 30, [0] * 30, contract="cifar10", classes=None, suggest=False)
    assert not [f for f in report.findings if f.code.startswith(("AS1", "AS2"))]


@pytest.mark.parametrize("wrong", [{"width": 0}, {"width": 2.0}, {"depth": 17}, {"alpha": 0}, {"severity": (0, 11)}])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ArgumentError, match=f"AugMix\\({next(iter(wrong))}=...\\)"):
        aug.AugMix(**wrong)
