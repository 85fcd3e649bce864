"""One number for the strength of a policy: 0 leaves images as they are, 1 is the policy as it was given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augsafe.compose import Compose
from augsafe.guards.mend import narrowed
from augsafe.transforms import Choice, OneOf, Repeat, SomeOf, Transform
from augsafe.transforms.base import Parameter
from augsafe.transforms.choice import written_in

DIGITS = 6  # of a chance to act


def discrete(step: Transform) -> bool:
    """Whether the step acts or does not, without a strength: flips, quarter turns, inversion, foreign steps."""
    return not step.frame and all(q.free for q in step.parameters)


def scaled(compose: Compose, scale: float) -> Compose:
    """The policy with its ranges shrunk towards the identity; what has no strength acts less often instead.

    A flip with p = 0.5 at scale 0.4 has p = 0.2; a child of OneOf without a strength is chosen less often; a SomeOf
    that holds one acts less often. Steps that set the frame stay. Ends of ranges are rounded towards the identity, so
    the policy written is the one measured.
    """
    if scale == 1:
        return compose
    return _with_steps(compose, [scaled_step(step, scale) for step in compose.steps])


def scaled_step(step: Transform, scale: float) -> Transform | None:
    """One step of `scaled`; None where nothing is left of it."""
    if isinstance(step, OneOf):
        kept = [
            (c, share * (scale if discrete(c) else 1.0)) for c, share in zip(step.children, step.shares, strict=True)
        ]
        children = tuple((c if discrete(c) else narrowed(c, scale), weight) for c, weight in kept if weight > 0)
        return _choice(step, children, sum(weight for _, weight in children))
    if isinstance(step, SomeOf):
        if scale == 0 and not any(c.frame for c in step.children):
            return None
        inside = [c if discrete(c) else narrowed(c, scale) for c in step.children]
        return replace(step, children=tuple(inside), p=_down(step.p * (scale if any(map(discrete, inside)) else 1.0)))
    if isinstance(step, Choice):
        held = [scaled_step(s, scale) for s in step.inside]
        return None if None in held else step.with_inside([s for s in held if s is not None])
    if discrete(step):
        return replace(step, p=_down(step.p * scale)) if scale > 0 else None
    return None if scale == 0 and not step.frame else narrowed(step, scale)


def _choice(step: OneOf, children: tuple[tuple[Transform, float], ...], share: float) -> OneOf | None:
    """A choice of these, each as likely as its weight says: what is missing is left to no step at all."""
    if not children or share <= 0:
        return None
    weights = tuple(round(w / share, DIGITS) for _, w in children)
    return replace(step, children=tuple(c for c, _ in children), weights=weights, p=_down(min(step.p * share, step.p)))


def _down(p: float) -> float:
    return float(np.floor(p * 10**DIGITS + 1e-6) / 10**DIGITS)


def _with_steps(compose: Compose, steps: list[Transform | None]) -> Compose:
    return replace(compose, steps=tuple(s for s in steps if s is not None))


def leave_out(compose: Compose, names: Collection[str]) -> Compose:
    """The policy without some steps or children; the other children of a choice share what theirs was."""
    if not names:
        return compose

    def left(step: Transform) -> Transform | None:
        if step.label in names:
            return None
        if isinstance(step, OneOf):
            kept = tuple(
                (c, share) for c, share in zip(step.children, step.shares, strict=True) if c.label not in names
            )
            if len(kept) < len(step.children):
                total = sum(share for _, share in kept)
                chosen = _choice(step, kept, total)
                return None if chosen is None else replace(chosen, p=step.p)
        if isinstance(step, SomeOf):
            children = tuple(c for c in step.children if c.label not in names)
            low, high = (min(count, len(children)) for count in step.counts)
            return replace(step, children=children, n=(low, high)) if children else None
        if isinstance(step, Repeat):
            child = left(step.child)
            return None if child is None else replace(step, child=child)
        return step

    return _with_steps(compose, [left(step) for step in compose.steps])


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
        """This step alone at one of the strengths, always acting, its other parameters neutral."""
        step = replace(compose.step(self.step), p=1.0)
        if self.side != "acts":
            fixed: dict[str, Any] = {q.name: (q.neutral, q.neutral) for q in step.parameters if not q.free}
            value = self.values[number]
            step = replace(step, **{**fixed, self.parameter: (value, value)})
        return replace(compose, steps=(step,))


def directions(compose: Compose, grid: int) -> Iterator[Direction]:
    """Every way in which a policy's steps grow stronger, in `grid` equal parts of the way to the end of the range."""
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
                if (end < q.neutral) if side == "below" else (end > q.neutral):
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
