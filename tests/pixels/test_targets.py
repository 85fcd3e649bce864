"""Masks, boxes and keypoints follow the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import InputError

STEPS: list[aug.Compose] = [
    aug.Compose([step], border="constant")
    for step in (
        aug.Shift((0.05, 0.2), (-0.2, -0.05)),
        aug.Zoom((0.7, 1.3)),
        aug.HorizontalFlip(p=1),
        aug.VerticalFlip(p=1),
        aug.Rotate90(),
        aug.Resize((90, 150)),
        aug.Letterbox(128),
        aug.Pad(3, 5, 7, 9),
        aug.CenterCrop((70, 90)),
        aug.RandomCrop(80),
    )
]


def rectangle(x1: int, y1: int, x2: int, y2: int, shape: tuple[int, int] = (100, 120)) -> Any:
    image = np.zeros(shape, np.uint8)
    image[y1:y2, x1:x2] = 255
    return image


@pytest.mark.parametrize("compose", STEPS, ids=lambda c: c.steps[0].name)
def test_a_drawn_rectangle_is_found_where_its_box_and_mask_say(compose: aug.Compose) -> None:
    image = rectangle(50, 40, 80, 62)
    for seed in range(5):
        sample = compose(image, mask=image // 255, boxes=[[50, 40, 80, 62]], seed=seed)
        assert sample.boxes is not None
        assert sample.mask is not None
        for seen, slack in ((sample.image / 255.0, 0.5), (sample.mask.astype(float), 0.51)):
            columns, rows = seen.max(axis=0), seen.max(axis=1)  # soft edges: half a level is half a pixel
            x = np.flatnonzero(columns > 0.5)
            y = np.flatnonzero(rows > 0.5)
            found = np.array([x[0], y[0], x[-1] + 1, y[-1] + 1])
            assert np.abs(found - sample.boxes[0]).max() <= slack, (found, sample.boxes)


def test_formats_say_the_same() -> None:
    image = rectangle(50, 40, 80, 62)
    given = {"xyxy": [50, 40, 80, 62], "coco": [50, 40, 30, 22], "yolo": [65 / 120, 51 / 100, 30 / 120, 22 / 100]}
    out = {
        name: aug.Compose([aug.HorizontalFlip(p=1)], box_format=name)(image, boxes=[box], seed=0).boxes
        for name, box in given.items()
    }
    np.testing.assert_allclose(out["xyxy"], [[40, 40, 70, 62]])
    np.testing.assert_allclose(out["coco"], [[40, 40, 30, 22]])
    np.testing.assert_allclose(out["yolo"], [[55 / 120, 51 / 100, 30 / 120, 22 / 100]])


def test_boxes_are_clipped_and_dropped() -> None:
    boxes = [[0, 0, 40, 40], [100, 10, 120, 20], [20, 20, 30, 30]]
    shift = aug.Shift((0.125, 0.125), (0, 0))  # 15 of 120 pixels to the right
    image = np.zeros((100, 120), np.uint8)
    kept = aug.Compose([shift], min_visible=0.5)(image, boxes=boxes, box_labels=["a", "b", "c"], seed=0)
    assert kept.box_labels == ["a", "c"]
    assert kept.kept is not None
    assert kept.kept.tolist() == [0, 2]
    clipped = aug.Compose([shift])(image, boxes=boxes, seed=0)
    np.testing.assert_allclose(clipped.boxes, [[15, 0, 55, 40], [115, 10, 120, 20], [35, 20, 45, 30]])


def test_keypoints_are_kept_and_marked() -> None:
    sample = aug.Compose([aug.Shift((0.5, 0.5), (0, 0))])(
        np.zeros((10, 10), np.uint8), keypoints=[[2, 3], [7, 3]], seed=0
    )
    np.testing.assert_allclose(sample.keypoints, [[7, 3], [12, 3]])
    assert sample.inside is not None
    assert sample.inside.tolist() == [True, False]


@pytest.mark.parametrize(("steps", "swapped"), [(1, True), (2, False)])
def test_swaps_happen_when_the_image_is_mirrored(steps: int, swapped: bool) -> None:
    flips = [aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)][:steps]
    compose = aug.Compose(flips, keypoint_swaps=((0, 1),), mask_swaps=((1, 2),))
    mask = np.zeros((8, 8), np.int32)
    mask[:, :3], mask[:, 5:] = 1, 2
    sample = compose(np.zeros((8, 8), np.uint8), mask=mask, keypoints=[[1, 4], [6, 4]], seed=0)
    assert sample.keypoints is not None
    assert sample.mask is not None
    assert sample.keypoints[0, 0] == (1 if swapped else 6)
    assert sample.mask[0, 0] == (1 if swapped else 2)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "int32", "uint32", "int64"])
def test_masks_keep_their_ids(dtype: str) -> None:
    mask = np.zeros((20, 20), dtype)
    mask[5:12, 5:12] = 1 if dtype == "bool" else min(np.iinfo(dtype).max, 2**24 + 1)
    compose = aug.Compose([aug.Rotate((30, 30))])
    image = np.zeros((20, 20), np.uint8)
    if dtype == "int64":
        with pytest.raises(InputError, match="int64"):
            compose(image, mask=mask, seed=0)
        return
    out = compose(image, mask=mask, seed=0).mask
    assert out is not None
    assert out.dtype == mask.dtype
    assert set(np.unique(out)) == set(np.unique(mask))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"mask": np.zeros((3, 3), np.uint8)}, "mask has shape"),
        ({"mask": np.zeros((10, 10))}, "whole numbers"),
        ({"boxes": [[1, 2, 3]]}, "boxes must have shape"),
        ({"boxes": [[5, 5, 1, 9]]}, "row 0"),
        ({"boxes": [[1, 1, 2, 2]], "box_labels": ["a", "b"]}, "2 entries"),
        ({"box_labels": ["a"]}, "without boxes"),
        ({"keypoints": [[np.nan, 1]]}, "NaN"),
    ],
)
def test_wrong_targets_are_refused(targets: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        aug.Compose([aug.Rotate()])(np.zeros((10, 10), np.uint8), seed=0, **targets)
