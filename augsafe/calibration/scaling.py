"""The directions in which a policy grows stronger, and the policy held to some strengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augsafe.guards import discrete
from augsafe.policies import Compose
from augsafe.transforms import Choice, Parameter, Transform, written_in


@dataclass(frozen=True)
class Direction:
    """One way in which a step grows stronger: a parameter below or above its neutral value, or the step acting at all.

    `values` go from weak to strong.
    """

    step: str
    parameter: str
    side: str  # "below", "above" or "acts"
    values: tuple[float, ...]

    def at(self, compose: Compose, number: int) -> Compose:
        """This step on its own at one of the strengths, with p=1 and its other parameters neutral."""
        step = replace(compose.step(self.step), p=1.0)
        if self.side != "acts":
            value = self.values[number]
            step = alone(step, self.parameter, (value, value))
        return replace(compose, steps=(step,))


def alone(step: Transform, parameter: str, ends: tuple[float, float]) -> Transform:
    """The step with p=1 and one parameter in this range and the others neutral."""
    neutral: dict[str, Any] = {q.name: (q.neutral, q.neutral) for q in step.parameters if not q.free}
    return replace(step, p=1.0, **{**neutral, parameter: ends})


def directions(compose: Compose, grid: int) -> Iterator[Direction]:
    """Every way in which a policy's steps grow stronger, in `grid` equal parts of the way to the end of the range.

    Parameters that do nothing while the others are neutral, such as the angle of a motion blur, are no way.
    """
    for leaf in (leaf for step in compose.steps for leaf in written_in(step)):
        if leaf.never_acts:
            continue
        if discrete(leaf):
            yield Direction(leaf.label, "", "acts", (1.0,))
        for q in leaf.parameters:
            if q.free:
                continue
            low, high = leaf.bounds(q)
            for side, end in (("below", low), ("above", high)):
                stronger = end < q.neutral if side == "below" else end > q.neutral
                if stronger and not alone(leaf, q.name, (end, end)).never_acts:
                    yield Direction(leaf.label, q.name, side, _strengths(q, end, grid))


def _strengths(q: Parameter, end: float, grid: int) -> tuple[float, ...]:
    parts = np.arange(1, grid + 1) / grid
    return (*(float(v) for v in np.round(q.towards_neutral(np.full(grid, end), parts), 6)[:-1]), end)


def held_to(compose: Compose, ends: Mapping[tuple[str, str, str], float]) -> Compose:
    """The policy with the ends of its ranges moved in to these strengths, by (step, parameter, side)."""

    def held(step: Transform) -> Transform:
        if isinstance(step, Choice):
            return step.with_inside([held(s) for s in step.inside])
        new: dict[str, Any] = {}
        for q in step.parameters:
            if q.free:
                continue
            low, high = step.bounds(q)
            below = max(low, ends.get((step.label, q.name, "below"), low))
            above = min(high, ends.get((step.label, q.name, "above"), high))
            new[q.name] = (
                (min(below, above), max(below, above))
                if low <= q.neutral <= high
                else _within((low, high), below if high < q.neutral else above, q.neutral)
            )
        return replace(step, **new) if new else step

    return replace(compose, steps=tuple(held(step) for step in compose.steps))


def _within(ends: tuple[float, float], limit: float, neutral: float) -> tuple[float, float]:
    """A range on one side of the neutral value, cut off at a limit."""
    low, high = ends
    return (min(low, limit), min(high, limit)) if low > neutral else (max(low, limit), max(high, limit))
