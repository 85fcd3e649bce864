"""Tone guards: large losses are found, ordinary steps and black backgrounds are not blamed, and rates are honest."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from sklearn.datasets import load_digits

import augsafe as aug
from augsafe.contracts import Contract, Limits
from augsafe.errors import ContractError
from augsafe.guards import scenes, tone_findings
from augsafe.guards.tone import levels as levels_module
from augsafe.guards.tone import rules as tone_module
from augsafe.guards.tone.levels import LEVELS, by_curves, by_pixels, histograms
from augsafe.pixels import render

DIGITS = np.rint(load_digits().images[:400] * 255 / 16).astype(np.uint8)
TARGETS = load_digits().target[:400].astype(np.int64)
TEN = Contract(classes=tuple("0123456789"))


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    out = []
    for photo in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
        for _ in range(20):
            y, x = rng.integers(0, photo.shape[0] - 160), rng.integers(0, photo.shape[1] - 160)
            out.append(photo[y : y + 160, x : x + 160])
    return out, np.arange(80) % 2


def found(policy, images, labels, contract=None, **options):
    compose = policy if isinstance(policy, aug.Compose) else aug.Compose([policy])
    return tone_findings(compose, images, labels, contract or Contract(classes=("a", "b")), **options)


ORDINARY = [
    aug.Brightness((0.8, 1.2)),
    aug.Contrast((0.8, 1.2)),
    aug.Gamma((0.8, 1.25)),
    aug.Invert(),
    aug.Compose([aug.Brightness((0.8, 1.2)), aug.Contrast((0.8, 1.2)), aug.Rotate((-20, 20)), aug.HorizontalFlip()]),
]


@pytest.mark.parametrize("policy", ORDINARY, ids=lambda p: type(p).__name__)
def test_ordinary_steps_are_not_blamed(policy, photos):
    assert found(policy, *photos) == []
    assert found(policy, DIGITS, TARGETS, TEN) == []


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (aug.Brightness((3, 3)), "AS301"),
        (aug.Gamma((20, 20)), "AS301"),
        (aug.Contrast((0.05, 0.05)), "AS302"),
        (aug.Brightness((0.05, 0.05)), "AS302"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_large_losses_are_found(policy, code, photos):
    by_code = {f.code: f for f in found(policy, *photos)}
    finding = by_code[code]
    assert (finding.severity, finding.verdict, finding.how) == ("error", "tone-lost", "sampled")
    assert finding.steps == (type(policy).__name__,) and finding.classes == ("a", "b")
    assert 0.05 < finding.interval[0] < finding.probability <= finding.interval[1]


def test_lost_contrast_is_found_on_digits_and_a_brighter_stroke_is_not():
    assert {f.code for f in found(aug.Contrast((0.05, 0.05)), DIGITS, TARGETS, TEN)} == {"AS302"}
    assert found(aug.Brightness((3, 3)), DIGITS, TARGETS, TEN) == []


def test_counting_all_black_pixels_would_blame_digits(monkeypatch):
    """Negative control: without the comparison with the original, a black background counts as clipped."""
    monkeypatch.setattr(levels_module, "NEAR", -0.001)
    assert "AS301" in {f.code for f in found(aug.Brightness((0.8, 1.2)), DIGITS, TARGETS, TEN)}


def test_forgetting_that_curves_may_fall_would_be_seen(monkeypatch):
    images, _ = scenes(4)
    shares = histograms(images, None)
    plan = aug.Compose([aug.Invert(), aug.Brightness((2, 2))]).plan(np.full((8, 2), 32), range(8))
    clipped = by_curves(plan, shares).clipped
    twice = by_curves(
        aug.Compose([aug.Brightness((2, 2))]).plan(np.full((8, 2), 32), range(8)), shares[:, ::-1]
    ).clipped
    assert np.allclose(clipped, twice) and (clipped > 0.2).all()


def test_curves_agree_with_rendered_pixels():
    images, _ = scenes(10)
    grey = images[..., 0]
    policy = aug.Compose([aug.Brightness((0.3, 3)), aug.Contrast((0.1, 3)), aug.Gamma((0.2, 5)), aug.Invert(p=0.5)])
    plan = policy.plan(np.full((20, 2), 32), range(20))
    quick, exact = by_curves(plan, histograms(grey, None)), by_pixels(grey, render(grey, plan), None)
    assert np.allclose(quick.clipped, exact.clipped, atol=0.02)
    assert np.allclose(quick.contrast, exact.contrast, atol=0.02)
    assert np.allclose(quick.kept, exact.kept, rtol=0.05)
    assert quick.clipped.std() > 0.1 and quick.contrast.std() > 0.1


@pytest.mark.parametrize("form", ["uint16", "float32", "float32 in 0 to 255"])
def test_every_dtype_is_measured_alike(form):
    images, names = scenes()
    labels = np.array([n == "smooth" for n in names]).astype(np.int64)
    scale = {"uint16": 257, "float32": 1 / 255, "float32 in 0 to 255": 1}[form]
    other = (images * np.float64(scale)).astype(form.split()[0])
    limits = (0, 255) if form.endswith("255") else None
    for step in (aug.Brightness((1, 2.5)), aug.Contrast((0.05, 0.2))):
        one = found(step, images, labels)
        two = found(aug.Compose([step], value_range=limits), other, labels)
        assert one and [(f.code, round(f.probability, 2)) for f in one] == [
            (f.code, round(f.probability, 2)) for f in two
        ]


def test_few_levels_left_is_a_loss():
    two = np.where(LEVELS > 0.5, 1.0, 0.0)
    even = np.full((1, 256), 1 / 256)
    left = levels_module.measured(LEVELS[None], two[None], even)
    assert left.kept[0] == pytest.approx(2) and left.contrast[0] > 1
    assert tone_module.violations(left, np.array([[1.0, 0.1]]))["AS302"][0]
    letters = np.zeros((1, 256))
    letters[0, [0, 255, 128]] = 0.8, 0.15, 0.05  # had few before: nothing to lose
    assert not tone_module.violations(levels_module.measured(LEVELS[None], two[None], letters), np.array([[1.0, 0.1]]))[
        "AS302"
    ][0]


def test_steps_that_only_together_lose_it_are_named(photos):
    policy = aug.Compose(
        [aug.Rotate(), aug.Contrast((0.25, 0.25)), aug.Gamma((0.95, 1.05)), aug.Contrast((0.25, 0.25), name="again")]
    )
    (finding,) = found(policy, *photos)
    assert (finding.code, finding.steps) == ("AS302", ("Contrast", "again"))


def test_the_witness_replays_and_shows_it(photos):
    images, labels = photos
    policy = aug.Compose([aug.Rotate(), aug.Contrast((0.02, 0.06))])
    (finding,) = found(policy, images, labels)
    witness = finding.witness
    assert witness.original is images[witness.index]
    assert (render([witness.original], policy.replay(witness.record))[0] == witness.augmented).all()
    assert witness.augmented.std() < 0.1 * witness.original.std()


def test_neighbours_at_work_are_rendered(photos):
    images, labels = [image[::2, ::2] for image in photos[0]], photos[1]
    policy = aug.Compose([aug.Zoom((0.5, 2)), aug.GaussianBlur((0, 1)), aug.Contrast((0.05, 0.05))], border="constant")
    assert {(f.code, f.steps) for f in found(policy, images, labels)} == {("AS302", ("Contrast",))}
    noise = np.random.default_rng(0).integers(0, 256, (60, 32, 32), dtype=np.uint8)
    assert {f.steps for f in found(aug.GaussianBlur((6, 6)), noise, np.zeros(60, np.int64))} == {("GaussianBlur",)}
    assert found(aug.Compose([aug.Zoom((0.5, 2)), aug.GaussianBlur((0, 1))], border="constant"), images, labels) == []


def test_what_a_distortion_does_to_places_is_not_held_against_levels():
    stripes = np.zeros((40, 32, 32), np.uint8)
    stripes[:, :, ::2] = 255  # resampled, they lose half of their contrast
    strict = Contract(classes=("a",), limits={"*": Limits(contrast=0.8)})
    labels = np.zeros(40, np.int64)
    bent = aug.ElasticDistortion((0.1, 0.1))
    for step in (aug.Contrast((0.95, 1)), aug.Sharpen((1, 1.01))):
        assert found(aug.Compose([bent, step]), stripes, labels, strict) == []
    assert found(aug.Compose([bent, aug.Contrast((0.5, 0.6))]), stripes, labels, strict)[0].steps == ("Contrast",)


def test_a_colour_step_does_not_hide_what_is_clipped(photos):
    images, labels = [image[::4, ::4] for image in photos[0]], photos[1]
    (alone,) = [f for f in found(aug.Brightness((2.5, 2.5)), images, labels) if f.code == "AS301"]
    beside = aug.Compose([aug.Saturation((0.95, 1.05)), aug.Brightness((2.5, 2.5))])
    (both,) = [f for f in found(beside, images, labels) if f.code == "AS301"]
    assert both.steps == ("Brightness",) and both.probability == pytest.approx(alone.probability, abs=0.1)
    colours = aug.Compose([aug.Saturation(), aug.Hue((-30, 30)), aug.Brightness((0.8, 1.2)), aug.Contrast((0.8, 1.2))])
    assert found(colours, images, labels) == []


def test_black_corners_do_not_hide_lost_contrast(photos):
    images, labels = [image[::4, ::4] for image in photos[0]], photos[1]
    turned = [aug.Rotate((30, 60)), aug.Saturation((0.95, 1.05)), aug.Contrast((0.03, 0.06))]
    assert [f.code for f in found(aug.Compose(turned, border="constant"), images, labels)] == ["AS302"]


def test_limits_come_from_the_contract(photos):
    strict = Contract(classes=("a", "b"), limits={"a": Limits(contrast=0.9)})
    (finding,) = found(aug.Contrast((0.8, 0.85)), *photos, strict)
    assert finding.classes == ("a",) and "less than 90%" in finding.message
    assert (
        found(aug.Brightness((3, 3)), *photos, Contract(("a", "b"), limits={"*": Limits(clipped=1, contrast=0)})) == []
    )
    with pytest.raises(ContractError, match="clipped is a share"):
        Limits(clipped=1.5)


# Within a check


def test_check_reports_and_mends(photos):
    images = [image[::4, ::4] for image in photos[0]]
    policy = aug.Compose([aug.Rotate((-5, 5)), aug.Contrast((0.02, 0.5))])
    whole = [np.ones(image.shape[:2], bool) for image in images]
    report = aug.check(policy, images, masks=whole, draws=2000)
    assert [f.code for f in report.findings if f.severity == "error"] == ["AS302"]
    assert set(report.verdicts.values()) == {"tone-lost"} and not report.ok
    assert report.fixed is not None
    assert report.fixed.step("Contrast").factor[0] > 0.02
    assert aug.check(report.fixed, images, masks=whole).ok
    guess = aug.check(policy, images, draws=2000)
    assert guess.ok and set(guess.verdicts.values()) == {"safe"} and guess.fixed is None
    assert [(f.code, f.severity, f.evidence) for f in guess.findings] == [("AS302", "info", "guessed")]
    assert [f.code for f in aug.check(policy, images, objects="saliency", suggest=False).findings] == ["AS302"]


def test_another_librarys_step_is_judged_where_it_keeps_places(photos):
    pytest.importorskip("torchvision")
    from torchvision.transforms import v2

    images = [image[::4, ::4] for image in photos[0]]
    report = aug.check(v2.Compose([v2.ColorJitter(contrast=(0.02, 0.03))]), images, suggest=False)
    assert "AS302" in {f.code for f in report.findings}
    moved = aug.check(lambda image: image // 2, images[:4], suggest=False, draws=100)
    assert any("levels was not checked" in note for note in moved.notes)


def test_colour_steps_are_judged_and_erased_patches_are_not(photos):
    def codes(*steps):
        return {f.code: f.steps for f in found(aug.Compose(list(steps)), *photos, draws=400)}

    assert codes(aug.Erase((0.6, 0.9)), aug.Brightness((0.95, 1.05))) == {}
    assert codes(aug.Erase((0.3, 0.5)), aug.Brightness((6, 8)))["AS301"] == ("Brightness",)
    assert codes(aug.ColorTemperature((6000, 7000)), aug.Saturation((0.9, 1.1))) == {}
    assert "Brightness" in codes(aug.Saturation((0, 0.5)), aug.Brightness((6, 8)))["AS301"]
