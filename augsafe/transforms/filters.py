"""Blur and sharpening: each pixel from its neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.transforms.base import Local
from augsafe.transforms.parameters import Parameter, Range

Image = NDArray[Any]


@dataclass(frozen=True)
class GaussianBlur(Local):
    """Blur with a Gaussian of standard deviation `sigma` pixels.

    Args:
        sigma: Range of the standard deviation in pixels, within [0, 100].
    """

    sigma: Range = (0.0, 1.5)

    parameters: ClassVar = (Parameter("sigma", low=0, high=100),)

    def apply(self, image: Image, values: Mapping[str, float]) -> Image:
        if values["sigma"] < 1e-3:
            return image.copy()
        blurred = cv2.GaussianBlur(image, (0, 0), values["sigma"], borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(blurred).reshape(image.shape)


@dataclass(frozen=True)
class MotionBlur(Local):
    """Blur along a straight line of `length` pixels at `angle` degrees, counter-clockwise from the x axis.

    Args:
        length: Range of the length in pixels, within [0, 1000]; up to 1 changes nothing.
        angle: Range of the angle in degrees, within [-360, 360].
    """

    length: Range = (0.0, 7.0)
    angle: Range = (0.0, 180.0)

    parameters: ClassVar = (Parameter("length", low=0, high=1000), Parameter("angle", low=-360, high=360))

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.length[1] <= 1

    def apply(self, image: Image, values: Mapping[str, float]) -> Image:
        if values["length"] <= 1:
            return image.copy()
        kernel = _line(values["length"], math.radians(values["angle"]))
        return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101)).reshape(image.shape)


def _line(length: float, angle: float) -> NDArray[np.float32]:
    """A line through the middle of an odd square: each pixel weighs as much of it as lies within the pixel."""
    half = math.ceil((length - 1) / 2)
    side = 2 * half + 1
    points = 64 * side
    along = ((np.arange(points) + 0.5) / points - 0.5) * length
    x, y = (np.rint(half + along * part).astype(int) for part in (math.cos(angle), -math.sin(angle)))
    return (np.bincount(y * side + x, minlength=side * side).reshape(side, side) / points).astype(np.float32)


_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


@dataclass(frozen=True)
class Sharpen(Local):
    """Move every pixel away from its smoothed value by `factor`: 1 changes nothing, 0 is smooth, 2 is sharper.

    The smoothing is Pillow's `ImageFilter.SMOOTH`, and pixels at the edge stay as they are, as in Pillow's
    `ImageEnhance.Sharpness` and torchvision's `adjust_sharpness`.

    Args:
        factor: Range of the factor, within [0, 100].
    """

    factor: Range = (1.0, 2.0)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        out = image.copy()
        if values["factor"] == 1 or min(image.shape[:2]) < 3:
            return out
        levels = image.astype(np.float32)
        smooth = np.asarray(cv2.filter2D(levels, -1, _SMOOTH)).reshape(image.shape)
        sharp = np.clip(smooth + np.float32(values["factor"]) * (levels - smooth), *limits)
        inner = (slice(1, -1), slice(1, -1))
        out[inner] = (np.rint(sharp) if image.dtype.kind == "u" else sharp)[inner]
        return out
