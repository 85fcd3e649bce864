"""Images of one array are read at once: what comes of it is what comes of a list of the same images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import InputError
from augsafe.images import ArraySource
from augsafe.loading import Loader
from augsafe.loading.reading import read_images

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (60, 14, 12), dtype=np.uint8)
LABELS = np.arange(60) % 10
KINDS = [GREY, np.stack([GREY] * 3, axis=-1), GREY.astype(np.uint16), GREY / np.float32(255)]
CARELESS = aug.Compose([aug.Shift(x=(-0.3, 0.3)), aug.HorizontalFlip(), aug.VerticalFlip(), aug.Brightness()])


def batches(images: Any, **options: Any) -> list[aug.Batch]:
    return list(Loader((images, LABELS), CARELESS, batch_size=16, workers=0, contract="mnist", **options))


@pytest.mark.parametrize("action", ["redraw", "drop", "relabel", "identity"])
@pytest.mark.parametrize("images", KINDS)
def test_an_array_and_a_list_give_the_same_batches(images: np.ndarray, action: str) -> None:
    one, other = batches(images, on_violation=action), batches(list(images), on_violation=action)
    assert len(one) == len(other) > 1
    for a, b in zip(one, other, strict=True):
        assert a.images.dtype == b.images.dtype
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.labels, b.labels)
        np.testing.assert_array_equal(a.indices, b.indices)


def test_whole_numbers_without_targets_are_read_at_once_and_copied() -> None:
    rows = np.array([3, 1, 1])
    read = read_images(ArraySource(GREY, LABELS), rows, None, "raise")
    assert isinstance(read.images, np.ndarray) and not np.shares_memory(read.images, GREY)
    assert read.labels == [3, 1, 1] and not read.items
    for source in (ArraySource(GREY, masks=GREY), ArraySource(list(GREY)), ArraySource(GREY / np.float32(255))):
        assert isinstance(read_images(source, rows, None, "raise").images, list)


@pytest.mark.parametrize("images", [GREY.astype(np.uint32), GREY[:, :0], GREY - 256.0])
def test_wrong_arrays_are_refused_by_name(images: np.ndarray) -> None:
    with pytest.raises(InputError, match="image 4"):
        read_images(ArraySource(images), np.array([4]), None, "raise")


def test_floats_are_looked_at_one_by_one() -> None:
    images = (GREY / 255).astype(np.float32)
    images[7, 2, 2] = np.nan
    with pytest.raises(InputError, match="image 7: image holds NaN"):
        read_images(ArraySource(images), np.arange(20), None, "raise")
    assert read_images(ArraySource(images), np.arange(20), None, "skip").skipped[0][0] == 7
