"""Steps that choose among others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.transforms.base import Transform


@dataclass(frozen=True)
class OneOf(Transform):
    """Apply exactly one of `children`, chosen by `weights` (all alike when left out).

    A child always acts when it is chosen: its own `p` must be left at 1; flips, whose default is 0.5, are set to 1.
    """

    children: tuple[Transform, ...] = ()
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        children = tuple(self.children) if isinstance(self.children, (tuple, list)) else ()
        if not children or not all(isinstance(c, Transform) and not isinstance(c, OneOf) for c in children):
            raise ArgumentError(f"OneOf(children=...) must be a list of transforms, not nested, got {self.children!r}")
        children = tuple(_always(child) for child in children)
        object.__setattr__(self, "children", children)
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked_weights(len(children)))

    def _checked_weights(self, n: int) -> tuple[float, ...]:
        weights = self.weights
        if not isinstance(weights, (tuple, list)) or len(weights) != n:
            raise ArgumentError(f"OneOf(weights=...) must hold {n} numbers, one a child, got {weights!r}")
        if not all(isinstance(w, (int, float)) and np.isfinite(w) and w >= 0 for w in weights) or sum(weights) <= 0:
            raise ArgumentError(f"OneOf(weights=...) must be at least 0 and not all 0, got {weights!r}")
        return tuple(float(w) for w in weights)

    @property
    def shares(self) -> tuple[float, ...]:
        """The chance of each child, given that the step acts; they sum to 1."""
        weights = self.weights or (1.0,) * len(self.children)
        return tuple(w / sum(weights) for w in weights)

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or all(c.never_acts for c in self.children)


def _always(child: Transform) -> Transform:
    from dataclasses import fields, replace

    default = next(f.default for f in fields(child) if f.name == "p")
    if child.p not in (1.0, default):
        raise ArgumentError(f"OneOf: {child.label} has p={child.p:g}; use weights= to say how likely a child is")
    return replace(child, p=1.0)
