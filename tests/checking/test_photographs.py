"""A guess informs, a fact acts: everyday policies on photographs without masks, extreme ones, and the same with masks.

Photographs of scikit-image, and those of Debian's mate-backgrounds where they are installed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

import augsafe as aug

BACKGROUNDS = Path("/usr/share/backgrounds/mate/nature")
NAMES = ("astronaut", "camera", "chelsea", "coffee", "rocket", "brick", "grass", "immunohistochemistry")
EVERYDAY = {
    "imagenet": [aug.RandomResizedCrop((224, 224)), aug.HorizontalFlip()],
    "mild": [
        aug.Shift((-0.1, 0.1), (-0.1, 0.1)),
        aug.Zoom((0.8, 1.25)),
        aug.Rotate((-15, 15)),
        aug.HorizontalFlip(),
        aug.Brightness((0.8, 1.2)),
    ],
    "resized": [aug.Resize(shortest=256), aug.RandomCrop(224), aug.HorizontalFlip()],
    "coloured": [
        aug.RandomResizedCrop((224, 224), scale=(0.5, 1)),
        aug.HorizontalFlip(),
        aug.Brightness((0.6, 1.4)),
        aug.Contrast((0.6, 1.4)),
        aug.Saturation((0.6, 1.4)),
        aug.Hue((-20, 20)),
    ],
    "erased": [aug.Pad(16, 16, 16, 16), aug.RandomCrop(256), aug.HorizontalFlip(), aug.Erase((0.02, 0.2), p=0.5)],
    "blurred": [aug.RandomResizedCrop((224, 224)), aug.HorizontalFlip(), aug.GaussianBlur(p=0.5)],
}
EXTREME = {
    "AS201": [aug.Shift((-0.9, 0.9), (-0.9, 0.9))],
    "AS203": [aug.Erase((0.7, 0.9))],
    "AS204": [aug.Zoom((0.1, 0.2))],
    "AS301": [aug.Brightness((3, 4))],
    "AS302": [aug.Contrast((0.01, 0.05))],
}
FACTS = ("AS204",)  # of the frame: no object need be known


@pytest.fixture(scope="module", params=["scikit-image", "mate-backgrounds"])
def photos(request) -> list[np.ndarray]:
    if request.param == "scikit-image":
        return [np.asarray(getattr(data, name)()) for name in NAMES]
    files = sorted(BACKGROUNDS.glob("*.jpg"))
    if not files:
        pytest.skip("needs the Debian package mate-backgrounds")
    found = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]
    sizes = [(640, round(640 * image.shape[0] / image.shape[1])) for image in found]
    return [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image, size in zip(found, sizes, strict=True)]


def checked(steps: list[aug.Transform], images: list[np.ndarray], **more: object) -> aug.Report:
    return aug.check(aug.Compose(steps), images, suggest=False, draws=2000, **more)


@pytest.mark.parametrize("name", EVERYDAY)
def test_an_everyday_policy_is_no_error(name: str, photos: list[np.ndarray]) -> None:
    report = checked(EVERYDAY[name], photos)
    assert report.ok and set(report.verdicts.values()) <= {"safe", "unknown"}
    assert max(Counter(f.code for f in report.findings).values()) == 1
    assert {f.severity for f in report.findings if f.evidence == "guessed"} <= {"info"}
    assert {f.code for f in report.findings if f.severity == "warning"} == {"AS103"}, "no contract knows of flips"


@pytest.mark.parametrize("code", EXTREME)
def test_an_extreme_policy_is_reported(code: str, photos: list[np.ndarray]) -> None:
    guess = {f.code: f for f in checked(EXTREME[code], photos).findings}[code]
    assert (guess.severity, guess.evidence) == (("error", "stated") if code in FACTS else ("info", "guessed"))
    assert guess.probability > 0.2 and guess.witness.augmented is not None
    masks = [np.zeros(image.shape[:2], bool) for image in photos]
    for mask in masks:
        high, wide = mask.shape
        mask[high // 4 : -high // 4, wide // 4 : -wide // 4] = True
    for more in ({"masks": masks}, {"objects": "saliency"}):
        report = checked(EXTREME[code], photos, **more)
        found = {f.code: f for f in report.findings}[code]
        named = "masks" in more or code in FACTS
        assert (found.severity, found.evidence) == ("error", "stated" if named else "guessed") and not report.ok


def test_a_guess_says_how_far_it_is_to_be_trusted(photos: list[np.ndarray]) -> None:
    even = np.full((64, 64), 30, np.uint8)
    even[20:40, 20:40] = 220
    report = checked(EXTREME["AS201"], [*photos, even, np.zeros_like(even)])
    (said,) = [note for note in report.notes if "guessed by saliency" in note]
    for words in (" on an even ground", " on a textured ground", "1 nowhere"):
        assert words in said
    text = " ".join(str(checked(EXTREME["AS301"], photos)).split())
    assert "guessed, sampled" in text and "remarks rest on a guess at where the object is" in text
    assert {f["evidence"] for f in report.to_dict()["findings"]} == {"stated", "guessed"}
    masked = checked(EXTREME["AS201"], [even] * 4, masks=[even > 100] * 4)
    assert not any("guessed" in note for note in masked.notes)


@pytest.mark.parametrize("steps", [EVERYDAY["imagenet"], EXTREME["AS201"], EXTREME["AS204"], EXTREME["AS203"]])
def test_the_loader_without_masks_leaves_the_recipe_as_it_is(steps, photos: list[np.ndarray]) -> None:
    recipe = aug.Compose(steps, output=aug.Output(size=(64, 64)))
    photos = [image for image in photos if image.ndim == 3]  # one batch has one number of channels
    loader = aug.Loader((photos, None), recipe, batch_size=3, workers=0, on_violation="raise")
    for batch in loader:
        plain = recipe.batch([photos[i] for i in batch.indices], batch.indices)
        assert (batch.images == plain).all()
    assert loader.report.guards.changed == 0 and not loader.report.guards.counts
    masks = [np.ones(image.shape[:2], np.uint8) for image in photos]
    source = aug.images.ArraySource(photos, None, masks)
    known = aug.Loader(source, recipe, batch_size=3, workers=0)
    asked = aug.Loader((photos, None), recipe, batch_size=3, workers=0, objects="saliency")
    for guarded in (known, asked):
        list(guarded)
        assert guarded.report.guards.changed > 0, "with masks, or where a guess is asked for, rules on content act"


def test_a_class_rule_acts_without_masks(photos: list[np.ndarray]) -> None:
    contract = aug.Contract(("photo",), limits={"*": aug.contracts.Limits(rotation=10)})
    photos = [image for image in photos if image.ndim == 3]
    recipe = aug.Compose([aug.Rotate((-40, 40)), aug.Shift((-0.9, 0.9), (0, 0))], output=aug.Output(size=(32, 32)))
    loader = aug.Loader((photos, [0] * len(photos)), recipe, contract=contract, workers=0)
    for batch in loader:
        assert np.abs(batch.plan.draws.values["Rotate"]["angle"]).max() <= 10
    assert {code for code, *_ in loader.report.guards.counts} == {"AS106"}
