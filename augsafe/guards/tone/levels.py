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

    Where the object is known, `clipped` is of its pixels, and the others are of the box around it: an even object on an
    even background has its contrast to the background, not in itself.
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


def object_histograms(
    images: Sequence[NDArray[Any]], value_range: Range, regions: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float32]:
    """The shares of the levels in each image, in its object and in the box around that (n, 3, 256).

    regions: the object's pixels (H, W) of each image; at least one.
    """
    out = np.empty((len(images), 3, 256), np.float32)
    for row, image, region in zip(out, images, regions, strict=True):
        levels = _eight_bits(image, value_range)
        for part, some in zip(row, (levels, levels[region], levels[around(region)]), strict=True):
            part[:] = np.bincount(some.reshape(-1), minlength=256)
            part /= part.sum()
    return out


def around(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The box around an object (H, W), half of the object's size wider on each side, so that its background shows."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    (top, bottom), (left, right) = ((line[0], line[-1] + 1) for line in (rows, columns))
    down, across = (bottom - top + 1) // 2, (right - left + 1) // 2
    out = np.zeros(region.shape, bool)
    out[max(top - down, 0) : bottom + down, max(left - across, 0) : right + across] = True
    return out


def by_curves(plan: Plan, shares: NDArray[np.float32]) -> ToneMeasures:
    """Measures of a plan's tone curves on images with these histograms (n, 256), or of their objects (n, 3, 256)."""
    before = np.broadcast_to(LEVELS, (len(shares), 256))
    after = before
    for stage in plan.stages:
        after = stage.curve(after)
    return measured(before, after, shares.astype(np.float64))


def by_pixels(
    before: ImagesLike, after: ImagesLike, value_range: Range, parts: Sequence[NDArray[np.uint8]] | None = None
) -> ToneMeasures:
    """Measures of n pairs of images that show the same pixels; of colours, the mean of their channels.

    Of large images every second pixel or fewer, evenly: a share of 65,536 pixels is known to a fifth of a percent.
    parts: where the object of each image is, and the box around it (H, W, 2), 255 inside and 0 outside.
    """
    rows = []
    for number, pair in enumerate(zip(before, after, strict=True)):
        step = max(1, int(np.ceil(np.sqrt(pair[0].shape[0] * pair[0].shape[1] / MOST_PIXELS))))
        thin = (_eight_bits(image[::step, ::step], value_range) for image in pair)
        one, two = (_grey(image).reshape(1, -1) / 255 for image in thin)
        share = np.full(one.shape, 1 / one.size)
        if parts is not None:
            inside = parts[number][::step, ::step].reshape(1, -1, 2).transpose(0, 2, 1) > 127
            known = inside.any(axis=2, keepdims=True)  # of what left the frame no level is left to lose
            weights = np.where(known, inside, 1) / np.maximum(np.where(known, inside, 1).sum(axis=2, keepdims=True), 1)
            share = np.concatenate([share[:, None], weights], axis=1)
        rows.append(measured(one, two, share))
    return ToneMeasures(*(np.concatenate([getattr(row, name) for row in rows]) for name in _NAMES))


def measured(before: FloatArray, after: FloatArray, share: FloatArray) -> ToneMeasures:
    """Measures of levels in [0, 1] before and after (n, k), each with its share of the pixels (n, k).

    share: or (n, 3, k): of the pixels of the image, of its object, and of the box around that.
    """
    whole, own, share = (share, share, share) if share.ndim == 2 else np.moveaxis(share, 1, 0)
    rising, falling = ((sign * np.diff(after, axis=1) >= -1e-9).all(axis=1) for sign in (1, -1))
    clipped = np.zeros(len(before))
    for white, end in enumerate((after <= 0.5 / 255, after >= 1 - 0.5 / 255)):
        there = end & (whole > 0)
        # of the levels that end here one is where it belongs: the outermost, of a rising curve or of a falling one
        most = np.where(there, before, -np.inf).max(axis=1, keepdims=True)
        least = np.where(there, before, np.inf).min(axis=1, keepdims=True)
        low = (own * (there & (before < most - NEAR))).sum(axis=1)
        high = (own * (there & (before > least + NEAR))).sum(axis=1)
        lost = np.minimum(low, high)
        if own is not whole:  # of a part of the pixels the smaller number may be those of the object that belong
            up, down = (low, high) if white else (high, low)
            lost = np.where(rising, up, np.where(falling, down, lost))
        clipped += lost
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
