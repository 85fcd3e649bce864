"""Masks, boxes and keypoints follow the same matrices as the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.randomness import FloatArray
from augsafe.sample import check_mask, check_points
from augsafe.warp import is_permutation, warp

Pairs = Sequence[tuple[int, int]]


def project(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Map points (..., k, 2) with matrices (..., 3, 3); pixel centres at whole numbers."""
    image = points @ np.swapaxes(matrix[..., :, :2], -1, -2) + matrix[..., None, :, 2]
    weight = image[..., 2:]
    return np.asarray(image[..., :2] / np.where(np.abs(weight) < 1e-12, 1e-12, weight))


def to_xyxy(boxes: FloatArray, box_format: str, size: tuple[int, int]) -> FloatArray:
    """Boxes of any format as x1, y1, x2, y2 with edges from 0 to W and 0 to H. Raises InputError."""
    height, width = size
    if box_format == "coco":
        boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    elif box_format == "yolo":
        half = boxes[:, 2:] / 2
        boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1) * [
            width,
            height,
            width,
            height,
        ]
    bad = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"boxes row {row} has its right or bottom edge before the other: {boxes[row].tolist()}")
    return boxes


def from_xyxy(boxes: FloatArray, box_format: str, size: tuple[int, int]) -> FloatArray:
    """The reverse of `to_xyxy`."""
    height, width = size
    if box_format == "coco":
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    if box_format == "yolo":
        middle, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        return np.concatenate([middle, extent], axis=1) / [width, height, width, height]
    return boxes


def move_boxes(
    boxes: FloatArray, matrix: FloatArray, size: tuple[int, int], min_visible: float
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Boxes (m, 4) xyxy around the moved corners, clipped to the frame, and the input rows that are kept.

    A box is dropped when less than `min_visible` of its moved area is left, or nothing at all.
    """
    x1, y1, x2, y2 = (boxes - 0.5).T  # edges to pixel centres
    corners = np.stack([np.stack([x1, x2, x2, x1], 1), np.stack([y1, y1, y2, y2], 1)], axis=2)
    moved = project(matrix[None], corners) + 0.5
    full = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    clipped = np.clip(full, 0, [size[1], size[0], size[1], size[0]])
    area = np.prod(full[:, 2:] - full[:, :2], axis=1)
    left = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
    kept = np.flatnonzero((left > 0) & (left >= min_visible * area - 1e-9))
    return clipped[kept], kept


def move_keypoints(points: FloatArray, matrix: FloatArray, size: tuple[int, int]) -> tuple[FloatArray, Any]:
    """Keypoints (k, 2) at pixel centres, and which lie within the frame (k,)."""
    moved = project(matrix, points)
    inside = ((moved >= -0.5) & (moved <= np.array([size[1], size[0]]) - 0.5)).all(axis=1)
    return moved, inside


def mirrors(matrix: FloatArray) -> bool:
    """Whether a map (3, 3) reflects, at the place where the frame's corner lies."""
    return bool(np.linalg.det(matrix[:2, :2]) < 0)


def swap_rows(points: FloatArray, pairs: Pairs) -> FloatArray:
    """Exchange left and right keypoints."""
    out = points.copy()
    for a, b in pairs:
        out[[a, b]] = points[[b, a]]
    return out


def swap_ids(mask: NDArray[Any], pairs: Pairs) -> NDArray[Any]:
    """Exchange left and right ids of a label mask."""
    out = mask.copy()
    for a, b in pairs:
        out[mask == a], out[mask == b] = b, a
    return out


@dataclass(frozen=True)
class TargetRules:
    """How targets follow: see `Compose`. Boxes come in the format `boxes_in`, and leave in `box_format`."""

    border: str
    box_format: str
    min_visible: float
    keypoint_swaps: Pairs
    mask_swaps: Pairs
    boxes_in: str


@dataclass(frozen=True, eq=False)
class Moved:
    """The targets of one image after its map; None where none were given."""

    mask: NDArray[Any] | None = None
    boxes: FloatArray | None = None
    box_labels: list[Any] | None = None
    kept: NDArray[np.intp] | None = None
    keypoints: FloatArray | None = None
    inside: NDArray[np.bool_] | None = None


def move_targets(
    rules: TargetRules,
    matrix: FloatArray,
    image: NDArray[Any],
    size: tuple[int, int],
    mask: Any,
    boxes: Any,
    box_labels: Sequence[Any] | None,
    keypoints: Any,
) -> Moved:
    """Check the targets of one image and move them onto its frame of `size`. Raises InputError."""
    mirrored = mirrors(matrix)
    new_mask = None
    if mask is not None:
        new_mask = move_mask(check_mask(mask, image), matrix, size, rules.border)
        if mirrored and rules.mask_swaps:
            new_mask = swap_ids(new_mask, rules.mask_swaps)
    if boxes is None and box_labels is not None:
        raise InputError("box_labels were given without boxes")
    moved = kept = names = None
    if boxes is not None:
        array = check_points("boxes", boxes, 4)
        if box_labels is not None and len(box_labels) != len(array):
            raise InputError(f"box_labels has {len(box_labels)} entries, boxes {len(array)}; they must agree")
        edges = to_xyxy(array, rules.boxes_in, (image.shape[0], image.shape[1]))
        moved, kept = move_boxes(edges, matrix, size, rules.min_visible)
        moved = from_xyxy(moved, rules.box_format, size)
        names = None if box_labels is None else [box_labels[i] for i in kept]
    points = inside = None
    if keypoints is not None:
        points, inside = move_keypoints(check_points("keypoints", keypoints, 2), matrix, size)
        if mirrored and rules.keypoint_swaps:
            points = swap_rows(points, rules.keypoint_swaps)
            inside = swap_rows(inside, rules.keypoint_swaps)
    return Moved(new_mask, moved, names, kept, points, inside)


def move_mask(mask: NDArray[Any], matrix: FloatArray, size: tuple[int, int], border: str) -> NDArray[Any]:
    """A label mask through a map, nearest neighbour; beyond a constant border it is 0."""
    kind = mask.dtype
    wide = mask.astype(np.float64 if kind.itemsize > 2 else np.int16 if kind.itemsize == 1 else np.float32)
    exact = bool(is_permutation(matrix[None])[0])
    return warp(wide, matrix, size, border, 0, "nearest", exact, (1, 1)).astype(kind)
