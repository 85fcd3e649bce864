"""Levels, filters, noise and quality: against Pillow, torchvision and albumentations, and by their own statistics."""

from __future__ import annotations

import multiprocessing
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageOps
from skimage import data

import augsafe as aug
from augsafe.errors import ArgumentError
from tests.conftest import needs
from tests.laws.cases import noise

PHOTO = data.astronaut()[::2, ::2]
GREY = PHOTO[..., 1].copy()


def run(step: aug.transforms.Transform, image: np.ndarray = PHOTO, index: int = 0, **options: Any) -> np.ndarray:
    return aug.Compose([step], **options)(image, seed=0, index=index).image


def apart(ours: np.ndarray, theirs: Any) -> np.ndarray:
    return np.abs(ours.astype(float) - np.asarray(theirs, dtype=float))


# Levels


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_is_pillows(bits: int) -> None:
    wanted = ImageOps.posterize(Pillow.fromarray(PHOTO), bits)
    np.testing.assert_array_equal(run(aug.Posterize((bits, bits))), wanted)


def test_posterize_draws_whole_bits_alike() -> None:
    values = aug.Compose([aug.Posterize((3, 6))]).plan(np.full((4000, 2), 8), range(4000)).draws.values
    found, counts = np.unique(values["Posterize"]["bits"], return_counts=True)
    assert found.tolist() == [3, 4, 5, 6] and counts.min() > 850
    with pytest.raises(ArgumentError, match="whole numbers"):
        aug.Posterize((2.5, 4))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_posterize_leaves_as_many_levels_in_other_types(dtype: str) -> None:
    assert len(np.unique(run(aug.Posterize((3, 3)), noise((60, 60), dtype)))) == 8


@pytest.mark.parametrize("threshold", [0, 1, 77, 128, 255, 256])
def test_solarize_is_pillows(threshold: int) -> None:
    wanted = ImageOps.solarize(Pillow.fromarray(PHOTO), threshold)
    level = min(max((threshold - 0.5) / 255, 0), 1)
    if threshold:  # at 0 Pillow inverts black too; ours begins above its threshold
        np.testing.assert_array_equal(run(aug.Solarize((level, level))), wanted)
    assert (run(aug.Solarize((1, 1))) == PHOTO).all()


def test_equalize_is_pillows_and_spreads_levels_in_other_types() -> None:
    np.testing.assert_array_equal(run(aug.Equalize()), ImageOps.equalize(Pillow.fromarray(PHOTO)))
    dark = (GREY / 255.0) ** 3
    for image in (dark.astype(np.float32), np.rint(dark * 65535).astype(np.uint16)):
        out = run(aug.Equalize(), image) / (1.0 if image.dtype == np.float32 else 65535)
        assert np.abs(np.quantile(out, [0.25, 0.5, 0.75]) - [0.25, 0.5, 0.75]).max() < 0.03
        assert out.min() == 0 and out.max() == 1
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(out.ravel()[order]) >= -1e-6).all(), "levels keep their order"


def test_autocontrast_is_pillows_within_one_level() -> None:
    dull = (PHOTO * 0.5 + 40).astype(np.uint8)
    assert apart(run(aug.AutoContrast(), dull), ImageOps.autocontrast(Pillow.fromarray(dull))).max() <= 1
    out = run(aug.AutoContrast(), (dull / 255).astype(np.float32))
    assert out.min() == 0 and out.max() == 1
    flat = np.full((5, 5, 3), 77, np.uint8)
    np.testing.assert_array_equal(run(aug.AutoContrast(), flat), flat)


def test_the_value_range_of_floats_is_kept_to() -> None:
    image = (PHOTO / 127.5 - 1).astype(np.float32) * 0.5
    for step in (aug.AutoContrast(), aug.GaussianNoise((0.3, 0.3)), aug.Sharpen((8, 8)), aug.SaltAndPepper((0.1, 0.1))):
        out = run(step, image, value_range=(-1, 1))
        assert out.min() == -1 and out.max() == 1, step
    for step in (aug.Equalize(), aug.CLAHE((3, 3)), aug.JpegCompression((90, 90))):
        out, wanted = run(step, image, value_range=(-1, 1)), run(step, ((image + 1) / 2).astype(np.float32))
        np.testing.assert_allclose((out + 1) / 2, wanted, atol=2e-4)


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 100), ("uint16", 4095)])
@pytest.mark.parametrize("output", [None, aug.Output(dtype="float32")])
def test_the_value_range_of_whole_numbers_is_kept_to(dtype: str, top: int, output: aug.Output | None) -> None:
    floats = (PHOTO[:60, :70] / 255).astype(np.float32)
    image = np.rint(floats * top).astype(dtype)
    floats = (image / top).astype(np.float32)
    steps = (
        aug.Invert(),
        aug.Gamma((1.5, 1.5)),
        aug.Hue((40, 40)),
        aug.Equalize(),
        aug.CLAHE((3, 3)),
        aug.AutoContrast(),
    )
    for step in (*steps, aug.JpegCompression((50, 50))):
        loose = 0.02 if isinstance(step, (aug.JpegCompression, aug.CLAHE)) else 0  # works on 8 bits
        for after in ((), (aug.GaussianBlur(p=0),), (aug.HorizontalFlip(),)):
            policy = aug.Compose([step, *after], value_range=(0, top), output=output)
            out = policy(image, seed=1).image / (top if output is None else 1)
            wanted = aug.Compose([step, *after])(floats, seed=1).image
            np.testing.assert_allclose(out, wanted, atol=1.01 / top + loose, err_msg=repr((step, after)))
        small = aug.Compose([step], value_range=(0, top))(image[:5, :6], seed=1).image
        assert small.max() <= top
    beyond = aug.Compose([aug.Invert()], value_range=(-10, 70_000))(image, seed=1).image
    assert (beyond == np.iinfo(image.dtype).max).mean() > 0.5  # what a level cannot be is clipped


# Filters


def test_motion_blur_smears_along_its_line() -> None:
    spot = np.zeros((31, 31), np.float32)
    spot[15, 15] = 1
    flat = run(aug.MotionBlur((9, 9), (0, 0)), spot)
    np.testing.assert_allclose(flat[15, 11:20], 1 / 9, atol=1e-6)
    assert flat[:15].max() == flat[16:].max() == 0
    rising = run(aug.MotionBlur((9, 9), (45, 45)), spot)
    rows, columns = np.indices(spot.shape) - 15
    assert (rising * rows * columns).sum() < 0, "45 degrees rises to the right"
    for angle in (0, 30, 90, 137):
        for length in (1.5, 4, 8.7):
            out = run(aug.MotionBlur((length, length), (angle, angle)), spot)
            spread = np.sqrt((out * (rows**2 + columns**2)).sum())
            assert abs(out.sum() - 1) < 1e-5
            assert abs(spread - length / np.sqrt(12)) < 0.2, (angle, length)
            assert abs((out * rows).sum()) < 1e-4 and abs((out * columns).sum()) < 1e-4, "it stays in its place"


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.7, 3.0])
def test_sharpen_is_pillows_within_one_level(factor: float) -> None:
    # Pillow rounds the smooth part first, and the factor enlarges what that adds
    wanted = ImageEnhance.Sharpness(Pillow.fromarray(PHOTO)).enhance(factor)
    assert apart(run(aug.Sharpen((factor, factor))), wanted).max() <= 1 + max(0, factor - 1)


def test_clahe_works_in_every_type_alike() -> None:
    step = aug.CLAHE((3, 3))
    for image in (PHOTO, GREY):
        wanted = run(step, image) / 255
        floats = run(step, (image / 255).astype(np.float32))
        sixteen = run(step, image.astype(np.uint16) * 257) / 65535
        assert np.abs(floats - wanted).mean() < 0.02 and np.abs(sixteen - wanted).mean() < 0.02
        assert np.abs(image / 255 - wanted).mean() > 0.05


# Noise


def test_noise_has_the_strength_that_it_says() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    added = run(aug.GaussianNoise((0.05, 0.05)), grey).astype(float) - 128
    assert abs(added.std() / 255 - 0.05) < 1e-3 and abs(added.mean()) < 0.2
    out = run(aug.SaltAndPepper((0.1, 0.1)), grey)
    salt, pepper = ((out == level).all(axis=2).mean() for level in (255, 0))
    assert abs(salt - 0.05) < 0.006 and abs(pepper - 0.05) < 0.006
    assert ((out == 128).all(axis=2).mean() + salt + pepper) == 1, "all channels of a pixel go together"


def test_noise_differs_between_images_and_channels_and_not_between_batches() -> None:
    compose = aug.Compose([aug.GaussianNoise((0.1, 0.1)), aug.SaltAndPepper()])
    images = np.full((6, 40, 40, 3), 128, np.uint8)
    batch = compose.batch(images, indices=range(6), seed=4)
    parts = compose.batch(images[3:], indices=range(3, 6), seed=4)
    np.testing.assert_array_equal(batch[3:], parts)
    flat = batch.reshape(6, -1, 3).astype(float)
    between = np.corrcoef(flat[..., 0])[np.triu_indices(6, 1)]
    assert np.abs(between).max() < 0.12
    alone = run(aug.GaussianNoise((0.1, 0.1)), images[0]).reshape(-1, 3).T.astype(float)
    assert np.abs(np.corrcoef(alone)[np.triu_indices(3, 1)]).max() < 0.12


def _noisy(index: int) -> bytes:
    steps = [aug.GaussianNoise((0.1, 0.1)), aug.SaltAndPepper((0.1, 0.1)), aug.JpegCompression((60, 80))]
    return aug.Compose(steps)(GREY, seed=9, index=index).image.tobytes()


def test_noise_is_the_same_in_another_process() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_noisy, [3, 4]) == [_noisy(3), _noisy(4)]
    assert _noisy(3) != _noisy(4)


# Quality


@pytest.mark.parametrize("image", [PHOTO, GREY])
def test_jpeg_loses_what_pillow_loses(image: np.ndarray) -> None:
    import io

    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "jpeg", quality=40)
    out = run(aug.JpegCompression((40, 40)), image)
    theirs = apart(out, Pillow.open(stream))
    assert theirs.mean() < 1.5 and apart(out, image).mean() > 2
    worse = run(aug.JpegCompression((5, 5)), image)
    assert apart(worse, image).mean() > 2 * apart(out, image).mean()


def test_jpeg_keeps_type_and_channels() -> None:
    wanted = run(aug.JpegCompression((70, 70)))
    np.testing.assert_allclose(run(aug.JpegCompression((70, 70)), PHOTO.astype(np.uint16) * 257) / 257, wanted)
    alpha = np.dstack([PHOTO, GREY])
    out = run(aug.JpegCompression((70, 70)), alpha)
    np.testing.assert_array_equal(out[..., :3], wanted)
    np.testing.assert_array_equal(out[..., 3], GREY)


def test_downscale_leaves_no_more_detail_than_it_says() -> None:
    out = run(aug.Downscale((0.25, 0.25)), GREY)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(out - out.mean()))) ** 2
    rows, columns = np.indices(out.shape) - 128
    fine = np.maximum(abs(rows), abs(columns)) > 40
    full = np.abs(np.fft.fftshift(np.fft.fft2(GREY - GREY.mean()))) ** 2
    assert spectrum[fine].sum() < 0.2 * full[fine].sum()


# Other libraries


@needs("torch", "torchvision")
def test_parity_with_torchvision() -> None:
    import torch
    import torchvision.transforms.v2.functional as F

    def theirs(function: Any, *arguments: Any) -> np.ndarray:
        out = function(torch.from_numpy(PHOTO.transpose(2, 0, 1).copy()), *arguments)
        return np.asarray(out).transpose(1, 2, 0)

    half = (127.5 / 255,) * 2
    for step, function, arguments, most in (
        (aug.Posterize((3, 3)), F.posterize, (3,), 0),
        (aug.Solarize(half), F.solarize, (128,), 0),
        (aug.Equalize(), F.equalize, (), 0),
        (aug.AutoContrast(), F.autocontrast, (), 1),
        (aug.Sharpen((1.8, 1.8)), F.adjust_sharpness, (1.8,), 2),
        (aug.Invert(), F.invert, (), 0),
        (aug.Brightness((1.3, 1.3)), F.adjust_brightness, (1.3,), 1),
        (aug.Gamma((0.6, 0.6)), F.adjust_gamma, (0.6,), 1),
        (aug.GaussianBlur((1.5, 1.5)), F.gaussian_blur, ([13, 13], [1.5, 1.5]), 1),
        (aug.HorizontalFlip(p=1), F.horizontal_flip, (), 0),
        (aug.VerticalFlip(p=1), F.vertical_flip, (), 0),
    ):
        assert apart(run(step), theirs(function, *arguments)).max() <= most, step
    assert apart(run(aug.JpegCompression((60, 60))), theirs(F.jpeg, 60)).mean() < 1.5
    assert apart(run(aug.Posterize((2, 2))), theirs(F.posterize, 3)).max() > 8, "another strength is noticed"


@needs("albumentations")
def test_parity_with_albumentations() -> None:
    import albumentations as A

    for step, other, most in (
        (aug.CLAHE((3, 3)), A.CLAHE((3, 3), (8, 8), p=1), 0),
        (aug.Invert(), A.InvertImg(p=1), 0),
        (aug.Posterize((4, 4)), A.Posterize(num_bits=(4, 4), p=1), 0),
        (aug.Solarize((0.5, 0.5)), A.Solarize((0.5, 0.5), p=1), 0),
        (aug.Rotate90(turns=(1,)), A.Rotate((90, 90), p=1), 0),
        (aug.Power((1.4, 1.4)), A.RandomGamma((140, 140), p=1), 1),
        (aug.Grayscale(), A.ToGray(p=1), 1),
        (aug.GaussianBlur((1.5, 1.5)), A.GaussianBlur(sigma_limit=(1.5, 1.5), blur_limit=0, p=1), 1),
        (
            aug.MotionBlur((9, 9), (0, 0)),
            A.MotionBlur((9, 9), angle_range=(0, 0), direction_range=(0, 0), allow_shifted=False, p=1),
            1,
        ),
    ):
        assert apart(run(step), other(image=PHOTO)["image"]).max() <= most, step
    ours, theirs = run(aug.JpegCompression((60, 60))), A.ImageCompression("jpeg", (60, 60), p=1)(image=PHOTO)["image"]
    assert apart(ours, theirs).max() > 10, "it takes red for blue where it encodes"
    theirs = A.ImageCompression("jpeg", (60, 60), p=1)(image=PHOTO[..., ::-1].copy())["image"][..., ::-1]
    assert apart(ours, theirs).max() <= 1
    small = A.Downscale((0.5, 0.5), {"downscale": 3, "upscale": 1}, p=1)(image=PHOTO)["image"]  # area and linear
    assert apart(run(aug.Downscale((0.5, 0.5))), small).max() <= 1
    added = A.GaussNoise((0.1, 0.1), (0, 0), p=1)(image=np.full((200, 200), 128, np.uint8))["image"].std()
    assert abs(run(aug.GaussianNoise((0.1, 0.1)), np.full((200, 200), 128, np.uint8)).std() - added) < 1.5


@needs("albumentations")
def test_salt_and_pepper_fall_as_often_as_in_albumentations() -> None:
    import albumentations as A

    grey = np.full((200, 200, 3), 128, np.uint8)
    theirs = A.SaltAndPepper((0.1, 0.1), (0.5, 0.5), p=1)(image=grey)["image"]
    ours = run(aug.SaltAndPepper((0.1, 0.1)), grey)
    for level in (0, 255):
        one, two = ((image == level).all(axis=2).mean() for image in (ours, theirs))
        assert abs(one - two) < 0.01


@needs("torch", "torchvision")
def test_contrast_is_torchvisions_where_the_mean_grey_is_the_middle() -> None:
    """torchvision spreads levels about the image's mean grey; ours about the middle of the range, which is a curve."""
    import torch
    import torchvision.transforms.v2.functional as F

    grey = PHOTO @ [0.299, 0.587, 0.114]
    image = np.rint(PHOTO * 0.6 + 127.5 - 0.6 * grey.mean()).clip(0, 255).astype(np.uint8)
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())
    for factor in (0.5, 1.4):
        theirs = np.asarray(F.adjust_contrast(tensor, factor)).transpose(1, 2, 0)
        assert apart(run(aug.Contrast((factor, factor)), image), theirs).max() <= 2
    dark = torch.from_numpy((PHOTO // 3).transpose(2, 0, 1).copy())
    theirs = np.asarray(F.adjust_contrast(dark, 1.4)).transpose(1, 2, 0)
    assert apart(run(aug.Contrast((1.4, 1.4)), PHOTO // 3), theirs).mean() > 10, "elsewhere they differ"
