"""Masks, boxes and keypoints follow the same matrices as the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.randomness import FloatArray

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
