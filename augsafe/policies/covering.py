"""How much of an object the patches of a plan hide, on the object's grid of weights; and patches held to a share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.objects import GRID, Objects, inspect
from augsafe.pixels import to_xyxy
from augsafe.planning import Plan
from augsafe.randomness import FloatArray
from augsafe.transforms import Erase, Values
from augsafe.typing import BoxesLike, ImagesLike, MasksLike

_HALVINGS = 12


def erasures(plan: Plan) -> list[tuple[int, Erase]]:
    """The erasing steps of a plan, each with the number of its stage."""
    return [(k, p.step) for k, stage in enumerate(plan.stages) for p in stage.local if isinstance(p.step, Erase)]


def covered(plan: Plan, objects: Objects) -> FloatArray:
    """How much of each object the patches of a plan hide.

    Args:
        plan: What will be done to n images.
        objects: Where their objects are.

    Returns:
        The share of the object's weight within the frame (n,), from 0 to 1; where patches overlap, an upper bound.
    """
    found = erasures(plan)
    if not found:
        return np.zeros(len(plan))
    shadows = [_Shadow(part, objects) for part in plan.prefixes]
    hidden = np.sum([shadows[k].hidden(*_patches(plan, k, step)) for k, step in found], axis=0)
    seen = np.min([shadow.shown for shadow in shadows], axis=0)
    return shadows[0].share(hidden, seen)


def stated_objects(
    images: ImagesLike, masks: MasksLike | None, boxes: BoxesLike | None, box_format: str
) -> Objects | None:
    """Read the objects of images from masks and boxes, which have a format of their own.

    Args:
        images: (n, H, W[, C]) or a list.
        masks: Their masks.
        boxes: Their boxes.
        box_format: "xyxy", "coco" or "yolo".

    Returns:
        What `augsafe.objects.inspect` finds without a guess; None where there are neither masks nor boxes.
    """
    if boxes is None:
        return None if masks is None else inspect(images, masks, None, guess=None)
    edges = [
        None if own is None or not len(own) else to_xyxy(np.asarray(own, float), box_format, image.shape[:2])
        for own, image in zip(boxes, images, strict=True)
    ]
    return inspect(images, masks, edges, guess=None)


def spared(plan: Plan, objects: Objects | None) -> Plan:
    """Shrink the patches of each step until they hide no more of the object than the step may.

    Args:
        plan: What will be done to n images.
        objects: Where their objects are. Without them, and where they are diffuse, nothing is spared.

    Returns:
        The plan; its draws hold by how much patches shrank.

    Raises:
        ArgumentError: The counts differ.
    """
    minding = [(k, step) for k, step in erasures(plan) if step.max_object_share < 1]
    if not minding or objects is None:
        return plan
    if len(objects) != len(plan):
        raise ArgumentError(f"objects has {len(objects)} entries, shapes {len(plan)}; they must agree")
    values = dict(plan.draws.values)
    for k, step in minding:
        values[step.label] = {**values[step.label], "keep": _kept(plan, k, step, objects)}
    return _with_values(plan, values)


def _kept(plan: Plan, k: int, step: Erase, objects: Objects) -> FloatArray:
    """The largest share (n,) of their sides that the patches of a step may keep, by halving."""
    keep = np.array(plan.draws.values[step.label]["keep"])
    over = _hides_too_much(plan, k, step, objects)(keep) & ~objects.diffuse
    rows = np.flatnonzero(over)
    if not len(rows):
        return keep
    too_much = _hides_too_much(plan.rows(rows), k, step, objects.rows(rows))
    low, high = np.zeros(len(rows)), keep[rows]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        bad = too_much(middle)
        low, high = np.where(bad, low, middle), np.where(bad, middle, high)
    keep[rows] = low
    return keep


def _hides_too_much(plan: Plan, k: int, step: Erase, objects: Objects) -> Callable[[FloatArray], NDArray[np.bool_]]:
    """Whether patches that keep a share of their sides hide more than the step may."""
    shadow = _Shadow(plan.prefixes[k], objects)

    def over(keep: FloatArray) -> NDArray[np.bool_]:
        hidden = shadow.hidden(*_patches(plan, k, step, keep))
        return shadow.share(hidden, shadow.shown) > step.max_object_share

    return over


def _with_values(plan: Plan, values: Mapping[str, Values]) -> Plan:
    """The plan with other values of its local steps."""
    stages = tuple(
        replace(stage, local=tuple(replace(part, values=values[part.step.label]) for part in stage.local))
        for stage in plan.stages
    )
    return replace(plan.with_stages(stages), draws=replace(plan.draws, values=values))


def _patches(plan: Plan, k: int, step: Erase, keep: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """The patches (n, k, 4) of a step in shares of its frame, and for which images it acts (n,)."""
    (part,) = (p for p in plan.stages[k].local if p.step is step)
    values = part.values if keep is None else {**part.values, "keep": keep}
    sizes = plan.stages[k].size_after
    return step.patches(values, sizes) / np.tile(sizes[:, ::-1], 2)[:, None, :], part.active.astype(float)


class _Shadow:
    """The cells of each object's grid that hold some of it, as boxes in shares of the frame, cut to its extent.

    One flat list for all objects; `row` says whose a cell is. `shown` is the share of it within the frame.
    """

    def __init__(self, plan: Plan, objects: Objects) -> None:
        weights = objects.weights
        self.count = len(plan)
        self.row, down, across = np.nonzero(weights > 0)
        self.weight = weights[self.row, down, across].astype(np.float64)
        x0, y0, x1, y1 = objects.extents.astype(np.float64).T[:, self.row]
        (height, width), (rows, columns) = plan.shapes.T[:, self.row], plan.sizes.T[:, self.row]
        left, right = (np.clip((across + side) / GRID, x0, x1) * width for side in (0, 1))
        top, bottom = (np.clip((down + side) / GRID, y0, y1) * height for side in (0, 1))
        x, y, half_x, half_y = (left + right - 1) / 2, (top + bottom - 1) / 2, (right - left) / 2, (bottom - top) / 2
        (a, b, c), (d, e, f), (g, h, i) = plan.matrix.transpose(1, 2, 0)[:, :, self.row]
        w = np.maximum(g * x + h * y + i, 1e-6)
        self.low, self.high = [], []
        for p, q, r, side in ((a, b, c, columns), (d, e, f, rows)):
            at = (p * x + q * y + r) / w
            reach = np.maximum((np.abs(p - at * g) * half_x + np.abs(q - at * h) * half_y) / w, 1e-6)
            self.low.append((at + 0.5 - reach) / side)
            self.high.append((at + 0.5 + reach) / side)
        self.shown = self._overlap(0, 0.0, 1.0) * self._overlap(1, 0.0, 1.0)

    def _overlap(self, axis: int, start: FloatArray | float, end: FloatArray | float) -> FloatArray:
        """The share of each cell's side that lies between two places."""
        low, high = self.low[axis], self.high[axis]
        return np.asarray(np.maximum(np.minimum(high, end) - np.maximum(low, start), 0) / (high - low))

    def hidden(self, patches: FloatArray, acts: FloatArray) -> FloatArray:
        """The share of the shown part of each cell that patches (n, k, 4) cover; overlaps count twice."""
        total = np.zeros(len(self.row))
        for x0, y0, x1, y1 in patches.transpose(1, 2, 0)[:, :, self.row]:
            total += self._overlap(0, x0, x1) * self._overlap(1, y0, y1)
        return np.minimum(total / np.maximum(self.shown, 1e-9), 1.0) * acts[self.row]

    def share(self, hidden: FloatArray, seen: FloatArray) -> FloatArray:
        """The share (n,) of what is seen of each object that is hidden."""
        total, lost = (
            np.bincount(self.row, self.weight * seen * part, self.count) for part in (1.0, np.minimum(hidden, 1.0))
        )
        return np.asarray(lost / np.where(total > 1e-6, total, np.inf))
