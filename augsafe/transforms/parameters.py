"""The random numbers of a transform, and checks of ranges and sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray

Range = tuple[float, float]


def as_range(owner: str, name: str, value: object, low: float, high: float) -> Range:
    """Check a range.

    Args:
        owner: Whose it is, for the message, such as "Rotate".
        name: The argument's name.
        value: What was given.
        low: The least that it may hold.
        high: The most that it may hold.

    Returns:
        (low, high) as floats.

    Raises:
        ArgumentError: It is not a pair of finite numbers, in order and within the limits.
    """
    where = f"{owner}({name}=...)"
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ArgumentError(f"{where} must be a pair (low, high), got {value!r}")
    for bound in value:
        if isinstance(bound, bool) or not isinstance(bound, (int, float, np.number)) or not math.isfinite(bound):
            raise ArgumentError(f"{where} must hold two finite numbers, got {value!r}")
    first, second = float(value[0]), float(value[1])
    if first > second:
        raise ArgumentError(f"{where} has low > high: got {value!r}; write ({second:g}, {first:g})")
    if first < low or second > high:
        raise ArgumentError(f"{where} must lie within [{low:g}, {high:g}], got {value!r}")
    return first, second


def as_size(owner: str, name: str, value: object) -> tuple[int, int]:
    """Check a size in pixels.

    Args:
        owner: Whose it is, for the message, such as "Resize".
        name: The argument's name.
        value: What was given: one side, or (height, width).

    Returns:
        (height, width).

    Raises:
        ArgumentError: It is no size, or a side is not from 1 to 32766.
    """
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ArgumentError(f"{owner}({name}=...) must be a side or (height, width) in pixels, got {value!r}")
    for side in pair:
        if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or not 1 <= side <= 32766:
            raise ArgumentError(f"{owner}({name}=...) needs sides from 1 to 32766 pixels, got {value!r}")
    return int(pair[0]), int(pair[1])


@dataclass(frozen=True)
class Parameter:
    """One random number of a transform, drawn from the range in the field of the same name.

    Args:
        name: The name of the field, and of the value that is drawn.
        neutral: The value that changes nothing.
        low: The least that a range may hold.
        high: The most that a range may hold.
        log: Draw uniformly in the logarithm, so that 1/2 and 2 are equally likely.
        free: Always draw from [0, 1), such as a crop's place; there is no field.
        whole: Draw whole numbers, both ends of the range included and all equally likely.
    """

    name: str
    neutral: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    log: bool = False
    free: bool = False
    whole: bool = False

    def from_uniform(self, u: FloatArray, bounds: Range) -> FloatArray:
        """Map uniform numbers to the range.

        Args:
            u: Numbers in [0, 1) (n,).
            bounds: The range.

        Returns:
            Values (n,).
        """
        low, high = bounds
        if low == high:
            return np.full(u.shape, low)
        if self.whole:
            return np.asarray(np.minimum(low + np.floor(u * (high - low + 1)), high))
        if self.log:
            return np.clip(np.exp(math.log(low) + u * (math.log(high) - math.log(low))), low, high)
        return low + u * (high - low)

    def towards_neutral(self, value: FloatArray, keep: FloatArray) -> FloatArray:
        """Shrink values towards the neutral one.

        Args:
            value: Values (n,).
            keep: How much of each to keep (n,), from 1 (all) to 0 (the neutral value).

        Returns:
            Values (n,).
        """
        if self.log:
            return np.asarray(self.neutral * (value / self.neutral) ** keep)
        move = (value - self.neutral) * keep
        if self.whole:
            move = np.trunc(move + np.copysign(1e-9, move))
        return np.asarray(self.neutral + move)
