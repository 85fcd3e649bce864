"""Which steps a violating draw needs, and the draw as a witness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.base import Witness
from augsafe.planning import Draws, Plan
from augsafe.policies import Compose
from augsafe.transforms import Distortion, Erase, Geometric, Opaque, Sizes, Transform


def shrink(
    compose: Compose,
    plan: Plan,
    rows: NDArray[np.intp],
    persists: Callable[[Plan], NDArray[np.bool_]],
    *,
    judged: Sequence[Transform] | None = None,
    assemble: Callable[[Sizes, Draws], Plan] | None = None,
) -> NDArray[np.bool_]:
    """Which steps each draw needs for its outcome, (rows, leaves): others are switched off, last first.

    `persists` says for which rows of a plan the outcome is still there. judged: the steps that may bring it about, all
    that move pixels where left out. assemble: makes plans, as the policy does where left out.
    """
    make = assemble or compose.assemble
    draws, shapes = plan.draws.rows(rows), plan.shapes[rows]
    needed = np.stack([draws.active[leaf.label] for leaf in compose.leaves], axis=1)
    for column in range(len(compose.leaves) - 1, -1, -1):
        leaf = compose.leaves[column]
        concerned = isinstance(leaf, (Geometric, Opaque, Erase, Distortion)) if judged is None else leaf in judged
        if not concerned or not needed[:, column].any():
            needed[:, column] = False
            continue
        tried = make(shapes, draws.without(leaf))
        gone = persists(tried)
        needed[:, column] &= ~gone
        draws = draws.without(leaf, where=gone)
    return needed


def witness_of(compose: Compose, plan: Plan, row: int) -> Witness:
    """The draw of one row, ready to be replayed."""
    one = compose.assemble(plan.shapes[[row]], plan.draws.rows(np.array([row])))
    return Witness(one.describe(), one.record(), one.matrix[0], int(plan.draws.key.indices[row]))
