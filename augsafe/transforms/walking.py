"""What steps hold, and how they are drawn: a choice has others inside, which may be choices themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray
from augsafe.transforms.base import Transform, Values
from augsafe.transforms.choice import Choice


def leaves_of(step: Transform) -> tuple[Transform, ...]:
    """The steps that act: the step itself, or those that a choice holds, copies apart."""
    if not isinstance(step, Choice):
        return (step,)
    return tuple(leaf for part in step.parts for leaf in leaves_of(part))


def written_in(step: Transform) -> tuple[Transform, ...]:
    """As `leaves_of`, but the steps as they are written: the one of a Repeat stands once."""
    if not isinstance(step, Choice):
        return (step,)
    return tuple(leaf for held in step.inside for leaf in written_in(held))


def walk(step: Transform) -> Iterator[Transform]:
    """The step, and everything it holds as it is written, choices included."""
    yield step
    if isinstance(step, Choice):
        for held in step.inside:
            yield from walk(held)


def slots_of(step: Transform) -> list[tuple[str, int]]:
    """The names of the step and of what it holds, each with how many random numbers it needs."""
    if not isinstance(step, Choice):
        return [(step.label, 1 + len(step.parameters))]
    return [(step.label, 1 + step.slots), *(slot for part in step.parts for slot in slots_of(part))]


def draw_step(
    step: Transform, chosen: NDArray[np.bool_], u: Mapping[str, FloatArray]
) -> Iterator[tuple[str, NDArray[np.bool_], Values]]:
    """Turn uniform numbers into the draws of one step.

    Args:
        step: The step; a choice gives the draws of everything in it.
        chosen: On which images it may act (n,).
        u: Uniform numbers for each step name (slots, n).

    Yields:
        The name of each leaf, on which images it acts (n,), and its values (n,).
    """
    row = u[step.label]
    acts = chosen if step.p == 1 else chosen & (row[0] < step.p)
    if not isinstance(step, Choice):
        yield step.label, acts, step.draw(row[1:])
        return
    parts = step.parts
    for part, on in zip(parts, step.choose(row[1:], np.stack([u[q.label][0] for q in parts])), strict=True):
        yield from draw_step(part, acts & on, u)
