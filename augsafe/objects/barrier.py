"""What stands out from the border of an image: minimum barrier distance, and distance of colour.

Zhang, Sclaroff, Lin, Shen, Price and Mech, "Minimum barrier salient object detection at 80 FPS" (ICCV 2015). A path
costs the span of the levels along it, highest less lowest. What stands out cannot be reached from the border cheaply;
a background can, however slowly its levels drift.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]
_RIM = 0.1  # the width of the strips along the border, in the shorter side
_NOISE = 1e-4  # the least variance of a background, with levels from 0 to 1


def barrier_distance(planes: Planes, cycles: int = 1) -> Planes:
    """The distance of each pixel of each plane to the border of the image, from above.

    Whole lines are swept down, up, right and left, where the paper visits pixel after pixel: each step is then one
    operation on an array.

    Args:
        planes: (h, w, c), finite levels.
        cycles: How often the four sweeps are made. More of them follow paths that turn more often.

    Returns:
        (h, w, c), in the units of the levels; 0 on the border.
    """
    distance = np.full(planes.shape, np.inf, np.float32)
    distance[[0, -1]] = 0
    distance[:, [0, -1]] = 0
    levels, turned = planes, _turned(planes)
    highest, lowest = planes.copy(), planes.copy()
    for _ in range(2 * cycles):
        lines = range(len(levels))
        for order in (lines, lines[::-1]):
            _sweep(levels, distance, highest, lowest, order)
        levels, turned = turned, levels
        distance, highest, lowest = _turned(distance), _turned(highest), _turned(lowest)
    return distance


def _turned(planes: Planes) -> Planes:
    return np.ascontiguousarray(planes.transpose(1, 0, 2))


def _sweep(levels: Planes, distance: Planes, highest: Planes, lowest: Planes, order: Sequence[int]) -> None:
    """Carry the paths from each line to the next, where that is shorter."""
    for before, line in itertools.pairwise(order):
        high = np.maximum(highest[before], levels[line])
        low = np.minimum(lowest[before], levels[line])
        span = high - low
        shorter = span < distance[line]
        for kept, new in ((distance, span), (highest, high), (lowest, low)):
            np.copyto(kept[line], new, where=shorter)


def border_distance(planes: Planes) -> Planes:
    """How far the colours of each pixel (h, w) are from those of three of the four borders.

    In standard deviations of each border's own colours, the largest of the four left out: an object may touch one
    border. This is the second cue of the same paper.
    """
    rim = max(1, round(_RIM * min(planes.shape[:2])))
    strips = (planes[:rim], planes[-rim:], planes[:, :rim], planes[:, -rim:])
    found = np.stack([_deviation(planes, strip.reshape(-1, planes.shape[2])) for strip in strips])
    found /= np.maximum(found.max(axis=(1, 2), keepdims=True), 1e-12)
    return np.asarray(found.sum(axis=0) - found.max(axis=0), dtype=np.float32)


def _deviation(planes: Planes, colours: Planes) -> Planes:
    """The Mahalanobis distance of each pixel to some colours (n, c)."""
    middle = colours.mean(axis=0)
    spread = colours - middle
    variance = spread.T @ spread / len(colours) + _NOISE * np.eye(len(middle), dtype=np.float32)
    white = (planes - middle) @ np.linalg.cholesky(np.linalg.inv(variance))
    return np.asarray(np.sqrt(np.square(white).sum(axis=2)), dtype=np.float32)
