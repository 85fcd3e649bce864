"""Levels in their last form: the dtype, layout and normalisation of the output."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.pixels.lookup import tables
from augsafe.pixels.samples import Image
from augsafe.planning import Output
from augsafe.transforms import Range

MOST_CHANNELS = 4  # that OpenCV looks up as fast as one


def looked_up(image: Image, table: NDArray[Any]) -> Image:
    """Each level of an image of whole numbers, (H, W[, C]), through one table."""
    if image.dtype != np.uint8:
        return np.asarray(table[image])
    rows = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    return np.asarray(cv2.LUT(rows, table)).reshape(image.shape)


class Writer:
    """Writes images, one by one, in the form of an output; its tables are made once for each kind of image."""

    def __init__(self, output: Output | None) -> None:
        self.output = output
        self._tables: dict[tuple[Any, ...], NDArray[Any]] = {}

    def __call__(self, image: Image, limits: Range, target: NDArray[Any]) -> None:
        """`image` (H, W[, C]), its levels within `limits`, to `target`."""
        output = self.output
        if output is None:
            target[...] = image
            return
        channels = image.shape[2] if image.ndim == 3 else 1
        low, high = limits
        planes = image if image.ndim == 3 else image[..., None]
        count = int(np.iinfo(image.dtype).max) + 1 if image.dtype.kind == "u" else 0
        if count and target.dtype == np.float32 and planes[..., 0].size > count // 4:  # less than the arithmetic costs
            self._by_table(planes, limits, target)
            return
        if output.dtype not in (None, image.dtype.name) or output.mean or output.std:
            levels = (planes.astype(np.float64) - low) / (high - low)
            if target.dtype.kind == "u":
                planes = np.rint(np.clip(levels, 0, 1) * np.iinfo(target.dtype).max).astype(target.dtype)
            else:
                scale, offset = output.normalise(channels)
                planes = (levels * scale + offset).astype(np.float32)
        elif image.dtype == np.float32 and output.value_range != limits:
            scale, offset = output.normalise(channels)
            planes = (((planes.astype(np.float64) - low) / (high - low)) * scale + offset).astype(np.float32)
        target[...] = planes.transpose(2, 0, 1) if output.layout == "CHW" else planes.reshape(target.shape)

    def _by_table(self, planes: Image, limits: Range, target: NDArray[Any]) -> None:
        channels, planar = planes.shape[2], self.output is not None and self.output.layout == "CHW"
        table = self._table(planes.dtype, channels, limits)
        fast = planes.dtype == np.uint8 and channels <= MOST_CHANNELS and target.flags.c_contiguous
        if not fast:
            for c in range(channels):
                place = target[c] if planar else target[..., c] if target.ndim == 3 else target
                place[...] = table[c][planes[..., c]]
        elif planar:
            for plane, column, place in zip(cv2.split(planes), table, target, strict=True):
                cv2.LUT(plane, column, place)
        else:
            cv2.LUT(planes, np.ascontiguousarray(table.T).reshape(1, -1, channels), target)

    def _table(self, dtype: np.dtype[Any], channels: int, limits: Range) -> NDArray[Any]:
        """Output values (channels, k) for all levels of a dtype."""
        key = (dtype, channels, limits)
        if key not in self._tables:
            low, high = limits
            levels = np.asarray((np.arange(np.iinfo(dtype).max + 1) - low) / (high - low), np.float64)
            self._tables[key] = tables(levels[None], channels, np.dtype(np.float32), self.output)[0]
        return self._tables[key]
