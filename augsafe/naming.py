"""The names of steps: unique in a policy, and fixed when it is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from augsafe.errors import ArgumentError
from augsafe.transforms import OneOf, Transform


def named_steps(steps: tuple[Any, ...]) -> tuple[Transform, ...]:
    """Give each step, and each child, a name that is unique."""
    flat: list[Any] = [part for s in steps for part in ((s, *s.children) if isinstance(s, OneOf) else (s,))]
    for step in flat:
        if not isinstance(step, Transform):
            raise ArgumentError(f"Compose(steps=...) must hold transforms, got {step!r} of {type(step).__name__}")
    taken = [step.name for step in flat if step.name]
    for name in taken:
        if taken.count(name) > 1:
            raise ArgumentError(f"two steps are called {name!r}; a step's name must be unique in its policy")
    used = set(taken)

    def named(step: Transform) -> Transform:
        if not step.name:
            base, number = step.label, 1
            name = base
            while name in used:
                number += 1
                name = f"{base}-{number}"
            used.add(name)
            step = replace(step, name=name)
        if isinstance(step, OneOf):
            step = replace(step, children=tuple(named(child) for child in step.children))
        return step

    return tuple(named(step) for step in steps)
