"""What storage and transport do to an image: compression and a lower resolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.transforms.base import FULL_RANGE, Local
from augsafe.transforms.histogram import joined, planes
from augsafe.transforms.parameters import Parameter, Range

Image = NDArray[Any]


@dataclass(frozen=True)
class JpegCompression(Local):
    """Write the image as JPEG of `quality` 1 to 99 and read it back; 100 stands for no compression at all.

    JPEG holds 8 bits, one or three channels: finer levels go through 8 bits, a fourth channel stays as it is, and of
    any other number of channels each goes by itself.

    Args:
        quality: Range of the quality, whole numbers within [1, 100], both ends included.
    """

    quality: Range = (50.0, 95.0)

    parameters: ClassVar = (Parameter("quality", neutral=100.0, low=1, high=100, whole=True),)

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        quality = round(values["quality"])
        if quality == 100:
            return image.copy()
        low, high = limits
        if image.dtype != np.uint8 or limits != FULL_RANGE["uint8"]:
            levels = np.rint((image.astype(np.float64) - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)
            new = self.within(levels, values, FULL_RANGE["uint8"]) * ((high - low) / 255) + low
            return (np.rint(new) if image.dtype.kind == "u" else new).astype(image.dtype)
        if image.ndim == 3 and image.shape[2] in (3, 4):
            return np.concatenate([_compressed(image[..., 2::-1], quality)[..., ::-1], image[..., 3:]], axis=2)
        return joined([_compressed(plane, quality) for plane in planes(image)], image)


def _compressed(image: Image, quality: int) -> Image:
    """Grey (H, W), or B, G, R, as OpenCV has them."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))


@dataclass(frozen=True)
class Downscale(Local):
    """Shrink to `factor` of each side, by areas, and enlarge again, linearly; the frame keeps its size.

    Args:
        factor: Range of the factor, within [0.01, 1].
    """

    factor: Range = (0.5, 1.0)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0.01, high=1),)

    def apply(self, image: Image, values: Mapping[str, float]) -> Image:
        height, width = image.shape[:2]
        small = (max(1, round(width * values["factor"])), max(1, round(height * values["factor"])))
        if small == (width, height):
            return image.copy()
        if image.ndim == 3 and image.shape[2] > 4:  # as many as OpenCV resizes at once
            return joined([_coarse(plane, small) for plane in planes(image)], image)
        return _coarse(image, small).reshape(image.shape)


def _coarse(image: Image, small: tuple[int, int]) -> Image:
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR))
