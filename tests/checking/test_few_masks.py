"""Masks of a few images measure all; a finder guesses, and makes what masks measure narrower."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from benchmarks.cutouts import scenes
from benchmarks.few_masks import beside, compared

SHIFTED = aug.Compose([aug.Shift((-0.45, 0.45), (-0.45, 0.45)), aug.Zoom((0.9, 1.5))], border="constant")
ASIDE = aug.Compose([aug.Shift((0.3, 0.4), (0, 0))], border="constant")  # some objects are always lost, some never
MILD = aug.Compose([aug.Shift((-0.03, 0.03), (-0.03, 0.03))], border="constant")
# at least 8 pixels of 96 wide and whole in the frame, so that a mild policy loses none
DATA = [scene for scene in scenes(200, seed=4, side=96, sizes=(0.25, 0.5)) if scene.place != "border"][:120]
IMAGES, MASKS = [scene.image for scene in DATA], [scene.mask for scene in DATA]
LABELS = np.arange(len(DATA)) % 3


def few(count, seed=0):
    """The masks of a random sample, None elsewhere."""
    chosen = set(aug.images_to_mask(LABELS, count, seed).tolist())
    return [mask if i in chosen else None for i, mask in enumerate(MASKS)]


def checked(policy, labels=LABELS, **options):
    return aug.check(policy, IMAGES, labels, suggest=False, draws=6000, **options)


def finding(report, code="AS201"):
    return next(f for f in report.findings if f.code == code)


def shares(report, code="AS201"):
    """The rate of a code with its interval, all sets of steps together."""
    found = [f for f in report.findings if f.code == code]
    return tuple(sum(values) for values in zip(*((f.probability, *f.interval) for f in found), strict=True))


def rate(policy, code="AS201"):
    """The rate of all images, whatever their class, by all masks."""
    return shares(checked(policy, None, masks=MASKS), code)[0]


class Seen:
    """A finder that looks masks up, as if it were a model."""

    def __init__(self, masks):
        self.masks = {image.tobytes(): mask for image, mask in zip(IMAGES, masks, strict=True)}
        self.labels = []

    def __call__(self, image, label):
        self.labels.append(label)
        return self.masks[image.tobytes()]


@pytest.mark.parametrize("seed", range(3))
def test_few_masks_measure_the_rate_of_all_and_may_be_an_error(seed):
    truth, report = rate(SHIFTED), checked(SHIFTED, masks=few(30, seed))
    found = finding(report)
    assert (found.severity, found.evidence, report.ok) == ("error", "measured", False)
    assert set(found.classes) == {"0", "1", "2"} and "measured on 30 images" in found.message
    found, low, high = shares(report)
    assert low <= truth <= high and low <= found <= high and high - low < 0.3
    assert any("30 of 120 images have a mask or boxes" in note for note in report.notes)


def test_what_keeps_the_object_of_every_mask_is_no_finding():
    assert not [f for f in checked(MILD, masks=few(30)).findings if f.code[:3] == "AS2"]


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        ("AS202", aug.Compose([aug.Zoom((0.1, 0.4))], border="constant")),
        ("AS203", aug.Compose([aug.Erase(area=(0.3, 0.5))])),
        ("AS205", aug.Compose([aug.Shift((0.3, 0.5), (0, 0))])),
    ],
)
def test_the_other_rules_on_content_are_measured_too(code, policy):
    truth, report = rate(policy, code), checked(policy, masks=few(40))
    _, low, high = shares(report, code)
    assert finding(report, code).evidence == "measured"
    assert low <= truth <= high


def test_levels_of_the_object_are_measured_too():
    bright = aug.Compose([aug.Brightness((2.2, 2.2))])
    truth = shares(checked(bright, None, masks=MASKS), "AS301")[0]
    report = checked(bright, masks=few(40))
    found = finding(report, "AS301")
    _, low, high = shares(report, "AS301")
    assert found.evidence == "measured" and set(found.classes) == {"0", "1", "2"}
    assert low <= truth <= high and 0.05 < truth < 0.95


def test_a_class_that_is_lost_alone_is_an_error_of_that_class():
    wide = [m if k == 0 else np.ones_like(m) for m, k in zip(MASKS, LABELS, strict=True)]
    # a small object at the left edge, in class 0 alone
    for i in np.flatnonzero(LABELS == 0):
        wide[i] = np.zeros_like(MASKS[i])
        wide[i][40:60, :20] = True
    chosen = set(aug.images_to_mask(LABELS, 60).tolist())
    masks = [mask if i in chosen else None for i, mask in enumerate(wide)]
    report = checked(aug.Compose([aug.Shift((-0.25, 0.08), (0, 0))], border="constant"), masks=masks)
    assert finding(report).severity == "error" and "0" in finding(report).classes


def test_of_classes_without_a_mask_the_guess_speaks_and_informs():
    masks = [mask if k == 0 and i % 2 else None for i, (mask, k) in enumerate(zip(MASKS, LABELS, strict=True))]
    found = {f.evidence: f for f in checked(SHIFTED, masks=masks).findings if f.code == "AS201"}
    assert set(found) == {"measured", "guessed"}
    assert found["guessed"].severity == "info" and set(found["guessed"].classes) == {"1", "2"}


def test_fewer_masks_than_classes_speak_for_all():
    labels = np.arange(len(IMAGES)) % 40
    chosen = set(aug.images_to_mask(labels, 25).tolist())
    masks = [mask if i in chosen else None for i, mask in enumerate(MASKS)]
    assert {f.evidence for f in checked(SHIFTED, labels, masks=masks).findings if f.code == "AS201"} == {"measured"}


def test_empty_masks_are_left_out():
    masks = few(30)
    drawn = [i for i, mask in enumerate(masks) if mask is not None]
    for i in drawn[:10]:
        masks[i] = np.zeros_like(MASKS[i])
    assert "measured on 20 images" in finding(checked(SHIFTED, masks=masks)).message


def test_a_finder_alone_is_a_guess_with_a_name_that_may_decide():
    found = finding(checked(SHIFTED, objects=Seen(MASKS)))
    assert (found.severity, found.evidence) == ("error", "guessed")
    assert "by the finder Seen (a guess)" in found.message
    truth = shares(checked(SHIFTED, masks=MASKS))
    assert shares(checked(SHIFTED, objects=Seen(MASKS))) == pytest.approx(truth)


def test_a_finder_beside_masks_narrows_what_they_measure_and_a_wrong_one_leaves_it_as_it_is():
    truth, alone = rate(ASIDE), checked(ASIDE, masks=few(60))
    near, wrong = (
        checked(ASIDE, masks=few(60), objects=Seen(masks)) for masks in (beside(DATA, 4), MASKS[7:] + MASKS[:7])
    )
    (_, low, high), (_, least, most) = shares(alone), shares(near)
    assert most - least < 0.9 * (high - low) and least <= truth <= most
    assert "narrowed by the finder Seen (weight" in finding(near).message
    assert shares(wrong) == pytest.approx(shares(alone))
    assert finding(near).evidence == finding(wrong).evidence == "measured"


def test_a_finder_is_told_the_labels_as_they_were_given():
    finder = Seen(MASKS)
    checked(MILD, [("a", "b", "c")[k] for k in LABELS], objects=finder)
    assert finder.labels == [("a", "b", "c")[k] for k in LABELS]
    finder = Seen(MASKS)
    checked(MILD, None, objects=finder)
    assert set(finder.labels) == {None}


def test_a_finder_that_finds_nothing_loses_nothing():
    report = checked(SHIFTED, objects=lambda image, label: None)
    assert not [f for f in report.findings if f.code == "AS201"]
    assert any("which saw one in 0 of them" in note for note in report.notes)


def test_steps_that_spare_the_object_spare_it_in_the_sample_no_more_than_elsewhere():
    """Nobody knows the object of an image without a mask, so nothing is spared there: the sample must show that."""
    spares = aug.Compose([aug.Erase(area=(0.3, 0.5), max_object_share=0.2)])
    assert not [f for f in checked(spares, masks=MASKS).findings if f.code == "AS203"]
    assert finding(checked(spares, masks=few(40)), "AS203").evidence == "measured"
    # with a finder to spare by, images without a mask are spared as well as it sees
    assert not [f for f in checked(spares, masks=few(40), objects=Seen(MASKS)).findings if f.code == "AS203"]


def test_intervals_cover_on_photographs_and_a_finder_beside_the_object_narrows_them():
    rows = compared(repeats=40, n=150, masks=(40,))
    assert all(row.covered >= 0.93 for row in rows)
    widths = {(row.policy, row.finder): row.half for row in rows}
    assert widths["RandomResizedCrop", "beside"] < widths["RandomResizedCrop", "none"]
    assert all(widths[policy, "saliency"] <= 1.01 * widths[policy, "none"] for policy, _ in widths)


@pytest.mark.parametrize("objects", ["salience", 3, Seen])
def test_objects_that_nobody_can_ask_are_refused(objects):
    with pytest.raises(ArgumentError, match=r"check\(objects=...\) must be None"):
        checked(MILD, objects=objects)


def test_what_a_finder_must_not_return_is_said():
    with pytest.raises(InputError, match="finder objects=<lambda> returned a mask of shape"):
        checked(MILD, objects=lambda image, label: np.ones((3, 3)))
