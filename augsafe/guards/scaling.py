"""One number for the strength of a policy: 0 leaves images as they are, 1 is the policy as it was given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augsafe.policies import Compose
from augsafe.transforms import AllOf, Choice, OneOf, Repeat, SomeOf, Transform

DIGITS = 6  # of a chance to act


def discrete(step: Transform) -> bool:
    """Whether the step acts or does not, without a strength: flips, quarter turns, inversion, foreign steps."""
    return not step.frame and all(q.free for q in step.parameters)


def narrowed(step: Transform, keep: float) -> Transform:
    """The step with its ranges shrunk towards what changes nothing; `keep` = 1 leaves them."""
    new: dict[str, Any] = {}
    for q in step.parameters:
        if q.free:
            continue
        ends = q.towards_neutral(np.array(step.bounds(q)), np.array(keep))
        # round towards the neutral value, so that a limit that was met stays met
        rounded = [np.floor(v * 1000 + 1e-6) / 1000 if v > q.neutral else np.ceil(v * 1000 - 1e-6) / 1000 for v in ends]
        new[q.name] = (float(rounded[0]) + 0.0, float(rounded[1]) + 0.0)  # no -0
    return replace(step, **new)


def scaled(compose: Compose, scale: float) -> Compose:
    """The policy with its ranges shrunk towards the identity; what has no strength acts less often instead.

    A flip with p = 0.5 at scale 0.4 has p = 0.2; a child of OneOf without a strength is chosen less often; a SomeOf
    that holds one acts less often. Steps that set the frame stay. Ends of ranges are rounded towards the identity, so
    the policy written is the one measured.
    """
    if scale == 1:
        return compose
    return with_steps(compose, [scaled_step(step, scale) for step in compose.steps])


def scaled_step(step: Transform, scale: float) -> Transform | None:
    """One step of `scaled`; None where nothing is left of it."""
    if isinstance(step, OneOf):
        kept = [(*_weaker_child(c, scale), share) for c, share in zip(step.children, step.shares, strict=True)]
        children = tuple((c, part * share) for c, part, share in kept if c is not None and part * share > 0)
        return choice_of(step, children, sum(weight for _, weight in children))
    if isinstance(step, SomeOf):
        if scale == 0 and not any(c.frame for c in step.children):
            return None
        inside = [c if discrete(c) else narrowed(c, scale) for c in step.children]
        return replace(step, children=tuple(inside), p=_down(step.p * (scale if any(map(discrete, inside)) else 1.0)))
    if isinstance(step, Choice):
        held = [scaled_step(s, scale) for s in step.inside]
        left = [s for s in held if s is not None]
        if isinstance(step, AllOf):
            return replace(step, children=tuple(left)) if left else None
        return None if None in held else step.with_inside(left)
    if discrete(step):
        return replace(step, p=_down(step.p * scale)) if scale > 0 else None
    return None if scale == 0 and not step.frame else narrowed(step, scale)


def _weaker_child(child: Transform, scale: float) -> tuple[Transform | None, float]:
    """A child of OneOf at a scale, and the share that is left of its chance."""
    if isinstance(child, Choice):
        return scaled_step(child, scale), 1.0
    return (child, scale) if discrete(child) else (narrowed(child, scale), 1.0)


def leave_out(compose: Compose, names: Collection[str]) -> Compose:
    """The policy without some steps or children; the other children of a choice share what theirs was."""
    if not names:
        return compose

    def left(step: Transform) -> Transform | None:
        if step.label in names:
            return None
        if isinstance(step, OneOf):
            inside = zip(map(left, step.children), step.shares, strict=True)
            kept = tuple((c, share) for c, share in inside if c is not None)
            if tuple(c for c, _ in kept) != step.children:
                total = sum(share for _, share in kept)
                chosen = choice_of(step, kept, total)
                return None if chosen is None else replace(chosen, p=step.p)
        if isinstance(step, SomeOf):
            children = tuple(c for c in step.children if c.label not in names)
            low, high = (min(count, len(children)) for count in step.counts)
            return replace(step, children=children, n=(low, high)) if children else None
        if isinstance(step, AllOf):
            parts = tuple(c for c in map(left, step.children) if c is not None)
            return replace(step, children=parts) if parts else None
        if isinstance(step, Repeat):
            child = left(step.child)
            return None if child is None else replace(step, child=child)
        return step

    return with_steps(compose, [left(step) for step in compose.steps])


def choice_of(step: OneOf, children: tuple[tuple[Transform, float], ...], share: float) -> OneOf | None:
    """A choice of these, each as likely as its weight says: what is missing is left to no step at all."""
    if not children or share <= 0:
        return None
    each = tuple(round(w / share, DIGITS) for _, w in children)
    weights = each if len(set(each)) > 1 else None
    return replace(step, children=tuple(c for c, _ in children), weights=weights, p=_down(min(step.p * share, step.p)))


def _down(p: float) -> float:
    return float(np.floor(p * 10**DIGITS + 1e-6) / 10**DIGITS)


def with_steps(compose: Compose, steps: Sequence[Transform | None]) -> Compose:
    """The policy with other steps; those that are None are left out."""
    return replace(compose, steps=tuple(s for s in steps if s is not None))
