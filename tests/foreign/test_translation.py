"""Translation: the same distributions, the same pixels for the same draws, the same findings."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

import augsafe as aug
from augsafe.demo import careless, digits
from augsafe.foreign import Foreign, translate
from benchmarks import pipelines, recovery
from tests.conftest import needs
from tests.foreign import policies

pytestmark = [needs("albumentations"), needs("torch", "torchvision")]
DRAWS = 40


def picture(height=64, width=80):
    y, x = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(x / 9 + k) * np.cos(y / 11 - k) for k in range(3)]
    return np.rint(np.stack(waves, axis=2)).astype(np.uint8)


@pytest.mark.parametrize("name", list(recovery.cases()))
def test_recovered_maps_are_within_a_tenth_of_a_pixel(name):
    step, truth = recovery.cases()[name]
    assert recovery.worst(step, truth, DRAWS) < 0.1


def test_a_wrong_truth_is_noticed():
    step, truth = recovery.cases()["albumentations.Rotate"]
    assert recovery.worst(step, lambda *a: np.linalg.inv(truth(*a)), 5) > 1


def core(findings):
    """Findings about classes, without the names of steps."""
    return {
        (f.code, f.verdict, f.classes, tuple(f.becomes.items()), len(f.steps))
        for f in findings
        if f.code in ("AS101", "AS102", "AS106", "AS107")
    }


def found(policy, draws=600):
    images, labels = digits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return aug.check(policy, images[:40], labels[:40], contract="mnist", draws=draws, suggest=False).findings


@pytest.mark.parametrize("make", [policies.in_albumentations, policies.in_torchvision])
def test_the_careless_policy_gives_the_same_findings(make):
    native, translated = core(found(careless())), found(make())
    assert core(translated) == native
    (swap,) = [f for f in translated if f.becomes]
    assert swap.code == "AS102"
    assert swap.steps == ("HorizontalFlip", "VerticalFlip")
    assert swap.becomes == {"6": "9", "9": "6"}


def test_recovered_findings_are_those_of_the_native_policy():
    recovered = found(translate(policies.in_albumentations(), native=False).policy, draws=150)
    assert core(recovered) == core(found(careless()))
    assert {f.how for f in recovered if f.becomes} == {"witnessed"}


@needs("keras", "tensorflow")
def test_the_careless_policy_of_keras_gives_the_same_findings():
    assert core(found(policies.in_keras(), draws=100)) == core(found(careless()))


def native_of(step):
    made = translate(step).policy
    assert not [s for s in made.leaves if isinstance(s, Foreign)]
    return made


def linear_parts(matrices):
    """What is drawn, free of the frame: angle, scale, place."""
    m = np.asarray(matrices)
    return {
        "angle": np.round(np.degrees(np.arctan2(m[:, 0, 1], m[:, 0, 0])), 3) % 360,  # -180 is 180
        "scale": np.sqrt(np.abs(np.linalg.det(m[:, :2, :2]))),
        "aspect": m[:, 0, 0] / np.where(np.abs(m[:, 1, 1]) < 1e-9, 1, m[:, 1, 1]),
        "x": m[:, 0, 2],
        "y": m[:, 1, 2],
    }


def geometric():
    import albumentations as A
    import torchvision.transforms.v2 as T

    return {
        "A.Affine": A.Affine(scale=(0.7, 1.4), translate_percent=(-0.2, 0.2), rotate=(-20, 50), shear=(-9, 14), p=0.9),
        "A.ShiftScaleRotate": A.ShiftScaleRotate(p=1),
        "A.Rotate": A.Rotate(limit=(-10, 40), p=1),
        "A.RandomResizedCrop": A.RandomResizedCrop((32, 40)),
        "A.RandomCrop": A.RandomCrop(32, 40),
        "A.RandomRotate90": A.RandomRotate90(p=1),
        "A.D4": A.D4(p=1),
        "T.RandomAffine": T.RandomAffine((-20, 50), (0.2, 0.1), (0.7, 1.4), (-5, 12, -3, 9)),
        "T.RandomRotation": T.RandomRotation((-10, 40)),
        "T.RandomResizedCrop": T.RandomResizedCrop((32, 40)),
        "T.RandomCrop": T.RandomCrop((32, 40), padding=4),
    }


@pytest.mark.parametrize("name", list(geometric()))
def test_draws_are_distributed_alike(name):
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = geometric()[name]
    n = 300
    plan = native_of(step).plan(np.tile([64, 80], (n, 1)), np.arange(n), seed=1)
    theirs = Foreign(step)
    recovered = [theirs.recovered((k + 0.5) / n, (64, 80)).matrix for k in range(n)]
    ours, others = linear_parts(plan.matrix), linear_parts(recovered)
    for key in ours:
        assert ks_2samp(np.round(ours[key], 3), np.round(others[key], 3)).pvalue > 1e-3, key


def test_the_symmetries_of_the_square_are_as_likely_as_each_other():
    import albumentations as A

    made = translate(A.Compose([A.D4(p=0.5)])).policy
    assert len(made.stages) == 1
    n = 4000
    linear = made.plan(np.tile([64, 80], (n, 1)), np.arange(n)).matrix[:, :2, :2].round().reshape(n, 4)
    kinds, counts = np.unique(linear, axis=0, return_counts=True)
    assert len(kinds) == 8
    shares = {tuple(kind.astype(int)): count / n for kind, count in zip(kinds, counts, strict=True)}
    assert abs(shares.pop((1, 0, 0, 1)) - 9 / 16) < 0.03
    assert max(abs(share - 1 / 16) for share in shares.values()) < 0.016


def test_another_distribution_is_noticed():
    from scipy.stats import ks_2samp

    n = 300
    zoom = aug.Compose([aug.Zoom((0.7, 1.4))]).plan(np.tile([64, 80], (n, 1)), np.arange(n)).matrix
    wide = aug.Compose([aug.Zoom((0.5, 1.4))]).plan(np.tile([64, 80], (n, 1)), np.arange(n)).matrix
    assert ks_2samp(linear_parts(zoom)["scale"], linear_parts(wide)["scale"]).pvalue < 1e-3


def certain():
    """Steps without chance, and how far pixels may differ: mean and largest, in levels of 255."""
    import albumentations as A
    import torchvision.transforms.v2 as T

    bilinear = T.InterpolationMode.BILINEAR
    return {
        "A.Rotate": (A.Rotate(limit=(25, 25), p=1), 0.6, 3),
        "A.Affine": (A.Affine(scale=(1.2, 1.2), rotate=(10, 10), shear={"x": (5, 5), "y": (3, 3)}, p=1), 0.6, 3),
        "A.Resize": (A.Resize(48, 60), 0.6, 2),
        "A.CenterCrop": (A.CenterCrop(40, 41), 0, 0),
        "A.Pad": (A.Pad((1, 2, 3, 4)), 0, 0),
        "A.HorizontalFlip": (A.HorizontalFlip(p=1), 0, 0),
        "A.VerticalFlip": (A.VerticalFlip(p=1), 0, 0),
        "A.Transpose": (A.Transpose(p=1), 0, 0),
        "A.InvertImg": (A.InvertImg(p=1), 0, 0),
        "A.Posterize": (A.Posterize((3, 3), p=1), 0, 0),
        "A.Solarize": (A.Solarize((0.4, 0.4), p=1), 0, 0),
        "A.ToGray": (A.ToGray(p=1), 0.6, 1),
        "A.RandomGamma": (A.RandomGamma((140, 140), p=1), 0.6, 1),
        "A.RandomBrightnessContrast": (A.RandomBrightnessContrast((0.1, 0.1), (0.2, 0.2), p=1), 0.6, 1),
        "T.RandomHorizontalFlip": (T.RandomHorizontalFlip(1.0), 0, 0),
        "T.RandomVerticalFlip": (T.RandomVerticalFlip(1.0), 0, 0),
        "T.RandomRotation": (T.RandomRotation((25, 25), interpolation=bilinear), 1.0, 128),
        "T.RandomAffine": (T.RandomAffine((10, 10), None, (1.2, 1.2), (5, 5, 3, 3), interpolation=bilinear), 1.0, 128),
        "T.Resize": (T.Resize((48, 60), antialias=False), 0.6, 2),
        "T.Resize short": (T.Resize(96), 0.6, 2),
        "T.CenterCrop": (T.CenterCrop((41, 33)), 0, 0),
        "T.Pad": (T.Pad((1, 2, 3, 4), padding_mode="reflect"), 0, 0),
        "T.RandomInvert": (T.RandomInvert(1.0), 0, 0),
        "T.RandomAdjustSharpness": (T.RandomAdjustSharpness(1.7, 1.0), 1.0, 2),
        "T.RandomAutocontrast": (T.RandomAutocontrast(1.0), 0.6, 1),
        "T.RandomPosterize": (T.RandomPosterize(3, 1.0), 0, 0),
        "T.RandomSolarize": (T.RandomSolarize(128, 1.0), 0, 0),
        "T.RandomEqualize": (T.RandomEqualize(1.0), 0, 0),
        "T.RandomGrayscale": (T.RandomGrayscale(1.0), 0.6, 1),
        "T.ColorJitter": (T.ColorJitter(brightness=(1.3, 1.3)), 0.8, 1),
    }


@pytest.mark.parametrize("name", list(certain()))
def test_pixels_agree(name):
    step, mean, most = certain()[name]
    image = picture()
    ours = native_of(step)(image, seed=0).image.astype(float)
    theirs = Foreign(step).apply(image, {"seed": 0.5}).astype(float)
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs)
    assert difference.mean() <= mean
    assert np.quantile(difference, 0.99) <= most


def test_pixels_that_differ_are_noticed():
    step, mean, _ = certain()["A.Rotate"]
    other = Foreign(certain()["A.Affine"][0]).apply(picture(), {"seed": 0.5}).astype(float)
    assert np.abs(native_of(step)(picture(), seed=0).image - other).mean() > 5 * mean


ALL = [*(("albumentations", n) for n in pipelines.in_albumentations())]
ALL += [*(("torchvision", n) for n in pipelines.in_torchvision())]


@pytest.mark.parametrize(("library", "name"), ALL)
def test_pipelines_as_people_write_them(library, name):
    import random

    import torch
    from PIL import Image

    for seed in (random.seed, np.random.seed, torch.manual_seed):  # draws of a strong crop differ much
        seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = getattr(pipelines, f"in_{library}")()[name]()
    made = translate(copy.deepcopy(pipeline))
    assert len(made.rows) == len(getattr(pipeline, "transforms", [pipeline]))
    assert all(row.why for row in made.rows if row.became == "kept")
    image = pipelines.photos(1)[0]
    ours = np.stack([np.asarray(made.policy(image, seed=0, index=k).image, dtype=float) for k in range(15)])
    if library == "albumentations":
        theirs = [pipeline(image=image)["image"] for _ in range(15)]
    else:
        theirs = [pipeline(Image.fromarray(image)) for _ in range(15)]
    theirs = np.stack([np.asarray(t, dtype=float) for t in theirs])
    assert ours.shape == theirs.shape
    spread = max(float(theirs.std()), 1e-6)
    assert abs(float(ours.mean()) - float(theirs.mean())) < 0.6 * spread
    if name == "validation":
        assert np.abs(ours - theirs).mean() < 0.06 * spread


def test_an_intermediate_frame_ends_the_stage_unless_asked():
    import albumentations as A

    steps = [A.RandomCrop(40, 40), A.Rotate(limit=(30, 30), p=1)]
    exact = aug.from_albumentations(A.Compose(steps), verbose=False)
    assert len(exact.stages) == 2
    assert len(aug.from_albumentations(A.Compose(steps), fuse="approximate", verbose=False).stages) == 1
    assert len(aug.from_albumentations(A.Compose(steps[::-1]), verbose=False).stages) == 1


def test_what_was_fused_is_printed(capsys):
    import albumentations as A

    pipeline = A.Compose([A.HorizontalFlip(), A.CLAHE()])
    aug.from_albumentations(pipeline, images=[picture()])
    said = capsys.readouterr().out
    assert "HorizontalFlip  -> HorizontalFlip" in said
    assert "CLAHE           kept as it is" in said
    assert "times as fast" in said
    with pytest.raises(aug.ArgumentError, match="torchvision"):
        aug.from_torchvision(pipeline)


@needs("torchvision")
def test_steps_before_tensors_are_given_pictures():
    """Pillow and tensors differ in speed, and a little in pixels: what is kept runs as it ran."""
    import torch
    import torchvision.transforms as T
    from PIL import Image

    jitter, image = T.ColorJitter(0.4, 0.4, 0.4, 0.1), picture()
    forms = {}
    for name, steps in {"before": [jitter, T.ToTensor()], "after": [T.ToTensor(), jitter], "none": [jitter]}.items():
        (kept,) = translate(T.Compose(steps)).kept
        forms[name] = kept.form
        if name == "before":
            for u in (0.2, 0.7):
                torch.manual_seed(int(u * 2.0**32))
                want = np.asarray(jitter(Image.fromarray(image)))
                np.testing.assert_array_equal(kept.apply(image, {"seed": u}), want)
            deep = (image.astype(np.uint16) * 257)[..., :1].repeat(3, axis=2)  # which Pillow has no form for
            assert kept.apply(deep, {"seed": 0.2}).dtype == np.uint16
    assert forms == {"before": "pil", "after": "tensor", "none": "array"}
