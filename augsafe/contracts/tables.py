"""A contract as arrays, for code that handles many draws at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts.limits import Limits
from augsafe.contracts.relations import KINDS, Key, Relation
from augsafe.contracts.symmetry import SYMMETRIES


@dataclass(frozen=True, eq=False)
class Tables:
    """The contract as read-only arrays over its n classes.

    kind (n, 8): indices into KINDS, one column for each of SYMMETRIES. target (n, 8): class indices, -1 for none. The
    limits (n,): where there is none, rotation, zoom_hi and displacement are infinite and the others 0.
    """

    kind: NDArray[np.int8]
    target: NDArray[np.int64]
    rotation: NDArray[np.float64]
    zoom_lo: NDArray[np.float64]
    zoom_hi: NDArray[np.float64]
    visible: NDArray[np.float64]
    min_pixels: NDArray[np.float64]
    displacement: NDArray[np.float64]


def tabulate(classes: Sequence[str], relations: Mapping[Key, Relation], limits: Sequence[Limits]) -> Tables:
    """The tables of some classes, their relations and their limits (one for each class)."""
    kind = np.full((len(classes), len(SYMMETRIES)), KINDS.index("unknown"), np.int8)
    target = np.full(kind.shape, -1, np.int64)
    position = {cls: i for i, cls in enumerate(classes)}
    for (cls, symmetry), relation in relations.items():
        cell = position[cls], SYMMETRIES.index(symmetry)
        kind[cell] = KINDS.index(relation.kind)
        if relation.to is not None:
            target[cell] = position[relation.to]
    zoom = [(0.0, np.inf) if x.zoom is None else x.zoom for x in limits]
    tables = Tables(
        kind,
        target,
        np.array([np.inf if x.rotation is None else x.rotation for x in limits], dtype=np.float64),
        np.array([low for low, _ in zoom], dtype=np.float64),
        np.array([high for _, high in zoom], dtype=np.float64),
        np.array([x.visible or 0.0 for x in limits], dtype=np.float64),
        np.array([x.min_pixels or 0.0 for x in limits], dtype=np.float64),
        np.array([np.inf if x.displacement is None else x.displacement for x in limits], dtype=np.float64),
    )
    for field in fields(Tables):
        getattr(tables, field.name).setflags(write=False)
    return tables
