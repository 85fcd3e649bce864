"""From draws to a plan: matrices, frames, curves, local steps and distortions, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augsafe.planning.plans import Draws, Plan, Settings
from augsafe.planning.stages import GeometricPart, Made, Part, StagePlan
from augsafe.randomness import FloatArray
from augsafe.transforms import (
    Color,
    Distortion,
    Geometric,
    Local,
    Opaque,
    Sizes,
    Tone,
    Transform,
    may_move,
    scale_between,
)


@dataclass(frozen=True)
class Assembly:
    """How draws become a plan: matrices, frames, curves and local steps.

    Attributes:
        leaves: The steps that act, with what a choice holds in its place.
        stage_of: The stage of each leaf, from 0.
        settings: How images are rendered.
        count: How many stages there are.
    """

    leaves: tuple[Transform, ...]
    stage_of: tuple[int, ...]
    settings: Settings
    count: int

    def plan(self, shapes: Sizes, draws: Draws, policy: Mapping[str, Any]) -> Plan:
        """Turn draws into a plan.

        Args:
            shapes: Height and width of each image (n, 2), pixels.
            draws: The numbers drawn for the n images.
            policy: The policy as plain values, for the plan's record.

        Returns:
            The plan. Its stages are known from the start unless opaque steps have to be asked.
        """
        made = None if any(map(may_move, self.leaves)) else self.whole(draws, shapes)
        return Plan(self.settings, draws, shapes, self, policy, made)

    def stage(self, number: int, draws: Draws, sizes: Sizes) -> StagePlan:
        return self._stage(number, draws, sizes, None)

    def whole(self, draws: Draws, sizes: Sizes) -> Made:
        stages: list[StagePlan] = []
        geometry: list[GeometricPart] = []
        for number in range(self.count):
            stages.append(self._stage(number, draws, sizes, geometry))
            sizes = stages[-1].size_after
        return Made(tuple(stages), tuple(geometry))

    def _stage(self, number: int, draws: Draws, sizes: Sizes, geometry: list[GeometricPart] | None) -> StagePlan:
        """One stage; its steps that move pixels are added to `geometry`, opaque ones only where that is given."""
        inside = [leaf for leaf, stage in zip(self.leaves, self.stage_of, strict=True) if stage == number]
        matrix = np.broadcast_to(np.eye(3), (len(sizes), 3, 3))
        start, warped = sizes, sizes
        moved: FloatArray | None = None
        parts: list[GeometricPart] = []
        for step in inside:
            if isinstance(step, Geometric):
                part = part_of(step, draws, sizes)
                parts.append(part)
                matrix, sizes = _product(part.matrix, matrix), part.after
                warped = sizes
            elif may_move(step) and geometry is not None:
                part = part_of(step, draws, sizes)
                parts.append(part)
                moved, sizes = part.matrix if moved is None else part.matrix @ moved, part.after
            elif isinstance(step, Distortion):
                eye, ones = np.broadcast_to(np.eye(3), matrix.shape), np.ones(sizes.shape)
                parts.append(GeometricPart(step, eye, sizes, sizes, ones, draws.active[step.label]))
        if geometry is not None:
            geometry += parts
        acts = [Part(s, draws.active[s.label], draws.values[s.label]) for s in inside]
        tone = tuple(p for p in acts if isinstance(p.step, (Tone, Color)))
        local = tuple(p for p in acts if isinstance(p.step, Local))
        bent = next((p for p in acts if isinstance(p.step, Distortion)), None)
        made = StagePlan(matrix, start, warped, tone, local, moved, None if moved is None else sizes, bent)
        output = self.settings.output
        if number == self.count - 1 and output is not None and output.size is not None:
            return _resized(made, output.size)
        return made


def map_before(leaves: Sequence[Transform], draws: Draws, sizes: Sizes) -> tuple[FloatArray, Sizes]:
    """What the first steps of a policy do to places.

    Args:
        leaves: The steps.
        draws: The numbers drawn for n images.
        sizes: Height and width of each image (n, 2), pixels.

    Returns:
        Their forward map (n, 3, 3), and the frames that they leave (n, 2).
    """
    matrix: FloatArray = np.broadcast_to(np.eye(3), (len(sizes), 3, 3))
    for step in leaves:
        if isinstance(step, Geometric) or may_move(step):
            part = part_of(step, draws, sizes)
            matrix, sizes = _product(part.matrix, matrix), part.after
    return matrix, sizes


def displaced_before(leaves: Sequence[Transform], draws: Draws, sizes: Sizes) -> FloatArray:
    """How far the distortions among the first steps of a policy move a place at most.

    Args:
        leaves: The steps.
        draws: The numbers drawn for n images.
        sizes: Height and width of each image (n, 2), pixels.

    Returns:
        Pixels (n,), in the frames that the steps leave.
    """
    total, frame = np.zeros(len(sizes)), sizes
    for place, step in enumerate(leaves):
        if isinstance(step, Distortion):
            _, frame = map_before(leaves[:place], draws, sizes)
            after, _ = map_before(leaves[place:], draws, frame)
            longest = np.linalg.norm(after[:, :2, :2], axis=(1, 2))
            far = step.strengths(draws.values[step.label], frame) * frame.min(axis=1) * longest
            total += np.where(draws.active[step.label], far, 0.0)
    return total


def _product(second: FloatArray, first: FloatArray) -> FloatArray:
    """second @ first (n, 3, 3); by columns where both are affine, since numpy multiplies small matrices slowly."""
    if second[:, 2, :2].any() or first[:, 2, :2].any():
        return second @ first
    out = np.zeros((len(second), 3, 3))
    for row in (0, 1):
        p, q, r = second[:, row].T
        for column in (0, 1, 2):
            np.multiply(p, first[:, 0, column], out=out[:, row, column])
            out[:, row, column] += q * first[:, 1, column]
        out[:, row, 2] += r
    out[:, 2, 2] = 1
    return out


def part_of(step: Geometric | Opaque, draws: Draws, sizes: Sizes) -> GeometricPart:
    """What one step does to places; nothing where it does not act. An opaque step is asked only where it acts."""
    active, values = draws.active[step.label], draws.values[step.label]
    if isinstance(step, Opaque) and not active.all():
        return _opaque_part(step, draws, sizes)
    matrix = step.matrices(values, sizes)
    after = step.sizes_after(values, sizes)
    factor = step.shape_factor(sizes, after)
    if not active.all():
        matrix = np.where(active[:, None, None], matrix, np.eye(3))
        if after is not sizes:
            after = np.where(active[:, None], after, sizes)
            factor = np.where(active[:, None], factor, 1.0)
    return GeometricPart(step, matrix, sizes, after, factor, active)


def _opaque_part(step: Opaque, draws: Draws, sizes: Sizes) -> GeometricPart:
    active = draws.active[step.label]
    rows = np.flatnonzero(active)
    part = part_of(step, draws.rows(rows), sizes[rows])
    matrix, after, factor = np.tile(np.eye(3), (len(sizes), 1, 1)), sizes.copy(), np.ones(sizes.shape)
    matrix[rows], after[rows], factor[rows] = part.matrix, part.after, part.factor
    return GeometricPart(step, matrix, sizes, after, factor, active)


def _resized(stage: StagePlan, size: object) -> StagePlan:
    after = np.broadcast_to(np.asarray(size, dtype=np.int64), stage.size_out.shape)
    matrix = scale_between(stage.size_out, after) @ stage.matrix
    return replace(stage, matrix=matrix, size_out=after)
