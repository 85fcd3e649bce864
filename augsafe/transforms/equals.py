"""Steps that draw exactly as torchvision and albumentations do, so that their pipelines translate without a change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms.base import Geometric, Move, Sizes, Tone, Values
from augsafe.transforms.frames import scale_between, viewport
from augsafe.transforms.geometry import Shear, about_centre
from augsafe.transforms.parameters import Parameter, Range, as_size

ORDERS = ("scale-rotate-shear", "scale-shear-rotate")
ROUNDINGS = ("none", "nearest", "down")
TRIES = 10


@dataclass(frozen=True)
class Affine(Geometric):
    """Scale, rotate, shear and shift about the centre, each drawn uniformly.

    Args:
        angle: Range of the angle in degrees, counter-clockwise as displayed, within [-360, 360].
        scale_x: Range of the factor along x, within [0.01, 100]; above 1 enlarges.
        scale_y: Range of the factor along y.
        x: Range of the shift to the right, a fraction of the width within [-1, 1].
        y: Range of the shift down, a fraction of the height within [-1, 1].
        shear_x: Range of the slant along x in degrees, within [-80, 80].
        shear_y: Range of the slant along y in degrees, within [-80, 80].
        same_scale: Whether the factor along x serves for y too.
        rounding: What takes shifts to whole pixels: "none", "nearest", or "down" (towards zero).
        order: "scale-rotate-shear" as in albumentations.Affine, or "scale-shear-rotate" as in
            torchvision.transforms.RandomAffine.

    Raises:
        ArgumentError: A value cannot be used.
    """

    angle: Range = (0.0, 0.0)
    scale_x: Range = (1.0, 1.0)
    scale_y: Range = (1.0, 1.0)
    x: Range = (0.0, 0.0)
    y: Range = (0.0, 0.0)
    shear_x: Range = (0.0, 0.0)
    shear_y: Range = (0.0, 0.0)
    same_scale: bool = True
    rounding: str = "none"
    order: str = "scale-rotate-shear"

    parameters: ClassVar = (
        Parameter("angle", low=-360, high=360),
        Parameter("scale_x", neutral=1.0, low=0.01, high=100),
        Parameter("scale_y", neutral=1.0, low=0.01, high=100),
        Parameter("x", low=-1, high=1),
        Parameter("y", low=-1, high=1),
        Parameter("shear_x", low=-80, high=80),
        Parameter("shear_y", low=-80, high=80),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("rounding", ROUNDINGS), ("order", ORDERS)):
            if getattr(self, name) not in known:
                raise ArgumentError(
                    f"Affine({name}=...) must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        Shear(self.shear_x, self.shear_y)  # refuses what folds the image flat
        if self.same_scale:
            object.__setattr__(self, "scale_y", self.scale_x)

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        values = super().draw(u)
        return {**values, "scale_y": values["scale_x"]} if self.same_scale else values

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        angle, sx, sy = (np.deg2rad(values[k]) for k in ("angle", "shear_x", "shear_y"))
        if self.order == "scale-rotate-shear":
            cos, sin, tx, ty = np.cos(angle), np.sin(angle), np.tan(sx), np.tan(sy)
            a, b, c, d = cos - tx * sin, sin + tx * cos, ty * cos - sin, ty * sin + cos
        else:
            turn = -angle
            a, c = np.cos(turn - sy) / np.cos(sy), np.sin(turn - sy) / np.cos(sy)
            b, d = -a * np.tan(sx) - np.sin(turn), -c * np.tan(sx) + np.cos(turn)
        wide, high = values["scale_x"], values["scale_y"]
        out = about_centre(sizes, a * wide, b * high, c * wide, d * high)
        shift = np.stack([values["x"] * sizes[:, 1], values["y"] * sizes[:, 0]], axis=1)
        if self.rounding != "none":
            shift = np.rint(shift) if self.rounding == "nearest" else np.trunc(shift)
        out[:, :2, 2] += shift
        return out

    def _sheared(self, size: tuple[int, int]) -> Move:
        """Bounds on the shear alone. torchvision's is [[1, -t], [-u, 1 + t u]] for the tangents t and u."""
        (move,) = Shear(self.shear_x, self.shear_y).moves(size)
        if self.order == "scale-rotate-shear":
            return move
        ends = [(math.tan(math.radians(x)), math.tan(math.radians(y))) for x in self.shear_x for y in self.shear_y]
        products, apart = [t * u for t, u in ends], max(abs(t - u) for t, u in ends)
        stretch = math.hypot(max(map(abs, products)), max(abs(t + u) for t, u in ends))
        largest = (math.hypot(2 + max(*products, 0), apart) + stretch) / 2  # its determinant is 1
        spread = min(stretch / (2 + min(*products, 0)), (largest**2 - 1) / (largest**2 + 1))
        return Move(rotation=move.rotation, scale=(1 / largest, largest), dilatation=spread)

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        shear = self._sheared(size)
        (low_x, high_x), (low_y, high_y) = self.scale_x, self.scale_y
        spread = 0.0
        if not self.same_scale:
            spread = max((high_x - low_y) / (high_x + low_y), (high_y - low_x) / (high_y + low_x), 0.0)
        both = (shear.dilatation + spread) / (1 + shear.dilatation * spread)
        slack = math.degrees(math.asin(shear.dilatation * spread))
        # a shear's own rotation, either way round: the two libraries give it different signs
        turn = max(abs(v) for v in shear.rotation) + slack
        if self.order == "scale-shear-rotate" and turn > slack:
            turn = max(turn, *(abs(v) for v in self.shear_x), 0.0) + max(abs(v) for v in self.shear_y)
        scale = (min(low_x, low_y) * shear.scale[0], max(high_x, high_y) * shear.scale[1])
        most = 1.0 if self.rounding == "down" else 0.5  # pixels
        shift = tuple((v[0] - most / size[1 - k], v[1] + most / size[1 - k]) for k, v in enumerate((self.x, self.y)))
        moved = (self.x, self.y) if self.rounding == "none" else (shift[0], shift[1])
        return (Move(rotation=(self.angle[0] - turn, self.angle[1] + turn), scale=scale, dilatation=both, shift=moved),)


@dataclass(frozen=True)
class ResizedCrop(Geometric):
    """A random part, scaled to `size`, drawn as torchvision's and albumentations' RandomResizedCrop draw it.

    Ten pairs of scale and ratio are tried until one fits whole pixels of the image. Where none does, the part is the
    largest one in the middle with an allowed ratio. `RandomResizedCrop` cuts to the image instead, and so never needs
    a second try.

    Args:
        size: (height, width) or one side, in pixels.
        scale: Range of the part's share of the area.
        ratio: Range of the part's width over its height, drawn uniformly in its logarithm.
    """

    size: tuple[int, int] | int = (224, 224)
    scale: Range = (0.08, 1.0)
    ratio: Range = (3 / 4, 4 / 3)

    parameters: ClassVar = (
        Parameter("left", neutral=0.5, free=True),
        Parameter("top", neutral=0.5, free=True),
        *(Parameter(f"scale{k}", neutral=1.0, free=True) for k in range(TRIES)),
        *(Parameter(f"ratio{k}", neutral=0.5, free=True) for k in range(TRIES)),
    )
    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("ResizedCrop", "size", self.size))
        for name, low, high in (("scale", 1e-4, 1.0), ("ratio", 0.01, 100.0)):
            value = getattr(self, name)
            if not isinstance(value, (tuple, list)) or len(value) != 2 or not low <= value[0] <= value[1] <= high:
                raise ArgumentError(f"ResizedCrop({name}=...) must be a pair within [{low:g}, {high:g}], got {value!r}")
            object.__setattr__(self, name, (float(value[0]), float(value[1])))

    def parts(self, values: Values, sizes: Sizes) -> FloatArray:
        """The size of the part of each image.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Width and height (n, 2), whole pixels.
        """
        area = sizes.prod(axis=1)
        middle = sizes[:, 1] / sizes[:, 0]
        limited = np.clip(middle, *self.ratio)
        fallback = np.stack(
            [
                np.where(middle > limited, np.rint(sizes[:, 0] * limited), sizes[:, 1]),
                np.where(middle < limited, np.rint(sizes[:, 1] / limited), sizes[:, 0]),
            ],
            axis=1,
        )
        out, found = fallback, np.zeros(len(sizes), bool)
        logs = np.log(self.ratio)
        for k in range(TRIES):
            share = self.scale[0] + values[f"scale{k}"] * (self.scale[1] - self.scale[0])
            ratio = np.exp(logs[0] + values[f"ratio{k}"] * (logs[1] - logs[0]))
            part = np.rint(np.sqrt(np.stack([area * share * ratio, area * share / ratio], axis=1)))
            fits = ~found & (part >= 1).all(axis=1) & (part <= sizes[:, ::-1]).all(axis=1)
            out, found = np.where(fits[:, None], part, out), found | fits
        return np.asarray(out, dtype=np.float64)

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return np.broadcast_to(np.asarray(self.size, dtype=np.int64), (len(sizes), 2))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        part = self.parts(values, sizes)
        spare = sizes[:, ::-1] - part
        place = np.stack([values["left"], values["top"]], axis=1)
        offset = np.minimum(np.floor(place * (spare + 1)), spare)
        factor = self.sizes_after(values, sizes)[:, ::-1] / part
        out = np.zeros((len(sizes), 3, 3))
        out[:, 0, 0], out[:, 1, 1], out[:, 2, 2] = factor[:, 0], factor[:, 1], 1.0
        out[:, :2, 2] = (0.5 - offset) * factor - 0.5
        return out

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        return sizes[:, ::-1] / after[:, ::-1]

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        """Bounds on width and height of a part give those on its two scales; they hold for the fallback too."""
        height, width = size
        least = [
            max(math.sqrt(self.scale[0] * height * width * r) - 0.5, 1.0) for r in (self.ratio[0], 1 / self.ratio[1])
        ]
        wide, high = width / min(least[0], width), height / min(least[1], height)
        most = (max(self.ratio[1] * height / width, 1e-9), max(width / (self.ratio[0] * height), 1e-9))
        slack = 1 + 1 / min(min(least), 1e9)
        spread = max(1.0, *(v * slack for v in (most[0], 1 / most[0], most[1], 1 / most[1])))
        spread = max(spread, width / (self.ratio[0] * height) * slack, self.ratio[1] * height / width * slack)
        return (
            Move(
                scale=(1.0, max(wide, high)),
                dilatation=(spread - 1) / (spread + 1),
                shift=((-50, 50), (-50, 50)),
            ),
        )


@dataclass(frozen=True)
class ShortSide(Geometric):
    """Scale until the shorter side is `side` pixels; the longer is cut to whole pixels, as in torchvision's Resize.

    Args:
        side: The shorter side after scaling, in pixels.
    """

    side: int = 256

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "side", as_size("ShortSide", "side", self.side)[0])

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        short = sizes.min(axis=1, keepdims=True)
        return np.where(sizes == short, self.side, np.maximum(self.side * sizes // short, 1))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return scale_between(sizes, self.sizes_after(values, sizes))

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        return np.asarray(sizes[:, ::-1] / after[:, ::-1])

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        return (Move(),)


@dataclass(frozen=True)
class MiddleCrop(Geometric):
    """Crop to `size` in the middle; half pixels go to the even side, as in torchvision's CenterCrop.

    Args:
        size: (height, width) or one side, in pixels.
    """

    size: tuple[int, int] | int = (224, 224)

    frame: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "size", as_size("MiddleCrop", "size", self.size))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return np.broadcast_to(np.asarray(self.size, dtype=np.int64), (len(sizes), 2))

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        spare = (sizes - self.sizes_after(values, sizes))[:, ::-1]
        return viewport(np.where(spare >= 0, np.rint(spare / 2.0), -(-spare // 2)).astype(np.float64))

    def moves(self, size: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class Levels(Tone):
    """Multiply every level by `factor` and add `offset`, a fraction of the value range.

    Args:
        factor: Range of the factor, within [-100, 100].
        offset: Range of the offset, a fraction of the value range within [-100, 100].
    """

    factor: Range = (0.8, 1.2)
    offset: Range = (-0.2, 0.2)

    parameters: ClassVar = (
        Parameter("factor", neutral=1.0, low=-100, high=100),
        Parameter("offset", low=-100, high=100),
    )

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels * values["factor"][:, None] + values["offset"][:, None]


@dataclass(frozen=True)
class Power(Tone):
    """Raise every level to the power `gamma`, drawn uniformly (Gamma draws uniformly in its logarithm).

    Args:
        gamma: Range of the power, within [0.01, 100].
    """

    gamma: Range = (0.8, 1.2)

    parameters: ClassVar = (Parameter("gamma", neutral=1.0, low=0.01, high=100),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels ** values["gamma"][:, None]
