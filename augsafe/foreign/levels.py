"""Levels for steps that come after a normalisation, and back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.foreign.library import Image

Numbers = tuple[float, ...]
_MOST_CHANNELS = 4  # that OpenCV looks up as fast as one


class Levels:
    """Takes levels x of images to (x / top - mean) / std in float32, and back.

    mean, std: one number, or one a channel. Whole rows are worked on at once: numpy is slow over an axis of three.
    """

    def __init__(self, mean: Numbers, std: Numbers) -> None:
        self.mean, self.std = (np.asarray(v, np.float32) for v in (mean, std))
        self._tables: dict[int, NDArray[np.float32]] = {}

    def into(self, image: Image) -> Image:
        """A new float32 image, from one of whole numbers or of floats in [0, 1]. Raises InputError."""
        channels = _channels(image)
        if image.dtype == np.uint8 and channels <= _MOST_CHANNELS:
            if channels not in self._tables:
                every = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], channels, axis=2)
                self._tables[channels] = self._computed(every)
            return np.asarray(cv2.LUT(np.ascontiguousarray(image), self._tables[channels])).reshape(image.shape)
        return self._computed(image)

    def _computed(self, image: Image) -> NDArray[np.float32]:
        mean, std = self._along(image)
        rows = image.reshape(len(image), -1).astype(np.float32)
        rows /= np.float32(np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1)
        rows -= mean
        rows /= std
        return rows.reshape(image.shape)

    def back(self, image: Image, dtype: np.dtype[Any]) -> Image:
        """A new image of `dtype`, clipped to its range, from a float32 one."""
        mean, std = self._along(image)
        rows = image.reshape(len(image), -1) * std
        rows += mean
        np.clip(rows, 0, 1, out=rows)
        if dtype.kind == "u":
            rows *= np.iinfo(dtype).max
            np.rint(rows, out=rows)
        return rows.astype(dtype, copy=False).reshape(image.shape)

    def _along(self, image: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and std for each number in a row of the image."""
        channels, width = _channels(image), image.shape[1]
        for given in (self.mean, self.std):
            if len(given) not in (1, channels):
                raise InputError(
                    f"a step comes after a normalisation of {len(given)} channels, and the image has {channels}; give "
                    "images of that many channels"
                )
        mean, std = (np.tile(np.broadcast_to(given, channels), width) for given in (self.mean, self.std))
        return mean, std


def _channels(image: Image) -> int:
    return image.shape[2] if image.ndim == 3 else 1
