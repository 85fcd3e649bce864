"""Where the object may be when nobody says it: a guess from contrast to the border. It needs no model.

On an even border, as around a glyph or a product on white, the object is what differs from it. Elsewhere two cues of
Zhang et al. 2015 are added (see `barrier`), the centre counts a little more, and the map is cut to a region before it
is weighed: uncut, most of its weight lies on the background.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.objects.barrier import barrier_distance, border_distance
from augsafe.objects.grid import Weights

SIDE = 64  # it is measured on images of at most this side
EVEN = 0.6  # a border more even than this shows that the object stands on a plain background
_FAINT = 0.2  # on such a border, what is below this share of the peak counts as background
_TOGETHER = 8  # images that are swept together: more do not fit into the fast part of memory
_CORNERS = 0.7  # how much less a pixel one side away from the centre counts
_PARTS = 0.5  # regions with less than this share of the largest one's weight are left out


@dataclass(frozen=True, eq=False)
class Salient:
    """What stands out in one image.

    Attributes:
        region: (h, w), 0 on the background, at most 64 pixels a side.
        whole: (h, w), the same before it is cut to a region.
        even: How even the border is, from 0 to 1.
    """

    region: Weights
    whole: Weights
    even: float


def saliencies(images: Sequence[NDArray[Any]]) -> Iterator[Salient]:
    """A guess of where the object is in each image (H, W[, C]); all zeros where all of an image is alike."""
    for start in range(0, len(images), _TOGETHER):
        levels = [_levels(images[i]) for i in range(start, min(start + _TOGETHER, len(images)))]
        for small, barrier in zip(levels, _barriers(levels), strict=True):
            yield _salient(small, barrier)


def saliency(image: NDArray[Any]) -> Salient:
    """The guess for one image."""
    return next(saliencies([image]))


def _barriers(levels: list[Weights]) -> list[Weights]:
    """The barrier distance in each image; those of one size are swept together, which costs little more than one."""
    found: list[Weights] = [np.zeros(0, np.float32)] * len(levels)
    for size in {small.shape[:2] for small in levels}:
        places = [i for i, small in enumerate(levels) if small.shape[:2] == size]
        swept = barrier_distance(np.concatenate([levels[i] for i in places], axis=2))
        ends = np.cumsum([levels[i].shape[2] for i in places])[:-1]
        for i, own in zip(places, np.split(swept, ends, axis=2), strict=True):
            found[i] = own.sum(axis=2)
    return found


def _salient(small: Weights, barrier: Weights) -> Salient:
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    ground = np.median(border, axis=0)
    contrast = np.abs(small - ground).mean(axis=2)
    peak = float(contrast.max())
    if not peak:
        nothing = np.zeros(small.shape[:2], np.float32)
        return Salient(nothing, nothing, 1.0)
    even = max(0.0, 1.0 - 3.0 * float(np.abs(border - ground).mean()) / peak)
    whole = even * contrast / peak
    if even < 1:
        whole = whole + (1 - even) * _scaled(_scaled(barrier) + _scaled(border_distance(small)))
    whole = np.asarray(whole, dtype=np.float32)
    if even >= EVEN:
        return Salient(np.where(whole > _FAINT * whole.max(), whole, 0), whole, even)
    return Salient(_region(whole), whole, even)


def _scaled(values: Weights) -> Weights:
    return values / max(float(values.max()), 1e-12)


def _levels(image: NDArray[Any]) -> Weights:
    """Levels (h, w, c) from 0 to 1 of at most 64 pixels a side, by area; all zeros where all are alike."""
    planes = image[..., None] if image.ndim == 2 else image
    planes = planes[..., :3].astype(np.float32) if planes.shape[2] > 4 else planes.astype(np.float32)
    height, width = image.shape[:2]
    size = (min(width, SIDE), min(height, SIDE))
    if size != (width, height):
        planes = cv2.resize(planes, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    low, high = float(planes.min()), float(planes.max())
    if high - low <= 1e-6 * max(1.0, abs(low), abs(high)):
        return np.zeros_like(planes)
    return np.asarray((planes - low) / (high - low), dtype=np.float32)


def _region(whole: Weights) -> Weights:
    """The parts above Otsu's threshold, without small ones."""
    height, width = whole.shape
    y, x = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5 for side in (height, width))
    central = whole * (1 - _CORNERS * np.hypot(y[:, None], x[None, :]))
    square = np.ones((3, 3), np.uint8)
    smooth = cv2.morphologyEx(cv2.morphologyEx(central, cv2.MORPH_OPEN, square), cv2.MORPH_CLOSE, square)
    peak = float(smooth.max())
    if peak <= 0:
        return np.zeros_like(whole)
    steps = np.asarray(255 * smooth / peak, dtype=np.uint8)
    _, parts = cv2.threshold(steps, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    count, part = cv2.connectedComponents(parts)
    weight = np.bincount(part.ravel(), smooth.ravel(), count)
    weight[0] = 0
    return np.where((weight >= _PARTS * weight.max())[part] & (part > 0), smooth, 0).astype(np.float32)
