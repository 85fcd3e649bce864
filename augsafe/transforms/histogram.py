"""Steps that look at the levels of the whole image: equalize, stretch, and both by tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.transforms.base import FULL_RANGE, Local
from augsafe.transforms.parameters import Parameter, Range

Image = NDArray[Any]
_FINEST = 65535


def planes(image: Image) -> list[Image]:
    """The channels, each (H, W) and contiguous."""
    return [np.ascontiguousarray(image[..., c]) for c in range(image.shape[2])] if image.ndim == 3 else [image]


def joined(channels: list[Image], like: Image) -> Image:
    """The reverse of `planes`."""
    return np.stack(channels, axis=2) if like.ndim == 3 else channels[0]


@dataclass(frozen=True)
class Equalize(Local):
    """Spread the levels of each channel so that all are about as frequent.

    8-bit images come out as from Pillow's `ImageOps.equalize`. Others do the same with 65,536 levels: a level becomes
    the share of the pixels below it, scaled so that the brightest reaches the end of the range. See Gonzalez and Woods,
    "Digital Image Processing", section 3.3.
    """

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        one = _equal_bytes if _whole_bytes(image, limits) else _equal
        return joined([one(plane, limits) for plane in planes(image)], image)


def _whole_bytes(image: Image, limits: Range) -> bool:
    """Whether levels are those of 8 bits, from 0 to 255, for which libraries have a way of their own."""
    return image.dtype == np.uint8 and limits == FULL_RANGE["uint8"]


def _equal_bytes(plane: Image, limits: Range) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    return np.array(ImageOps.equalize(Pillow.fromarray(plane)))


def _equal(plane: Image, limits: Range) -> Image:
    low, high = limits
    place = np.rint(np.clip((plane.astype(np.float64) - low) / (high - low), 0, 1) * _FINEST).astype(np.intp)
    counts = np.bincount(place.ravel(), minlength=_FINEST + 1)
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return plane.copy()
    below = np.cumsum(counts) - counts
    new = (below / (plane.size - counts[used[-1]]) * (high - low) + low)[place]
    return np.asarray((np.rint(new) if plane.dtype.kind == "u" else new).clip(low, high), dtype=plane.dtype)


@dataclass(frozen=True)
class AutoContrast(Local):
    """Stretch the levels of each channel to the whole value range, as Pillow's `ImageOps.autocontrast` does.

    A channel of one level stays as it is.
    """

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        return joined([_stretched(plane, limits) for plane in planes(image)], image)


def _stretched(plane: Image, limits: Range) -> Image:
    low, high = float(plane.min()), float(plane.max())
    if low == high:
        return plane.copy()
    factor = (limits[1] - limits[0]) / (high - low)
    new = np.clip((plane.astype(np.float64) - low) * factor + limits[0], *limits)
    return (np.rint(new) if plane.dtype.kind == "u" else new).astype(plane.dtype)


@dataclass(frozen=True)
class CLAHE(Local):
    """Equalize in `tiles` by `tiles` parts, no level more frequent than `clip` times the even share; 0 changes nothing.

    Of a colour image the lightness of CIE L*a*b* is equalized, of any other number of channels each by itself. Levels
    finer than 8 bits move with the 8-bit level that they are nearest to. Zuiderveld, "Contrast Limited Adaptive
    Histogram Equalization", Graphics Gems IV, 1994.

    Args:
        clip: Range of the limit, within [0, 1000], in multiples of the even share.
        tiles: How many parts there are along each side, from 1 to 256.
    """

    clip: Range = (1.0, 4.0)
    tiles: int = 8

    parameters: ClassVar = (Parameter("clip", low=0, high=1000),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.tiles, bool) or not isinstance(self.tiles, (int, np.integer)) or not 1 <= self.tiles <= 256:
            raise ArgumentError(f"CLAHE(tiles=...) must be a whole number from 1 to 256, got {self.tiles!r}")

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        if values["clip"] < 1e-3:
            return image.copy()
        equalizer = cv2.createCLAHE(values["clip"], (int(self.tiles), int(self.tiles)))
        if image.ndim == 3 and image.shape[2] in (3, 4):
            return np.concatenate([_lightness(image[..., :3], equalizer, limits), image[..., 3:]], axis=2)
        return joined([_by_tiles(plane, equalizer, limits) for plane in planes(image)], image)


def _lightness(image: Image, equalizer: Any, limits: Range) -> Image:
    low, high = limits
    if _whole_bytes(image, limits):
        lab = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB)
        lab[..., 0] = equalizer.apply(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    lab = cv2.cvtColor(((image.astype(np.float32) - low) / (high - low)).astype(np.float32), cv2.COLOR_RGB2LAB)
    lab[..., 0] = _by_tiles(lab[..., 0], equalizer, (0.0, 100.0))
    new = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * (high - low) + low
    return np.asarray(np.rint(new) if image.dtype.kind == "u" else new, dtype=image.dtype)


def _by_tiles(plane: Image, equalizer: Any, limits: Range) -> Image:
    if _whole_bytes(plane, limits):
        return np.asarray(equalizer.apply(plane))
    low, high = limits
    levels = np.clip((plane.astype(np.float64) - low) / (high - low), 0, 1)
    coarse = np.rint(levels * 255)
    moved = equalizer.apply(coarse.astype(np.uint8)) - coarse
    new = np.clip(levels + moved / 255, 0, 1) * (high - low) + low
    return np.asarray(np.rint(new) if plane.dtype.kind == "u" else new, dtype=plane.dtype)
