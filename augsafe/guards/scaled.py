"""One number for the strength of a policy: 0 leaves images as they are, 1 is the policy as it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from augsafe.compose import Compose
from augsafe.guards.mend import narrowed
from augsafe.transforms import AllOf, Choice, OneOf, SomeOf, Transform

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


def choice_of(step: OneOf, children: tuple[tuple[Transform, float], ...], share: float) -> OneOf | None:
    """A choice of these, each as likely as its weight says: what is missing is left to no step at all."""
    if not children or share <= 0:
        return None
    weights = tuple(round(w / share, DIGITS) for _, w in children)
    return replace(step, children=tuple(c for c, _ in children), weights=weights, p=_down(min(step.p * share, step.p)))


def _down(p: float) -> float:
    return float(np.floor(p * 10**DIGITS + 1e-6) / 10**DIGITS)


def with_steps(compose: Compose, steps: Sequence[Transform | None]) -> Compose:
    """The policy with other steps; those that are None are left out."""
    return replace(compose, steps=tuple(s for s in steps if s is not None))
