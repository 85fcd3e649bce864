"""Shift, zoom, rotate, shear, mirror and tilt: the frame stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms.base import Geometric, Move, Sizes, Values
from augsafe.transforms.parameters import Parameter, Range


def identity(n: int) -> FloatArray:
    """N identity matrices (n, 3, 3)."""
    matrices = np.zeros((n, 3, 3))
    matrices[:, (0, 1, 2), (0, 1, 2)] = 1.0
    return matrices


def centre(sizes: Sizes) -> FloatArray:
    """The middle of each frame as (n, 2) x, y; pixel centres are at whole numbers."""
    return (sizes[:, ::-1] - 1) / 2.0


def about_centre(
    sizes: Sizes,
    a: FloatArray | float,
    b: FloatArray | float,
    c: FloatArray | float,
    d: FloatArray | float,
) -> FloatArray:
    """Linear maps about the middle of the frame.

    Args:
        sizes: Height and width of each frame (n, 2), pixels.
        a: Of the map [[a, b], [c, d]] (n,), for x right and y down.
        b: As `a`.
        c: As `a`.
        d: As `a`.

    Returns:
        Forward maps (n, 3, 3).
    """
    x, y = (sizes[:, 1] - 1) / 2.0, (sizes[:, 0] - 1) / 2.0
    out = np.zeros((len(sizes), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = a, b, x - a * x - b * y
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = c, d, y - c * x - d * y
    out[:, 2, 2] = 1.0
    return out


@dataclass(frozen=True)
class Shift(Geometric):
    """Move the image; `x` and `y` are fractions of its width and height, positive to the right and down.

    Args:
        x: Range of the fraction of the width, within [-1, 1]; positive moves to the right.
        y: Range of the fraction of the height, within [-1, 1]; positive moves down.
    """

    x: Range = (-0.1, 0.1)
    y: Range = (-0.1, 0.1)

    parameters: ClassVar = (Parameter("x", low=-1, high=1), Parameter("y", low=-1, high=1))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        out = identity(len(sizes))
        out[:, 0, 2] = values["x"] * sizes[:, 1]
        out[:, 1, 2] = values["y"] * sizes[:, 0]
        return out

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(shift=(self.x, self.y)),)


@dataclass(frozen=True)
class Zoom(Geometric):
    """Scale about the centre by `factor`; above 1 enlarges.

    Args:
        factor: Range of the factor, within [0.01, 100]. It is drawn uniformly in its logarithm, so that halving is as
            likely as doubling.
    """

    factor: Range = (0.8, 1.25)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0.01, high=100, log=True),)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return about_centre(sizes, values["factor"], 0.0, 0.0, values["factor"])

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(scale=self.factor),)


@dataclass(frozen=True)
class Rotate(Geometric):
    """Rotate the image about its centre by `angle` degrees, counter-clockwise as displayed.

    Args:
        angle: Range of the angle in degrees, within [-360, 360].
    """

    angle: Range = (-15.0, 15.0)

    parameters: ClassVar = (Parameter("angle", low=-360, high=360),)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        radians = np.deg2rad(values["angle"])
        cos, sin = np.cos(radians), np.sin(radians)
        return about_centre(sizes, cos, sin, -sin, cos)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(rotation=self.angle),)


@dataclass(frozen=True)
class Shear(Geometric):
    """Slant the image about its centre; `x` and `y` are degrees of slant along each axis.

    Args:
        x: Range of the slant along x in degrees, within [-80, 80].
        y: Range of the slant along y in degrees, within [-80, 80].

    Raises:
        ArgumentError: Both together would fold the image flat.
    """

    x: Range = (-10.0, 10.0)
    y: Range = (0.0, 0.0)

    parameters: ClassVar = (Parameter("x", low=-80, high=80), Parameter("y", low=-80, high=80))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._largest_product() >= 0.98:
            raise ArgumentError(f"Shear(x={self.x}, y={self.y}) folds the image flat; lower one of the two")

    def _largest_product(self) -> float:
        return max(math.tan(math.radians(x)) * math.tan(math.radians(y)) for x in self.x for y in self.y)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return about_centre(sizes, 1.0, np.tan(np.deg2rad(values["x"])), np.tan(np.deg2rad(values["y"])), 1.0)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        (x0, x1), (y0, y1) = (tuple(math.tan(math.radians(v)) for v in side) for side in (self.x, self.y))
        rotation = tuple(math.degrees(math.atan2(t, 2)) for t in (x0 - y1, x1 - y0))
        turn = max(abs(x0 - y1), abs(x1 - y0))
        stretch = max(abs(x0 + y0), abs(x1 + y1))
        largest = (math.hypot(2, turn) + stretch) / 2
        smallest = (1 - self._largest_product()) / largest
        # |b/a| = (s1 - s2) / (s1 + s2), and |a| is at least 1 here
        return (
            Move(
                rotation=(rotation[0], rotation[1]),
                scale=(smallest, largest),
                dilatation=min(stretch / 2, (largest - smallest) / (largest + smallest)),
            ),
        )


@dataclass(frozen=True)
class HorizontalFlip(Geometric):
    """Mirror left and right.

    Args:
        p: The probability to act on an image.
    """

    p: float = field(default=0.5, kw_only=True)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return about_centre(sizes, -1.0, 0.0, 0.0, 1.0)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(mirror=True),)


@dataclass(frozen=True)
class VerticalFlip(Geometric):
    """Mirror top and bottom.

    Args:
        p: The probability to act on an image.
    """

    p: float = field(default=0.5, kw_only=True)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return about_centre(sizes, 1.0, 0.0, 0.0, -1.0)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(mirror=True, rotation=(180.0, 180.0)),)


@dataclass(frozen=True)
class Rotate90(Geometric):
    """Rotate by a multiple of 90 degrees counter-clockwise, one of `turns` at random.

    Height and width are swapped by 90 and 270 degrees.

    Args:
        turns: How many times 90 degrees, each from 0 to 3; all are equally likely.
    """

    turns: Sequence[int] = (0, 1, 2, 3)

    parameters: ClassVar = (Parameter("turn", free=True),)

    def __post_init__(self) -> None:
        super().__post_init__()
        turns = tuple(self.turns) if isinstance(self.turns, (tuple, list)) else ()
        if not turns or any(isinstance(t, bool) or t not in (0, 1, 2, 3) for t in turns):
            raise ArgumentError(f"Rotate90(turns=...) must hold numbers from 0 to 3, got {self.turns!r}")
        object.__setattr__(self, "turns", turns)

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        choice = np.minimum((u[0] * len(self.turns)).astype(int), len(self.turns) - 1)
        return {"turn": np.asarray(self.turns, dtype=float)[choice]}

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        turn = np.rint(values["turn"]).astype(int) % 4
        cos = np.array([1.0, 0.0, -1.0, 0.0])[turn]
        sin = np.array([0.0, 1.0, 0.0, -1.0])[turn]
        out = about_centre(sizes, cos, sin, -sin, cos)
        moved = centre(self.sizes_after(values, sizes)) - centre(sizes)
        out[:, :2, 2] += moved
        return out

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        odd = np.rint(values["turn"]).astype(int) % 2 == 1
        return np.where(odd[:, None], sizes[:, ::-1], sizes)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return tuple(Move(rotation=(90.0 * t, 90.0 * t)) for t in sorted(set(self.turns)))

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or set(self.turns) == {0}


@dataclass(frozen=True)
class Perspective(Geometric):
    """Tilt the image as a turned camera would: the scale at one edge grows while it shrinks at the other.

    The centre keeps its place, size and direction.

    Args:
        x: Range of the tilt from left to right. 0.2 makes the right edge 1 / 1.2 of its size and the left edge 1 / 0.8.
        y: Range of the tilt from top to bottom.

    Raises:
        ArgumentError: The largest |x| + |y| is above 0.9, so that the horizon would be in view.
    """

    x: Range = (-0.1, 0.1)
    y: Range = (-0.1, 0.1)

    parameters: ClassVar = (Parameter("x", low=-0.9, high=0.9), Parameter("y", low=-0.9, high=0.9))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._steepest() > 0.9:
            raise ArgumentError(
                f"Perspective(x={self.x}, y={self.y}) reaches the horizon: keep the largest |x| + |y| at most 0.9"
            )

    def _steepest(self) -> float:
        return max(map(abs, self.x)) + max(map(abs, self.y))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        middle, half = centre(sizes), sizes[:, ::-1] / 2.0
        px, py = values["x"] / half[:, 0], values["y"] / half[:, 1]
        x, y = middle[:, 0], middle[:, 1]
        w = 1.0 - px * x - py * y
        out = np.zeros((len(sizes), 3, 3))
        out[:, 0] = np.stack([1 + x * px, x * py, x * (w - 1)], axis=1)
        out[:, 1] = np.stack([y * px, 1 + y * py, y * (w - 1)], axis=1)
        out[:, 2] = np.stack([px, py, w], axis=1)
        return out
