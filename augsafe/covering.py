"""How much of an object the patches of a plan hide, on the object's grid of weights; and patches held to a share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.grid import GRID
from augsafe.objects import Objects, inspect
from augsafe.plan import Plan
from augsafe.randomness import FloatArray
from augsafe.targets import to_xyxy
from augsafe.transforms.base import Values
from augsafe.transforms.erase import Erase

_HALVINGS = 12


def erasures(plan: Plan) -> list[tuple[int, Erase]]:
    """The erasing steps of a plan, each with the number of its stage."""
    return [(k, p.step) for k, stage in enumerate(plan.stages) for p in stage.local if isinstance(p.step, Erase)]


def covered(plan: Plan, objects: Objects) -> FloatArray:
    """The share (n,) of the object's weight within the frame that patches hide; where they overlap, at most."""
    found = erasures(plan)
    if not found:
        return np.zeros(len(plan))
    shadows = [_Shadow(part, objects) for part in plan.prefixes]
    hidden = np.sum([shadows[k].hidden(*_patches(plan, k, step)) for k, step in found], axis=0)
    seen = shadows[0].shown
    for shadow in shadows[1:]:
        seen = np.minimum(seen, shadow.shown)
    return _share(objects, hidden, seen)


def found_objects(images: Any, masks: Any, boxes: Any, box_format: str) -> Objects:
    """What `inspect` finds in images whose boxes have a format of their own; any target may be None."""
    if boxes is not None:
        boxes = [
            None if b is None or not len(b) else to_xyxy(np.asarray(b, dtype=float), box_format, image.shape[:2])
            for b, image in zip(boxes, images, strict=True)
        ]
    return inspect(images, masks, boxes)


def spared(plan: Plan, objects: Objects | None) -> Plan:
    """The plan with the patches of each step shrunk to its share of the object; the draws hold by how much.

    Without objects the middle half of each frame stands for them; where they are diffuse, nothing is spared. Raises
    ArgumentError where their count differs.
    """
    minding = [(k, step) for k, step in erasures(plan) if step.max_object_share < 1]
    if not minding:
        return plan
    if objects is not None and len(objects) != len(plan):
        raise ArgumentError(f"objects has {len(objects)} entries, shapes {len(plan)}; they must agree")
    known = Objects.centre(len(plan)) if objects is None else objects
    values = dict(plan.draws.values)
    for k, step in minding:
        values[step.label] = {**values[step.label], "keep": _kept(plan, k, step, known)}
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
        return _share(objects, hidden, shadow.shown) > step.max_object_share

    return over


def _with_values(plan: Plan, values: Mapping[str, Values]) -> Plan:
    """The plan with other values of its local steps."""
    stages = tuple(
        replace(stage, local=tuple(replace(part, values=values[part.step.label]) for part in stage.local))
        for stage in plan.stages
    )
    return replace(plan, draws=replace(plan.draws, values=values), stages=stages)


def _patches(plan: Plan, k: int, step: Erase, keep: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """The patches (n, k, 4) of a step in shares of its frame, and for which images it acts (n,)."""
    (part,) = (p for p in plan.stages[k].local if p.step is step)
    values = part.values if keep is None else {**part.values, "keep": keep}
    sizes = plan.stages[k].size_after
    return step.patches(values, sizes) / np.tile(sizes[:, ::-1], 2)[:, None, :], part.active.astype(float)


def _share(objects: Objects, hidden: FloatArray, seen: FloatArray) -> FloatArray:
    weight = objects.weights * seen
    total = weight.sum(axis=(1, 2))
    lost = (weight * np.minimum(hidden, 1.0)).sum(axis=(1, 2))
    return np.asarray(lost / np.where(total > 1e-6, total, np.inf), dtype=np.float64)


class _Shadow:
    """The cells of each object's grid, as boxes in shares of the frame: those that hold it, cut to its extent."""

    def __init__(self, plan: Plan, objects: Objects) -> None:
        edges = np.arange(GRID + 1) / GRID
        x0, y0, x1, y1 = objects.extents.astype(np.float64).T[..., None]
        across = [np.clip(e, x0, x1) for e in (edges[:-1], edges[1:])]
        down = [np.clip(e, y0, y1) for e in (edges[:-1], edges[1:])]
        high, wide = plan.shapes.T[..., None, None]
        x = wide * (across[0] + across[1])[:, None, :] / 2 - 0.5
        y = high * (down[0] + down[1])[:, :, None] / 2 - 0.5
        half_x, half_y = wide * (across[1] - across[0])[:, None, :] / 2, high * (down[1] - down[0])[:, :, None] / 2
        m = plan.matrix[..., None, None]
        w = np.maximum(m[:, 2, 0] * x + m[:, 2, 1] * y + m[:, 2, 2], 1e-6)
        self.low, self.high = [], []
        for axis, side in ((0, plan.sizes[:, 1]), (1, plan.sizes[:, 0])):
            at = (m[:, axis, 0] * x + m[:, axis, 1] * y + m[:, axis, 2]) / w
            reach = np.abs(m[:, axis, 0] - at * m[:, 2, 0]) / w * half_x
            reach = np.maximum(reach + np.abs(m[:, axis, 1] - at * m[:, 2, 1]) / w * half_y, 1e-6)
            side = side[:, None, None]
            self.low.append((at + 0.5 - reach) / side)
            self.high.append((at + 0.5 + reach) / side)
        self.shown = self._overlap(0, 0.0, 1.0) * self._overlap(1, 0.0, 1.0)

    def _overlap(self, axis: int, start: FloatArray | float, end: FloatArray | float) -> FloatArray:
        """The share of each cell's side that lies between two places."""
        low, high = self.low[axis], self.high[axis]
        return np.asarray(np.clip(np.minimum(high, end) - np.maximum(low, start), 0, None) / (high - low))

    def hidden(self, patches: FloatArray, acts: FloatArray) -> FloatArray:
        """The share (n, 16, 16) of the shown part of each cell that patches (n, k, 4) cover; overlaps count twice."""
        total = np.zeros(self.shown.shape)
        for x0, y0, x1, y1 in patches.transpose(1, 2, 0)[..., None, None]:
            total += self._overlap(0, x0, x1) * self._overlap(1, y0, y1)
        return np.minimum(total / np.maximum(self.shown, 1e-9), 1.0) * acts[:, None, None]
