"""Steps that choose among others, or repeat one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms.base import Transform

MOST_TIMES = 16


@dataclass(frozen=True)
class Choice(Transform):
    """Base of steps that hold others: says for each image which of its `parts` act, in the order of the list."""

    @property
    def parts(self) -> tuple[Transform, ...]:
        """The steps inside, as they act: each has draws of its own."""
        raise NotImplementedError

    @property
    def counts(self) -> tuple[int, int]:
        """The fewest and the most parts that act where the step acts."""
        raise NotImplementedError

    @property
    def chances(self) -> tuple[float, ...]:
        """The chance of each part to be chosen, given that the step acts."""
        raise NotImplementedError

    @property
    def slots(self) -> int:
        """How many random numbers the choice needs, beside the one that says whether the step acts."""
        return 1

    def choose(self, own: FloatArray, first: FloatArray) -> NDArray[np.bool_]:
        """Choose parts for n images.

        Args:
            own: The choice's own uniform numbers (slots, n).
            first: The first uniform number of each part (parts, n).

        Returns:
            Which parts act (parts, n).
        """
        raise NotImplementedError

    @property
    def inside(self) -> tuple[Transform, ...]:
        """The steps inside, as they are written: that of a Repeat stands once."""
        return self.parts

    def with_inside(self, steps: Sequence[Transform]) -> Choice:
        """The same choice of other steps, as many as before."""
        raise NotImplementedError

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or all(part.never_acts for part in self.parts)


@dataclass(frozen=True)
class OneOf(Choice):
    """Apply exactly one of `children`, chosen at random by `weights`.

    A child always acts when it is chosen: its own `p` must be left at 1; flips, whose default is 0.5, are set to 1.

    Args:
        children: The steps to choose from.
        weights: How likely each child is, in proportion; default: all are equally likely.

    Raises:
        ArgumentError: A child cannot be chosen, or the weights do not fit.
    """

    children: Sequence[Transform] = ()
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "children", _checked_children("OneOf", self.children))
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked_weights(len(self.children)))

    def _checked_weights(self, n: int) -> tuple[float, ...]:
        weights = self.weights
        if not isinstance(weights, (tuple, list)) or len(weights) != n:
            raise ArgumentError(f"OneOf(weights=...) must hold {n} numbers, one a child, got {weights!r}")
        if not all(isinstance(w, (int, float)) and np.isfinite(w) and w >= 0 for w in weights) or sum(weights) <= 0:
            raise ArgumentError(f"OneOf(weights=...) must be at least 0 and not all 0, got {weights!r}")
        return tuple(float(w) for w in weights)

    @property
    def parts(self) -> tuple[Transform, ...]:
        return tuple(self.children)

    @property
    def counts(self) -> tuple[int, int]:
        return (1, 1)

    @property
    def shares(self) -> tuple[float, ...]:
        """The chance of each child, given that the step acts; they sum to 1."""
        weights = self.weights or (1.0,) * len(self.children)
        return tuple(w / sum(weights) for w in weights)

    @property
    def chances(self) -> tuple[float, ...]:
        return self.shares

    def choose(self, own: FloatArray, first: FloatArray) -> NDArray[np.bool_]:
        choice = np.searchsorted(np.cumsum(self.shares)[:-1], own[0], side="right")
        return np.asarray(choice == np.arange(len(self.children))[:, None])

    def with_inside(self, steps: Sequence[Transform]) -> Choice:
        return replace(self, children=tuple(steps))


@dataclass(frozen=True)
class SomeOf(Choice):
    """Apply some of `children`, each at most once and in the order of the list.

    Every set of that many children is as likely as every other. A child always acts when it is chosen, as in `OneOf`.

    Args:
        children: The steps to choose from.
        n: How many: a number, or (fewest, most), of which each count is equally likely.

    Raises:
        ArgumentError: A child cannot be chosen, or there are fewer than `n`.
    """

    children: Sequence[Transform] = ()
    n: tuple[int, int] | int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "children", _checked_children("SomeOf", self.children))
        pair = (self.n, self.n) if isinstance(self.n, (int, np.integer)) else self.n
        most = len(self.children)
        whole = isinstance(pair, (tuple, list)) and len(pair) == 2 and all(_is_whole(v) for v in pair)
        if not whole or not 0 <= pair[0] <= pair[1] <= most or pair[1] < 1:
            raise ArgumentError(
                f"SomeOf(n=...) must be a number or (fewest, most) from 0 to its {most} children, and not 0 at most, "
                f"got {self.n!r}"
            )
        object.__setattr__(self, "n", (int(pair[0]), int(pair[1])))

    @property
    def parts(self) -> tuple[Transform, ...]:
        return tuple(self.children)

    @property
    def counts(self) -> tuple[int, int]:
        assert isinstance(self.n, tuple)
        return self.n

    @property
    def chances(self) -> tuple[float, ...]:
        return (sum(self.counts) / 2 / len(self.children),) * len(self.children)

    def choose(self, own: FloatArray, first: FloatArray) -> NDArray[np.bool_]:
        low, high = self.counts
        count = np.minimum(low + np.floor(own[0] * (high - low + 1)), high)
        # the children whose own numbers are least: so leaving one out leaves the order of the others as it was
        rank = np.argsort(np.argsort(first, axis=0, kind="stable"), axis=0, kind="stable")
        return np.asarray(rank < count)

    def with_inside(self, steps: Sequence[Transform]) -> Choice:
        return replace(self, children=tuple(steps))


@dataclass(frozen=True)
class Repeat(Choice):
    """Apply `child` several `times` in a row, each time with new random values.

    Each time it acts with its own `p`. It may be a choice: `Repeat(OneOf([...]), 2)` applies one of them, then again
    one. The copies are called `name/1`, `name/2` and so on.

    Args:
        child: The step to repeat; not another `Repeat`.
        times: How often, from 1 to 16.

    Raises:
        ArgumentError: A value cannot be used.
    """

    child: Transform
    times: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.child, Transform) or isinstance(self.child, Repeat):
            raise ArgumentError(f"Repeat(child=...) must be one transform, not another Repeat, got {self.child!r}")
        if not _is_whole(self.times) or not 1 <= self.times <= MOST_TIMES:
            raise ArgumentError(f"Repeat(times=...) must be a whole number from 1 to {MOST_TIMES}, got {self.times!r}")

    @property
    def parts(self) -> tuple[Transform, ...]:
        return tuple(_copy(self.child, k) for k in range(1, self.times + 1))

    @property
    def counts(self) -> tuple[int, int]:
        return (self.times, self.times)

    @property
    def chances(self) -> tuple[float, ...]:
        return (1.0,) * self.times

    @property
    def slots(self) -> int:
        return 0

    def choose(self, own: FloatArray, first: FloatArray) -> NDArray[np.bool_]:
        return np.ones(first.shape, bool)

    @property
    def inside(self) -> tuple[Transform, ...]:
        return (self.child,)

    def with_inside(self, steps: Sequence[Transform]) -> Choice:
        return replace(self, child=steps[0])


@dataclass(frozen=True)
class AllOf(Choice):
    """Apply all `children` in their order, each with its own `p`: a group, to be chosen as one in `OneOf`.

    `OneOf([AllOf([a, b]), AllOf([c, d])])` applies a and b, or c and d. A child may be a choice.

    Args:
        children: The steps of the group.

    Raises:
        ArgumentError: A child is no transform, or is another `AllOf`.
    """

    children: Sequence[Transform] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        children = tuple(self.children) if isinstance(self.children, (tuple, list)) else ()
        if not children or not all(isinstance(c, Transform) and not isinstance(c, AllOf) for c in children):
            raise ArgumentError(
                f"AllOf(children=...) must be a list of transforms, not AllOf again, got {self.children!r}"
            )
        object.__setattr__(self, "children", children)

    @property
    def parts(self) -> tuple[Transform, ...]:
        return tuple(self.children)

    @property
    def counts(self) -> tuple[int, int]:
        return (len(self.children),) * 2

    @property
    def chances(self) -> tuple[float, ...]:
        return (1.0,) * len(self.children)

    @property
    def slots(self) -> int:
        return 0

    def choose(self, own: FloatArray, first: FloatArray) -> NDArray[np.bool_]:
        return np.ones(first.shape, bool)

    def with_inside(self, steps: Sequence[Transform]) -> Choice:
        return replace(self, children=tuple(steps))


def _copy(step: Transform, number: int) -> Transform:
    """One of the copies of a repeated step, with a name of its own and so draws of its own."""
    if isinstance(step, Choice):
        step = step.with_inside([_copy(held, number) for held in step.inside])
    return replace(step, name=f"{step.label}/{number}")


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _checked_children(owner: str, given: Any) -> tuple[Transform, ...]:
    children = tuple(given) if isinstance(given, (tuple, list)) else ()
    nested = (SomeOf, OneOf, Repeat) if owner == "OneOf" else (Choice,)
    if not children or not all(isinstance(c, Transform) and not isinstance(c, nested) for c in children):
        hint = "not nested but for AllOf" if owner == "OneOf" else "not nested"
        raise ArgumentError(f"{owner}(children=...) must be a list of transforms, {hint}, got {given!r}")
    return tuple(_always(owner, child) for child in children)


def _always(owner: str, child: Transform) -> Transform:
    default = next(f.default for f in fields(child) if f.name == "p")
    if child.p not in (1.0, default):
        hint = "use weights= to say how likely a child is" if owner == "OneOf" else "leave it out: n= says how many act"
        raise ArgumentError(f"{owner}: {child.label} has p={child.p:g}; {hint}")
    return replace(child, p=1.0)
