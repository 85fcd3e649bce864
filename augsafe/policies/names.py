"""The names of steps: unique in a policy, and fixed when it is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from augsafe.errors import ArgumentError
from augsafe.policies.files import near
from augsafe.transforms import Choice, Transform, leaves_of, walk


def named_steps(given: tuple[object, ...]) -> tuple[Transform, ...]:
    """Give each step, and each child, a name that is unique. Raises ArgumentError."""
    steps: list[Transform] = []
    for step in given:
        if not isinstance(step, Transform):
            raise ArgumentError(f"Compose(steps=...) must hold transforms, got {step!r} of {type(step).__name__}")
        steps.append(step)
    taken = [held.name for step in steps for held in walk(step) if held.name]
    _unique(taken)
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
        if isinstance(step, Choice):
            step = step.with_inside([named(held) for held in step.inside])
        return step

    out = tuple(named(step) for step in steps)
    _unique([leaf.label for step in out for leaf in leaves_of(step)])
    return out


def step_named(name: str, steps: Sequence[Transform], leaves: Sequence[Transform]) -> Transform:
    """The step of that name.

    Args:
        name: The name of a step, of a leaf, or of what a choice holds.
        steps: The steps of a policy.
        leaves: Those that act.

    Returns:
        The step.

    Raises:
        ArgumentError: There is none.
    """
    inside = (held for step in steps for held in walk(step))
    for step in (*steps, *leaves, *inside):
        if step.label == name:
            return step
    raise ArgumentError(f"this policy has no step {name!r}{near(name, [s.label for s in steps])}")


def _unique(names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ArgumentError(f"two steps are called {name!r}; a step's name must be unique in its policy")
