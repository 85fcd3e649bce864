"""The random numbers of steps: drawn from a key, or read from a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augsafe.planning import Draws
from augsafe.randomness import Key, uniforms
from augsafe.transforms import Sizes, Transform, draw_step


def sample_steps(steps: Sequence[Transform], key: Key, slots: Sequence[tuple[str, int]]) -> Draws:
    """Sample every step.

    Args:
        steps: The steps of a policy.
        key: What identifies n images.
        slots: The name of each step, and how many random numbers it needs.

    Returns:
        For each step, whether it acts on each image, and its values.
    """
    u, n = uniforms(key, slots), len(key.indices)
    drawn = [found for step in steps for found in draw_step(step, np.ones(n, bool), u)]
    return Draws(key, {name: acts for name, acts, _ in drawn}, {name: values for name, _, values in drawn})


def recorded(record: Mapping[str, Any]) -> tuple[Sizes, Draws]:
    """The frames (n, 2) and the draws of a record made by `Plan.record`."""
    key = Key.of(record["seed"], record["epoch"], record["indices"], record["view"])
    key = replace(key, attempts=np.asarray(record["attempts"], dtype=np.int64))
    active = {name: np.asarray(column, dtype=bool) for name, column in record["active"].items()}
    values = {
        name: {k: np.asarray(v, dtype=float) for k, v in columns.items()} for name, columns in record["values"].items()
    }
    return np.asarray(record["shapes"], dtype=np.int64), Draws(key, active, values)
