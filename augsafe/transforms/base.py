"""What a transform is: ranges of parameters, a chance to act, and a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray

Range = tuple[float, float]
Sizes = NDArray[np.int64]  # (n, 2): height and width of each image, pixels
Values = Mapping[str, FloatArray]  # parameter name -> (n,)
FULL_RANGE = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}  # what levels span unless said


def as_range(owner: str, name: str, value: object, low: float, high: float) -> Range:
    """Check a (low, high) pair and return it as floats."""
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
    """Check a size in pixels, one side or (height, width), and return it as a pair."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ArgumentError(f"{owner}({name}=...) must be a side or (height, width) in pixels, got {value!r}")
    for side in pair:
        if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or not 1 <= side <= 32766:
            raise ArgumentError(f"{owner}({name}=...) needs sides from 1 to 32766 pixels, got {value!r}")
    return int(pair[0]), int(pair[1])


@dataclass(frozen=True)
class Parameter:
    """One random number of a transform: drawn from the range in the field of the same name.

    `neutral` is the value that changes nothing. `log` draws uniformly in the logarithm, so that 1/2 and 2 are as
    likely as each other. `free` is a number that is always drawn from [0, 1), such as a crop's place. `whole` draws
    whole numbers, both ends of the range included and all alike.
    """

    name: str
    neutral: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    log: bool = False
    free: bool = False
    whole: bool = False

    def from_uniform(self, u: FloatArray, bounds: Range) -> FloatArray:
        """Map uniform numbers to the range."""
        low, high = bounds
        if low == high:
            return np.full(u.shape, low)
        if self.whole:
            return np.asarray(np.minimum(low + np.floor(u * (high - low + 1)), high))
        if self.log:
            return np.clip(np.exp(math.log(low) + u * (math.log(high) - math.log(low))), low, high)
        return low + u * (high - low)

    def towards_neutral(self, value: FloatArray, keep: FloatArray) -> FloatArray:
        """Shrink values towards the neutral one; `keep` = 1 leaves them, 0 gives the neutral value."""
        if self.log:
            return np.asarray(self.neutral * (value / self.neutral) ** keep)
        move = (value - self.neutral) * keep
        if self.whole:
            move = np.trunc(move + np.copysign(1e-9, move))
        return np.asarray(self.neutral + move)


@dataclass(frozen=True)
class Move:
    """Bounds on the linear part of what a geometric step does when it acts.

    As a complex map z -> a z + b conj(z): `rotation` bounds the angle (degrees, counter-clockwise as displayed),
    `scale` the singular values, and `dilatation` the ratio |b/a| (0 for rotation and zoom; below 1 always). `mirror`
    says that the step reflects first, left to right. `fixes_centre` is False where the centre of the image moves, by
    at most `shift` (x and y, fractions of the side).
    """

    mirror: bool = False
    rotation: Range = (0.0, 0.0)
    scale: Range = (1.0, 1.0)
    dilatation: float = 0.0
    shift: tuple[Range, Range] = ((0.0, 0.0), (0.0, 0.0))


@dataclass(frozen=True)
class Transform:
    """Base of all transforms: immutable, holds ranges and never a draw.

    `p` is the chance to act on an image; `name` identifies the step within its policy (given automatically when
    left out). `parameters` lists the random numbers, `frame` says whether the step decides the output's frame (size
    or viewport), in which case it is kept at its neutral values where others are switched off.
    """

    p: float = field(default=1.0, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    frame: ClassVar[bool] = False

    def __post_init__(self) -> None:
        owner = type(self).__name__
        if isinstance(self.p, bool) or not isinstance(self.p, (int, float)) or not 0 <= self.p <= 1:
            raise ArgumentError(f"{owner}(p=...) must be a probability from 0 to 1, got {self.p!r}")
        object.__setattr__(self, "p", float(self.p))
        if self.name is not None and (not isinstance(self.name, str) or not self.name.strip()):
            raise ArgumentError(f"{owner}(name=...) must be a non-empty text, got {self.name!r}")
        for parameter in self.parameters:
            if not parameter.free:
                value = getattr(self, parameter.name)
                checked = as_range(owner, parameter.name, value, parameter.low, parameter.high)
                if parameter.whole and any(end != round(end) for end in checked):
                    words = f"{owner}({parameter.name}=...) must be a pair of whole numbers"
                    raise ArgumentError(f"{words}, got {checked!r}")
                object.__setattr__(self, parameter.name, checked)

    def bounds(self, parameter: Parameter) -> Range:
        """The range that a parameter is drawn from."""
        if parameter.free:
            return (0.0, 1.0)
        low, high = getattr(self, parameter.name)
        return (low, high)

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        """Turn uniform numbers (one row a parameter, (k, n)) into parameter values (n,)."""
        return {p.name: p.from_uniform(row, self.bounds(p)) for p, row in zip(self.parameters, u, strict=True)}

    @property
    def label(self) -> str:
        """The step's name, or the class's where it has none yet."""
        return self.name or type(self).__name__

    @property
    def never_acts(self) -> bool:
        """Whether no draw can change an image (AS507)."""
        if self.p == 0:
            return True
        if self.frame or not self.parameters:
            return False
        return all(self.bounds(q) == (q.neutral, q.neutral) for q in self.parameters)


@dataclass(frozen=True)
class Geometric(Transform):
    """A step that moves pixels: it gives one 3 x 3 matrix an image."""

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        """Forward maps (n, 3, 3), source to output, pixel centres at whole numbers, x right and y down."""
        raise NotImplementedError

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        """The frame (n, 2) after the step."""
        return sizes

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        """What takes the change of frame out of the step's linear part: (n, 2), for x and y.

        A crop enlarges the object in fractions of the frame, without changing its shape; so one factor for both.
        """
        if after is sizes:
            return np.ones(sizes.shape)
        ratio = np.sqrt(sizes.prod(axis=1) / after.prod(axis=1))
        return np.stack([ratio, ratio], axis=1)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...] | None:
        """Bounds on the linear part for images of `size`, one for each discrete case; None where none is known."""
        return None


@dataclass(frozen=True)
class Tone(Transform):
    """A step that maps each level to another, the same way everywhere in the image."""

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        """New levels for `levels` (n, k) in [0, 1]; values outside are clipped by the caller."""
        raise NotImplementedError

    def line(self, values: Values) -> tuple[FloatArray | float, FloatArray | float] | None:
        """Slope and intercept (n,) where the curve is a straight line whatever the values; None for any other."""
        return None


@dataclass(frozen=True)
class Color(Transform):
    """A step that mixes the red, green and blue of a pixel: it gives one 3 x 4 matrix an image.

    Images with one channel have no colour and stay as they are; of four channels the last is left alone; any other
    number is refused when images are rendered.
    """

    def mixes(self, values: Values, n: int) -> FloatArray:
        """Affine maps (n, 3, 4) from R, G, B in [0, 1] to new levels; the caller clips what leaves [0, 1]."""
        raise NotImplementedError


@dataclass(frozen=True)
class Local(Transform):
    """A step that needs neighbouring pixels, and so cannot be fused into the warp or the table."""

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        """A new image of the same shape and dtype. A step to which the value range matters gives `within` instead."""
        if type(self).within is Local.within:
            raise NotImplementedError
        return self.within(image, values, FULL_RANGE[image.dtype.name])

    def within(self, image: NDArray[Any], values: Mapping[str, float], limits: Range) -> NDArray[Any]:
        """As `apply`, for images whose levels span `limits`."""
        return self.apply(image, values)


@dataclass(frozen=True)
class Opaque(Local):
    """A step that does its own pixels and may also move them or change the frame.

    It stands with the local steps of its stage; its map is told to guards and targets, and is not rendered again.
    """

    @property
    def moves_pixels(self) -> bool:
        """Whether the step may move pixels or change the frame at all."""
        return True

    def apply_all(self, images: Sequence[NDArray[Any]], values: Values) -> list[NDArray[Any]]:
        """`apply` for n images of any sizes, with values (n,)."""
        rows = ({name: float(column[k]) for name, column in values.items()} for k in range(len(images)))
        return [self.apply(image, row) for image, row in zip(images, rows, strict=True)]

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        """What the step does to places (n, 3, 3), as for a geometric step."""
        raise NotImplementedError

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        """The frame (n, 2) after the step."""
        return sizes

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        """As for a geometric step."""
        ratio = np.sqrt(sizes.prod(axis=1) / after.prod(axis=1))
        return np.stack([ratio, ratio], axis=1)

    def said(self) -> str:
        """What it is, in words that do not differ between two runs."""
        raise NotImplementedError
