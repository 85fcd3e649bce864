"""What tone steps do to the levels of an image, pixel for pixel against the same image without them.

Where only curves act, an image's histogram says it all and nothing is rendered. Where steps look at neighbours or are
another library's, the draw is rendered with them and without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.planning import Plan
from augsafe.randomness import FloatArray
from augsafe.transforms import FULL_RANGE
from augsafe.typing import ImagesLike

LEVELS = np.arange(256) / 255
NEAR = 0.1  # levels this near to the last one that is still told apart are not missed
RICH = 12.0  # levels that an image must have for their loss to count
MOST_PIXELS = 65_536  # of an image that is rendered
Range = tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class ToneMeasures:
    """Measures (n,): `clipped`, the share of the pixels that end at black or white together with levels more than a
    tenth of the range away; `contrast`, the standard deviation of the levels over that before; `kept`, how many levels
    are left (the exponential of their entropy), infinite where the image had fewer than twelve.
    """

    clipped: FloatArray
    contrast: FloatArray
    kept: FloatArray


def histograms(images: Sequence[NDArray[Any]], value_range: Range) -> NDArray[np.float32]:
    """The share of each of 256 levels, all channels together (n, 256)."""
    out = np.empty((len(images), 256), np.float32)
    for row, image in zip(out, images, strict=True):
        row[:] = np.bincount(_eight_bits(image, value_range).reshape(-1), minlength=256)
        row /= row.sum()
    return out


def by_curves(plan: Plan, shares: NDArray[np.float32]) -> ToneMeasures:
    """Measures of a plan's tone curves on images with these histograms (n, 256)."""
    after = np.broadcast_to(LEVELS, shares.shape)
    for stage in plan.stages:
        after = stage.curve(after)
    return measured(np.broadcast_to(LEVELS, shares.shape), after, shares.astype(np.float64))


def by_pixels(before: ImagesLike, after: ImagesLike, value_range: Range) -> ToneMeasures:
    """Measures of n pairs of images that show the same pixels; of colours, the mean of their channels.

    Of large images every second pixel or fewer, evenly: a share of 65,536 pixels is known to a fifth of a percent.
    """
    rows = []
    for pair in zip(before, after, strict=True):
        step = max(1, int(np.ceil(np.sqrt(pair[0].shape[0] * pair[0].shape[1] / MOST_PIXELS))))
        thin = (_eight_bits(image[::step, ::step], value_range) for image in pair)
        one, two = (_grey(image).reshape(1, -1) / 255 for image in thin)
        rows.append(measured(one, two, np.full(one.shape, 1 / one.size)))
    return ToneMeasures(*(np.concatenate([getattr(row, name) for row in rows]) for name in _NAMES))


def measured(before: FloatArray, after: FloatArray, share: FloatArray) -> ToneMeasures:
    """Measures of levels in [0, 1] before and after (n, k), each with its share of the pixels (n, k)."""
    clipped = np.zeros(len(before))
    for end in (after <= 0.5 / 255, after >= 1 - 0.5 / 255):
        there = end & (share > 0)
        # of the levels that end here one is where it belongs: the outermost, of a rising curve or of a falling one
        most = np.where(there, before, -np.inf).max(axis=1, keepdims=True)
        least = np.where(there, before, np.inf).min(axis=1, keepdims=True)
        clipped += np.minimum(
            (share * (there & (before < most - NEAR))).sum(axis=1),
            (share * (there & (before > least + NEAR))).sum(axis=1),
        )
    spread = _spread(before, share)
    contrast = np.where(spread > 1e-3, _spread(after, share) / np.maximum(spread, 1e-3), 1.0)
    kept = np.where(_count(before, share) >= RICH, _count(after, share), np.inf)
    return ToneMeasures(clipped, contrast, kept)


_NAMES = ("clipped", "contrast", "kept")


def _spread(levels: FloatArray, share: FloatArray) -> FloatArray:
    mean = (share * levels).sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt((share * (levels - mean) ** 2).sum(axis=1)))


def _count(levels: FloatArray, share: FloatArray) -> FloatArray:
    """How many 8-bit levels are in use: the exponential of the entropy."""
    n = len(levels)
    place = np.rint(levels * 255).astype(np.intp) + 256 * np.arange(n)[:, None]
    used = np.bincount(place.reshape(-1), share.reshape(-1), minlength=256 * n).reshape(n, 256)
    return np.asarray(np.exp(-(used * np.log(np.where(used > 0, used, 1))).sum(axis=1)))


def _eight_bits(image: NDArray[Any], value_range: Range) -> NDArray[np.uint8]:
    if image.dtype == np.uint8 and value_range is None:
        return image
    low, high = value_range or FULL_RANGE[image.dtype.name]
    return np.rint(np.clip((image.astype(np.float64) - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def _grey(image: NDArray[np.uint8]) -> NDArray[Any]:
    return image if image.ndim == 2 else image[..., :3].mean(axis=2)
