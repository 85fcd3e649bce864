"""What a transform is: ranges of parameters, a chance to act, and a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms.parameters import Parameter, Range, as_range

Sizes = NDArray[np.int64]  # (n, 2): height and width of each image, pixels
Values = Mapping[str, FloatArray]  # parameter name -> (n,)
FULL_RANGE = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}  # what levels span unless said


@dataclass(frozen=True)
class Move:
    """Bounds on the linear part of what a geometric step does when it acts, as a complex map z -> a z + b conj(z).

    Args:
        mirror: The step mirrors first, left to right.
        rotation: The angle in degrees, counter-clockwise as displayed.
        scale: The singular values.
        dilatation: The largest ratio |b/a|, from 0 (rotation and zoom) to below 1.
        shift: How far the centre of the image moves, in x and y, as fractions of the side.
    """

    mirror: bool = False
    rotation: Range = (0.0, 0.0)
    scale: Range = (1.0, 1.0)
    dilatation: float = 0.0
    shift: tuple[Range, Range] = ((0.0, 0.0), (0.0, 0.0))


@dataclass(frozen=True)
class Transform:
    """Base of all transforms: immutable, holds ranges and never a sampled value.

    A subclass lists its random numbers in `parameters`. One that decides the output's frame (size or viewport) says
    `frame`: it is set to its neutral values where others are switched off.

    Args:
        p: The probability to act on an image.
        name: What identifies the step within its policy; default: a name made from the class.

    Raises:
        ArgumentError: A value cannot be used.
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
        """Turn uniform numbers (parameters, n) into the values (n,) of each parameter."""
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
        """What the step does to places.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Forward maps (n, 3, 3), source to output, pixel centres at whole numbers, x right and y down.
        """
        raise NotImplementedError

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        """The frames after the step.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Height and width (n, 2), pixels.
        """
        return sizes

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        """What takes the change of frame out of the step's linear part.

        A crop enlarges the object in fractions of the frame, without changing its shape; so one factor for both axes.

        Args:
            sizes: Height and width before the step (n, 2), pixels.
            after: The same after it.

        Returns:
            Factors (n, 2), for x and y.
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
        """New levels for old ones.

        Args:
            levels: (n, k), in [0, 1].
            values: Values of the parameters (n,).

        Returns:
            (n, k); the caller clips what leaves [0, 1].
        """
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
        """How red, green and blue are mixed.

        Args:
            values: Values of the parameters (n,).
            n: How many images.

        Returns:
            Affine maps (n, 3, 4) from R, G, B in [0, 1] to new levels; the caller clips what leaves [0, 1].
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Local(Transform):
    """A step that needs neighbouring pixels, and so cannot be fused into the warp or the table."""

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        """Change one image. A step to which the value range matters gives `within` instead.

        Args:
            image: (H, W) or (H, W, C); it is not changed.
            values: Values of the parameters.

        Returns:
            A new image of the same shape and dtype.
        """
        if type(self).within is Local.within:
            raise NotImplementedError
        return self.within(image, values, FULL_RANGE[image.dtype.name])

    def within(self, image: NDArray[Any], values: Mapping[str, float], limits: Range) -> NDArray[Any]:
        """Change one image whose levels span `limits`.

        Args:
            image: (H, W) or (H, W, C); it is not changed.
            values: Values of the parameters.
            limits: (low, high) of the levels.

        Returns:
            A new image of the same shape and dtype.
        """
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
        """Change n images of any sizes.

        Args:
            images: Each (H, W) or (H, W, C).
            values: Values of the parameters (n,).

        Returns:
            New images (n).
        """
        rows = ({name: float(column[k]) for name, column in values.items()} for k in range(len(images)))
        return [self.apply(image, row) for image, row in zip(images, rows, strict=True)]

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        """What the step does to places.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Forward maps (n, 3, 3), as of a geometric step.
        """
        raise NotImplementedError

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        """The frames after the step.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Height and width (n, 2), pixels.
        """
        return sizes

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        """What takes the change of frame out of the step's linear part, as of a geometric step.

        Args:
            sizes: Height and width before the step (n, 2), pixels.
            after: The same after it.

        Returns:
            Factors (n, 2), for x and y.
        """
        ratio = np.sqrt(sizes.prod(axis=1) / after.prod(axis=1))
        return np.stack([ratio, ratio], axis=1)

    def said(self) -> str:
        """What it is, in words that do not differ between two runs."""
        raise NotImplementedError
