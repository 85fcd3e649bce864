"""Geometry, frames, colour temperature and erasing against torchvision and albumentations, within stated tolerances.

Levels, filters, noise and quality stand in pixels/test_pixels.py, colour in test_color.py, and whole pipelines, their
draws included, in foreign/test_translation.py. Tolerances are a mean and a 99 % quantile, in levels of 255: positions
are computed in fixed point by OpenCV and in float32 by torchvision, and a sharp edge shows a hundredth of a pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data, filters

import augsafe as aug
from tests.conftest import needs

PHOTO = np.rint(filters.gaussian(data.astronaut()[::3, ::3], 1.2, channel_axis=2) * 255).astype(np.uint8)  # 171 x 171
SIDE = len(PHOTO)
pytestmark = [needs("torch", "torchvision", "albumentations")]


def ours(*steps: Any, **options: Any) -> np.ndarray:
    return aug.Compose(steps, **{"border": "constant", **options})(PHOTO, seed=0).image.astype(float)


def torchvision(function: str, *arguments: Any, **options: Any) -> np.ndarray:
    import torch
    import torchvision.transforms.v2.functional as F

    out = getattr(F, function)(torch.from_numpy(PHOTO.transpose(2, 0, 1).copy()), *arguments, **options)
    return np.asarray(out).transpose(1, 2, 0).astype(float)


def albumentations(name: str, *arguments: Any, **options: Any) -> np.ndarray:
    import albumentations as A

    return getattr(A, name)(*arguments, p=1, **options)(image=PHOTO)["image"].astype(float)


def affine(angle: float = 0, x: int = 0, y: int = 0, scale: float = 1, shear: tuple[float, float] = (0, 0)) -> Any:
    from torchvision.transforms import InterpolationMode

    return torchvision("affine", angle, [x, y], scale, list(shear), interpolation=InterpolationMode.BILINEAR)


def tilted() -> Any:
    """The corners that a Perspective moves, given to torchvision as points."""
    from torchvision.transforms import InterpolationMode

    compose = aug.Compose([aug.Perspective((0.2, 0.2), (-0.1, -0.1))])
    (matrix,) = compose.plan([PHOTO.shape], [0]).matrix
    corners = np.array([[0, 0], [SIDE - 1, 0], [SIDE - 1, SIDE - 1], [0, SIDE - 1]], float)
    moved = np.c_[corners, np.ones(4)] @ matrix.T
    ends = (moved[:, :2] / moved[:, 2:]).tolist()
    return torchvision("perspective", corners.tolist(), ends, interpolation=InterpolationMode.BILINEAR)


CASES: dict[str, tuple[Any, Any, float, float]] = {
    "Shift, torchvision": (
        lambda: ours(aug.Shift((17 / SIDE,) * 2, (-9 / SIDE,) * 2)),
        lambda: affine(0, 17, -9),
        0,
        0,
    ),
    "Zoom, torchvision": (lambda: ours(aug.Zoom((1.3, 1.3))), lambda: affine(scale=1.3), 0.5, 2),
    "Zoom out, torchvision": (lambda: ours(aug.Zoom((0.7, 0.7))), lambda: affine(scale=0.7), 0.6, 3),
    "Rotate, torchvision": (lambda: ours(aug.Rotate((25, 25))), lambda: affine(-25), 0.6, 3),
    "Shear x, torchvision": (lambda: ours(aug.Shear((-12, -12))), lambda: affine(shear=(12, 0)), 0.6, 3),
    "Shear y, torchvision": (lambda: ours(aug.Shear((0, 0), (-12, -12))), lambda: affine(shear=(0, 12)), 0.6, 3),
    "Perspective, torchvision": (
        lambda: ours(aug.Perspective((0.2, 0.2), (-0.1, -0.1))),
        tilted,
        1.2,
        6,
    ),
    "Zoom, albumentations": (
        lambda: ours(aug.Zoom((1.3, 1.3))),
        lambda: albumentations("Affine", scale=(1.3, 1.3)),
        0.6,
        3,
    ),
    "Rotate90, torchvision": (lambda: ours(aug.Rotate90(turns=(1,))), lambda: torchvision("rotate", 90), 0, 0),
    "Resize, torchvision": (
        lambda: ours(aug.Resize((100, 120))),
        lambda: torchvision("resize", [100, 120], antialias=False),
        0.6,
        2,
    ),
    "Resize, albumentations": (
        lambda: ours(aug.Resize((100, 120))),
        lambda: albumentations("Resize", 100, 120),
        0.6,
        2,
    ),
    "Resize longest, albumentations": (
        lambda: ours(aug.Resize(longest=90)),
        lambda: albumentations("LongestMaxSize", 90),
        1.0,
        4,
    ),
    "Letterbox, albumentations": (
        lambda: ours(aug.Letterbox((120, 171))),
        lambda: np.pad(albumentations("LongestMaxSize", 120), ((0, 0), (25, 26), (0, 0))),
        1.2,
        8,
    ),
    "Pad, torchvision": (lambda: ours(aug.Pad(3, 4, 5, 6)), lambda: torchvision("pad", [3, 4, 5, 6]), 0, 0),
    "Pad by reflection, torchvision": (
        lambda: ours(aug.Pad(3, 4, 5, 6), border="reflect"),
        lambda: torchvision("pad", [3, 4, 5, 6], padding_mode="reflect"),
        0,
        0,
    ),
    "CenterCrop, torchvision": (
        lambda: ours(aug.CenterCrop(101)),
        lambda: torchvision("center_crop", [101, 101]),
        0,
        0,
    ),
    "CenterCrop, albumentations": (
        lambda: ours(aug.CenterCrop(101)),
        lambda: albumentations("CenterCrop", 101, 101),
        0,
        0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pixels_agree(name: str) -> None:
    mine, theirs, mean, most = CASES[name]
    one, two = mine(), theirs()
    assert one.shape == two.shape
    apart = np.abs(one - two)
    assert apart.mean() <= mean and np.quantile(apart, 0.99) <= most, (apart.mean(), np.quantile(apart, 0.99))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (lambda: ours(aug.Rotate((25, 25))), lambda: affine(25)),
        (lambda: ours(aug.Zoom((1.3, 1.3))), lambda: affine(scale=1.32)),
        (lambda: ours(aug.Shear((12, 12))), lambda: affine(shear=(12, 0))),
        (lambda: ours(aug.Shift((17 / SIDE,) * 2, (0, 0))), lambda: affine(0, 18, 0)),
    ],
)
def test_another_way_or_another_strength_is_noticed(mine: Any, theirs: Any) -> None:
    assert np.abs(mine() - theirs()).mean() > 1.2


def test_crops_show_what_they_say() -> None:
    """A crop of torchvision with the same corner and size gives the same pixels."""
    compose = aug.Compose([aug.RandomCrop((60, 80))])
    for index in range(10):
        sample = compose(PHOTO, seed=0, index=index)
        left, top = (round(-float(sample.plan.matrix[0, axis, 2])) for axis in (0, 1))
        theirs = torchvision("crop", top, left, 60, 80)
        np.testing.assert_array_equal(sample.image, theirs)
    compose = aug.Compose([aug.RandomResizedCrop((64, 96), scale=(0.3, 0.8))])
    for index in range(10):
        sample = compose(PHOTO, seed=0, index=index)
        (matrix,) = sample.plan.matrix
        corner, part = (0.5 - (matrix[:2, 2] + 0.5) / np.diag(matrix)[:2], np.array([96, 64]) / np.diag(matrix)[:2])
        left, top, width, height = np.rint([*corner, *part]).astype(int).tolist()
        theirs = torchvision("resized_crop", top, left, height, width, [64, 96], antialias=False)
        other = torchvision("resized_crop", top + 4, left - 4, height, width, [64, 96], antialias=False)
        apart, wrong = (np.abs(sample.image - image).mean() for image in (theirs, other))
        assert apart < 7 and apart < wrong / 3  # torchvision cuts at whole pixels


def test_the_gains_of_a_colour_temperature_are_those_of_albumentations_in_linear_light() -> None:
    """albumentations multiplies stored levels with gains for linear light; ours to the power 2.2 are those gains."""
    from albumentations.augmentations.pixel import functional as F

    grey = np.full((4, 4, 3), 0.4, np.float32)
    white = F.planckian_jitter(grey, 6500, mode="blackbody")[0, 0]
    for kelvin in (4000, 5000, 8000, 10000, 14000):
        theirs = F.planckian_jitter(grey, kelvin, mode="blackbody")[0, 0] / white
        (m,) = aug.ColorTemperature().mixes({"kelvin": np.array([float(kelvin)])}, 1)
        mine = np.diag(m[:, :3]) ** 2.2
        np.testing.assert_allclose(mine, theirs, rtol=0.2)


def test_erased_areas_are_distributed_as_torchvisions() -> None:
    """Where a patch fits whatever its shape, both draw area and shape alike."""
    import torch
    import torchvision.transforms.v2 as T
    from scipy.stats import ks_2samp

    torch.manual_seed(0)
    library = T.RandomErasing(p=1, scale=(0.05, 0.2), ratio=(0.4, 2.5))
    tensor = torch.zeros((1, 100, 100))
    theirs = [library.make_params([tensor]) for _ in range(800)]
    step = aug.Erase((0.05, 0.2), ratio=(0.4, 2.5))
    compose = aug.Compose([step])
    plan = compose.plan(np.full((800, 2), 100), range(800))
    x0, y0, x1, y1 = step.patches(plan.draws.values["Erase"], plan.sizes)[:, 0].T
    for mine, other in (
        ((x1 - x0) * (y1 - y0), [p["h"] * p["w"] for p in theirs]),
        ((x1 - x0) / (y1 - y0), [p["w"] / p["h"] for p in theirs]),
        (x0, [p["j"] for p in theirs]),
        (y1, [p["i"] + p["h"] for p in theirs]),
    ):
        assert ks_2samp(mine, other).pvalue > 1e-3
    wide = aug.Compose([aug.Erase((0.05, 0.3), ratio=(0.4, 2.5))]).plan(np.full((800, 2), 100), range(800))
    x0, y0, x1, y1 = step.patches(wide.draws.values["Erase"], wide.sizes)[:, 0].T
    assert ks_2samp((x1 - x0) * (y1 - y0), [p["h"] * p["w"] for p in theirs]).pvalue < 1e-6
