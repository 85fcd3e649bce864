"""With a mask or boxes, AS301 and AS302 look at the object; without, at the whole image, as a guess."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

import augsafe as aug
from augsafe.guards.tone.levels import around, by_curves, histograms, object_histograms


def products(n: int = 30, side: int = 128, size: int = 36) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parts of a photograph as small products on a white ground, and their masks."""
    photo, rng = data.astronaut(), np.random.default_rng(0)
    images, masks = [], []
    for _ in range(n):
        y, x = rng.integers(0, 512 - size, 2)
        top, left = rng.integers(8, side - size - 8, 2)
        image, mask = np.full((side, side, 3), 255, np.uint8), np.zeros((side, side), bool)
        part = (slice(top, top + size), slice(left, left + size))
        image[part], mask[part] = np.minimum(photo[y : y + size, x : x + size], 240), True
        images.append(image)
        masks.append(mask)
    return images, masks


BRIGHT = aug.Compose([aug.Brightness((3, 3))])


def found(policy: aug.Compose, images: list[np.ndarray], **more: object) -> dict[str, aug.Finding]:
    report = aug.check(policy, images, suggest=False, draws=300, **more)
    return {f.code: f for f in report.findings}


@pytest.mark.parametrize("by", ["masks", "boxes"])
@pytest.mark.parametrize("rest", [[], [aug.GaussianBlur((0.3, 0.3))]], ids=["curves", "rendered"])
def test_a_small_product_that_turns_white_is_found(by: str, rest: list[aug.Transform]) -> None:
    images, masks = products()
    policy = aug.Compose([*BRIGHT.steps, *rest])
    guess = found(policy, images)
    assert "AS301" not in guess, "nine tenths of the image are white before"
    assert {f.severity for f in guess.values()} <= {"info"}
    boxes = [[[*np.argwhere(m).min(axis=0)[::-1], *(np.argwhere(m).max(axis=0)[::-1] + 1)]] for m in masks]
    lost = found(policy, images, **({"masks": masks} if by == "masks" else {"boxes": boxes}))
    assert (lost["AS301"].severity, lost["AS301"].evidence) == ("error", "stated")
    mild = aug.Compose([aug.Brightness((0.8, 1.1)), *rest])
    assert not found(mild, images, masks=masks)


def test_the_share_is_that_of_a_count_of_pixels() -> None:
    images, masks = products()
    shares = object_histograms(images, None, masks)
    got = by_curves(BRIGHT.plan([i.shape for i in images], range(len(images))), shares).clipped
    for image, mask, share in zip(images, masks, got, strict=True):
        levels = image[mask].reshape(-1).astype(int)
        white = (3 * levels >= 254.5) & (levels < 255 * 0.9)  # and could be told from the white ground
        assert share == pytest.approx(white.mean(), abs=0.03)
    frame = by_curves(BRIGHT.plan([i.shape for i in images], range(len(images))), histograms(images, None)).clipped
    assert frame.max() < 0.1 and got.mean() > 0.3, "the negative control: the image as a whole hides it"


def test_an_even_object_keeps_its_contrast_to_the_ground() -> None:
    image, mask = np.zeros((64, 64), np.uint8), np.zeros((64, 64), bool)
    image[20:40, 20:40], mask[20:40, 20:40] = 250, True
    one, many = {"masks": [mask] * 20}, [image] * 20
    assert not found(aug.Compose([aug.Brightness((1.0, 1.3))]), many, **one), "a white glyph that becomes whiter"
    assert found(aug.Compose([aug.Contrast((0.02, 0.05))]), many, **one)["AS302"].severity == "error"
    assert around(mask).sum() == 40 * 40
