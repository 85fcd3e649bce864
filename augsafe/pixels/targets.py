"""Masks, boxes and keypoints follow the same matrices as the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.pixels.permutation import is_permutation
from augsafe.pixels.samples import Targets, check_mask, check_points
from augsafe.pixels.warping import displace, warp
from augsafe.planning import Plan
from augsafe.randomness import FloatArray
from augsafe.transforms import place_of, sampled

Pairs = Sequence[tuple[int, int]]
Rows = TypeVar("Rows", np.float64, np.bool_)


def project(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Map points through matrices.

    Args:
        matrix: Forward maps (..., 3, 3).
        points: x and y (..., k, 2); pixel centres are at whole numbers.

    Returns:
        x and y (..., k, 2).
    """
    image = points @ np.swapaxes(matrix[..., :, :2], -1, -2) + matrix[..., None, :, 2]
    weight = image[..., 2:]
    return np.asarray(image[..., :2] / np.where(np.abs(weight) < 1e-12, 1e-12, weight))


def to_xyxy(boxes: FloatArray, box_format: str, size: tuple[int, int]) -> FloatArray:
    """Boxes of any format as edges in pixels.

    Args:
        boxes: (m, 4).
        box_format: "xyxy", "coco" (x, y, width, height) or "yolo" (centre and size, as fractions of the frame).
        size: (height, width) of the image, pixels.

    Returns:
        x1, y1, x2, y2 (m, 4), with edges from 0 to W and 0 to H.

    Raises:
        InputError: An edge lies beyond the opposite one.
    """
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


@dataclass(frozen=True, eq=False)
class Leg:
    """A part of an image's way: through a matrix (3, 3) onto a frame of `size`, then through a field if it has one."""

    matrix: FloatArray
    size: tuple[int, int]
    field: NDArray[np.float32] | None = None


def legs_of(plan: Plan, row: int) -> list[Leg]:
    """The way of one image: one leg, and another for each distortion that acts."""
    legs, size = [], plan.sizes[row]
    if not plan.distorts:
        return [Leg(plan.matrix[row], (int(size[0]), int(size[1])))]
    matrix = np.eye(3)
    for stage in plan.stages:
        matrix = stage.whole[row] @ matrix
        field = stage.field(row)
        if field is not None:
            legs.append(Leg(matrix, (field.shape[0], field.shape[1]), field))
            matrix = np.eye(3)
    return [*legs, Leg(matrix, (int(size[0]), int(size[1])))]


def _along(legs: Sequence[Leg], points: FloatArray) -> FloatArray:
    """Where points (k, 2) at pixel centres end."""
    for leg in legs:
        points = project(leg.matrix, points)
        if leg.field is not None:
            points = place_of(points, leg.field)
    return points


def move_boxes(
    boxes: FloatArray, legs: Sequence[Leg], size: tuple[int, int], min_visible: float
) -> tuple[FloatArray, NDArray[np.intp]]:
    """Boxes (m, 4) xyxy around the moved outlines, clipped to the frame, and the input rows that are kept.

    A box is dropped when less than `min_visible` of its moved area is left, or nothing at all.
    """
    x1, y1, x2, y2 = (boxes - 0.5).T  # edges to pixel centres
    corners = np.stack([np.stack([x1, x2, x2, x1], 1), np.stack([y1, y1, y2, y2], 1)], axis=2)
    if len(legs) > 1:  # straight edges are bent
        part = np.linspace(0, 1, 16, endpoint=False)[:, None, None, None]
        corners = np.concatenate(list(corners + (np.roll(corners, -1, axis=1) - corners) * part), axis=1)
    moved = _along(legs, corners.reshape(-1, 2)).reshape(corners.shape) + 0.5
    full = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    clipped = np.clip(full, 0, [size[1], size[0], size[1], size[0]])
    area = np.prod(full[:, 2:] - full[:, :2], axis=1)
    left = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
    kept = np.flatnonzero((left > 0) & (left >= min_visible * area - 1e-9))
    return clipped[kept], kept


def move_keypoints(
    points: FloatArray, legs: Sequence[Leg], size: tuple[int, int]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Keypoints (k, 2) at pixel centres, and which lie within the frame (k,)."""
    moved = _along(legs, points)
    inside = ((moved >= -0.5) & (moved <= np.array([size[1], size[0]]) - 0.5)).all(axis=1)
    return moved, np.asarray(inside)


def mirrors(matrix: FloatArray) -> bool:
    """Whether a map (3, 3) reflects, at the place where the frame's corner lies."""
    return bool(np.linalg.det(matrix[:2, :2]) < 0)


def swap_rows(points: NDArray[Rows], pairs: Pairs) -> NDArray[Rows]:
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
    """How targets follow the pixels; see `Compose`.

    Attributes:
        border: Beyond a "constant" border a mask is 0.
        box_format: The format in which boxes leave.
        min_visible: Boxes with a smaller share of their area left inside the frame are dropped.
        keypoint_swaps: Rows of keypoints that are exchanged when the image is mirrored.
        mask_swaps: Ids of the mask that are exchanged when the image is mirrored.
        boxes_in: The format in which boxes come.
    """

    border: str
    box_format: str
    min_visible: float
    keypoint_swaps: Pairs
    mask_swaps: Pairs
    boxes_in: str


@dataclass(frozen=True, eq=False)
class Moved:
    """The targets of one image after its map; None where none were given. See `Sample`.

    Attributes:
        mask: (H, W).
        boxes: (m, 4).
        box_labels: The label of each box (m).
        kept: The row of each box in the input (m).
        keypoints: (k, 2).
        inside: Whether each keypoint lies within the frame (k).
    """

    mask: NDArray[Any] | None = None
    boxes: FloatArray | None = None
    box_labels: list[Any] | None = None
    kept: NDArray[np.intp] | None = None
    keypoints: FloatArray | None = None
    inside: NDArray[np.bool_] | None = None


def move_targets(
    rules: TargetRules,
    plan: Plan,
    row: int,
    image: NDArray[Any],
    targets: Targets,
) -> Moved:
    """Check the targets of one image and move them. Without targets the plan is not asked.

    Args:
        rules: How targets follow.
        plan: What is done to the images.
        row: Which of them it is.
        image: The image before, (H, W) or (H, W, C).
        targets: What belongs to it.

    Returns:
        The targets after.

    Raises:
        InputError: A target does not fit the image, or two do not fit each other.
    """
    if not targets.given:
        return Moved()
    mask, boxes, box_labels, keypoints = targets.mask, targets.boxes, targets.box_labels, targets.keypoints
    legs = legs_of(plan, row)
    size = legs[-1].size
    mirrored = sum(mirrors(leg.matrix) for leg in legs) % 2 == 1
    new_mask = None
    if mask is not None:
        new_mask = move_mask(check_mask(mask, image), legs, rules.border)
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
        moved, kept = move_boxes(edges, legs, size, rules.min_visible)
        moved = from_xyxy(moved, rules.box_format, size)
        names = None if box_labels is None else [box_labels[i] for i in kept]
    points = inside = None
    if keypoints is not None:
        points, inside = move_keypoints(check_points("keypoints", keypoints, 2), legs, size)
        if mirrored and rules.keypoint_swaps:
            points = swap_rows(points, rules.keypoint_swaps)
            inside = swap_rows(inside, rules.keypoint_swaps)
    return Moved(new_mask, moved, names, kept, points, inside)


def move_mask(mask: NDArray[Any], legs: Sequence[Leg], border: str) -> NDArray[Any]:
    """A label mask along its whole way at once, nearest neighbour; beyond a constant border it is 0."""
    kind = mask.dtype
    wide = mask.astype(np.float64 if kind.itemsize > 2 else np.int16 if kind.itemsize == 1 else np.float32)
    if len(legs) == 1:
        (leg,) = legs
        exact = bool(is_permutation(leg.matrix[None])[0])
        return warp(wide, leg.matrix, leg.size, border, 0, "nearest", exact, (1, 1)).astype(kind)
    places, outside = _sources(legs, border)
    field = places - np.stack(np.meshgrid(*(np.arange(side) for side in legs[-1].size[::-1])), axis=2)
    moved = displace(wide, field.astype(np.float32), border, 0, "nearest")
    moved[outside] = 0
    return moved.astype(kind)


def _sources(legs: Sequence[Leg], border: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where each output pixel comes from (H, W, 2), and which lie beyond a constant border on their way."""
    height, width = legs[-1].size
    places: FloatArray = np.stack(np.meshgrid(*map(np.arange, (float(width), float(height)))), axis=2).reshape(-1, 2)
    outside = np.zeros(len(places), bool)
    for number in range(len(legs) - 1, -1, -1):
        leg = legs[number]
        if leg.field is not None:
            inside = ((places > -0.5) & (places < np.array(leg.size[::-1]) - 0.5)).all(axis=1)
            outside |= ~inside & (border == "constant")
            places = _folded(places, leg.size, border)
            places = places + sampled(leg.field, places)
            inside = ((places > -0.5) & (places < np.array(leg.size[::-1]) - 0.5)).all(axis=1)
            outside |= ~inside & (border == "constant")
            places = _folded(places, leg.size, border)
        places = project(np.asarray(np.linalg.inv(leg.matrix), dtype=np.float64), places)
    return places.reshape(height, width, 2), outside.reshape(height, width)


def _folded(places: FloatArray, size: tuple[int, int], border: str) -> FloatArray:
    """Places beyond a frame, brought back by the border rule."""
    last = np.array(size[::-1], dtype=np.float64) - 1
    if border == "reflect":
        away = np.abs(places) % np.maximum(2 * last, 1)
        return np.asarray(np.where(last > 0, np.minimum(away, 2 * last - away), 0.0))
    return np.clip(places, 0, last)
