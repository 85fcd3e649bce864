"""Resize, letterbox, pad and crop: what decides the frame of the output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms.base import Geometric, Move, Sizes, Values
from augsafe.transforms.parameters import Parameter, Range, as_size


def scale_between(sizes: Sizes, after: Sizes) -> FloatArray:
    """The maps that stretch one frame onto another, from edge to edge.

    Args:
        sizes: Height and width of each frame (n, 2), pixels.
        after: The same of the frames to be filled.

    Returns:
        Forward maps (n, 3, 3).
    """
    factor = after[:, ::-1] / sizes[:, ::-1]
    out = np.zeros((len(sizes), 3, 3))
    out[:, 0, 0], out[:, 1, 1], out[:, 2, 2] = factor[:, 0], factor[:, 1], 1.0
    out[:, :2, 2] = (factor - 1) / 2
    return out


def viewport(offset: FloatArray) -> FloatArray:
    """The maps (n, 3, 3) that put the source pixel at `offset` (n, 2) x, y into the corner."""
    out = np.zeros((len(offset), 3, 3))
    out[:, (0, 1, 2), (0, 1, 2)] = 1.0
    out[:, :2, 2] = -offset
    return out


def _fixed(size: tuple[int, int], n: int) -> Sizes:
    return np.broadcast_to(np.asarray(size, dtype=np.int64), (n, 2))


@dataclass(frozen=True)
class Resize(Geometric):
    """Scale to a size, or until the shortest or longest side has a given length.

    Args:
        size: (height, width) or one side, in pixels. The image is stretched onto it.
        shortest: The shorter side after scaling, in pixels; the shape is kept.
        longest: The longer side after scaling, in pixels; the shape is kept.

    Raises:
        ArgumentError: Not exactly one of the three is given.
    """

    size: tuple[int, int] | int | None = None
    shortest: int | None = None
    longest: int | None = None

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        given = {k: v for k in ("size", "shortest", "longest") if (v := getattr(self, k)) is not None}
        if len(given) != 1:
            raise ArgumentError(f"Resize takes exactly one of size=, shortest= and longest=, got {given or 'none'}")
        ((key, value),) = given.items()
        checked = as_size("Resize", key, value)
        object.__setattr__(self, key, checked if key == "size" else checked[0])

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        if isinstance(self.size, tuple):
            return _fixed(self.size, len(sizes))
        if self.shortest is not None:
            factor = self.shortest / sizes.min(axis=1)
        else:
            factor = (self.longest or 1) / sizes.max(axis=1)
        return np.asarray(np.maximum(np.rint(sizes * factor[:, None]), 1), dtype=np.int64)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return scale_between(sizes, self.sizes_after(values, sizes))

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        return sizes[:, ::-1] / after[:, ::-1]

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(),)


@dataclass(frozen=True)
class Letterbox(Geometric):
    """Scale to fit into `size` without changing the shape; the policy's border fills the rest, evenly on both sides.

    Args:
        size: (height, width) or one side, in pixels.
    """

    size: tuple[int, int] | int = (224, 224)

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("Letterbox", "size", self.size))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return _fixed(as_size("Letterbox", "size", self.size), len(sizes))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        after = self.sizes_after(values, sizes)
        factor = (after / sizes).min(axis=1)
        inner = np.maximum(np.rint(sizes * factor[:, None]), 1)
        out = scale_between(sizes, inner.astype(np.int64))
        out[:, :2, 2] += ((after - inner) // 2)[:, ::-1]
        return out

    def moves(self, size: tuple[int, int]) -> None:
        return None  # depends on the shape of the image


@dataclass(frozen=True)
class Pad(Geometric):
    """Widen the frame by whole pixels on each side; the policy's border fills it.

    Args:
        left: Pixels, from 0 to 16383.
        top: Pixels, from 0 to 16383.
        right: Pixels, from 0 to 16383.
        bottom: Pixels, from 0 to 16383.
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in ("left", "top", "right", "bottom"):
            value = getattr(self, side)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value <= 16383:
                raise ArgumentError(f"Pad({side}=...) must be from 0 to 16383 pixels, got {value!r}")

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return np.asarray(sizes + np.array([self.top + self.bottom, self.left + self.right]), dtype=np.int64)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return viewport(np.tile([-float(self.left), -float(self.top)], (len(sizes), 1)))

    def moves(self, size: tuple[int, int]) -> None:
        return None

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or not any((self.left, self.top, self.right, self.bottom))


@dataclass(frozen=True)
class CenterCrop(Geometric):
    """Crop to `size` in the middle; the policy's border fills what lies beyond the image.

    Args:
        size: (height, width) or one side, in pixels.
    """

    size: tuple[int, int] | int = (224, 224)

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("CenterCrop", "size", self.size))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return _fixed(as_size("CenterCrop", "size", self.size), len(sizes))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        spare = (sizes - self.sizes_after(values, sizes))[:, ::-1]
        return viewport(np.floor(spare / 2.0))

    def moves(self, size: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class RandomCrop(Geometric):
    """Crop to `size` at a random place, in whole pixels.

    Where the image is smaller, all of it is shown at a random place, and the policy's border fills the rest.

    Args:
        size: (height, width) or one side, in pixels.
    """

    size: tuple[int, int] | int = (224, 224)

    parameters: ClassVar = (
        Parameter("left", neutral=0.5, free=True),
        Parameter("top", neutral=0.5, free=True),
    )
    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("RandomCrop", "size", self.size))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return _fixed(as_size("RandomCrop", "size", self.size), len(sizes))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        spare = (sizes - self.sizes_after(values, sizes))[:, ::-1]
        place = np.stack([values["left"], values["top"]], axis=1)
        offset = np.minimum(np.floor(place * (np.abs(spare) + 1)), np.abs(spare))
        return viewport(np.sign(spare) * offset)

    def moves(self, size: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class RandomResizedCrop(Geometric):
    """Crop a random part and scale it to `size`.

    A part that does not fit is cut to the image's side. As in Szegedy et al., "Going deeper with convolutions", CVPR
    2015, section 6.

    Args:
        size: (height, width) or one side, in pixels.
        scale: Range of the part's share of the area.
        ratio: Range of the part's width over its height in pixels, drawn uniformly in its logarithm.
        keep: The least share of the object that the part must hold, from 0 to 1. It applies where a mask, boxes or the
            loader's guards say what the object is. A part that holds less is redrawn, at most ten times in all, then
            moved towards the object, then widened, beyond `scale` if necessary. What earlier steps moved out of the
            frame stays outside.
    """

    size: tuple[int, int] | int = (224, 224)
    scale: Range = (0.08, 1.0)
    ratio: Range = (3 / 4, 4 / 3)
    keep: float = 0.0

    parameters: ClassVar = (
        Parameter("scale", neutral=1.0, low=1e-4, high=1),
        Parameter("ratio", neutral=1.0, low=0.01, high=100, log=True),
        Parameter("left", neutral=0.5, free=True),
        Parameter("top", neutral=0.5, free=True),
    )
    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("RandomResizedCrop", "size", self.size))
        if isinstance(self.keep, bool) or not isinstance(self.keep, (int, float)) or not 0 <= self.keep <= 1:
            raise ArgumentError(f"RandomResizedCrop(keep=...) must be a share from 0 to 1, got {self.keep!r}")
        object.__setattr__(self, "keep", float(self.keep))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return _fixed(as_size("RandomResizedCrop", "size", self.size), len(sizes))

    def windows(self, values: Values, sizes: Sizes) -> FloatArray:
        """The parts that values stand for.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            x0, y0, x1, y1 of each part (n, 4), in pixels from edge to edge.
        """
        area = values["scale"] * sizes.prod(axis=1)
        part = np.sqrt(np.stack([area * values["ratio"], area / values["ratio"]], axis=1))
        part = np.clip(part, 1.0, sizes[:, ::-1])
        offset = np.stack([values["left"], values["top"]], axis=1) * (sizes[:, ::-1] - part)
        return np.concatenate([offset, offset + part], axis=1)

    def values_of(self, windows: FloatArray, sizes: Sizes) -> dict[str, FloatArray]:
        """The values that stand for given parts, the reverse of `windows`.

        Args:
            windows: x0, y0, x1, y1 of each part (n, 4), in pixels from edge to edge.
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Values of the parameters (n,).
        """
        part, spare = windows[:, 2:] - windows[:, :2], sizes[:, ::-1] - (windows[:, 2:] - windows[:, :2])
        place = np.where(spare > 1e-9, windows[:, :2] / np.maximum(spare, 1e-9), 0.5)
        scale, ratio = part.prod(axis=1) / sizes.prod(axis=1), part[:, 0] / part[:, 1]
        return {"scale": scale, "ratio": ratio, "left": place[:, 0], "top": place[:, 1]}

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        window = self.windows(values, sizes)
        offset, part = window[:, :2], window[:, 2:] - window[:, :2]
        factor = self.sizes_after(values, sizes)[:, ::-1] / part
        out = np.zeros((len(sizes), 3, 3))
        out[:, 0, 0], out[:, 1, 1], out[:, 2, 2] = factor[:, 0], factor[:, 1], 1.0
        out[:, :2, 2] = (0.5 - offset) * factor - 0.5
        return out

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        return sizes[:, ::-1] / after[:, ::-1]

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        """The part's sides are shares of the image's, so its shape is held against the image's own."""
        aspect = size[1] / size[0]
        spread = max(aspect / self.ratio[0], self.ratio[1] / aspect, 1.0)
        largest = max(math.sqrt(max(aspect / self.ratio[0], self.ratio[1] / aspect) / self.scale[0]), 1.0)
        return (Move(scale=(1.0, largest), dilatation=(spread - 1) / (spread + 1), shift=((-50, 50), (-50, 50))),)
