"""Cheap bounds on what a plan does to the content of images, by columns and without a grid.

Places are in half frames: -1 to 1 in x and y over the source frame, and over the output frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.objects import GRID, Objects
from augsafe.pixels import tilted
from augsafe.planning import Plan
from augsafe.randomness import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class HalfFrames:
    """The map of each image in half frames, x before y: linear part (n, 2, 2) and offset (n, 2).

    `place` and `reach` (n, 2) are the centre and the half extents of the output frame as seen from the source, `shadow`
    (n, 2, 2) the parts that make up `reach`. `flat` says where the map is affine; None where all are.
    """

    linear: FloatArray
    offset: FloatArray
    place: FloatArray
    reach: FloatArray
    shadow: FloatArray
    flat: BoolArray | None


def half_frames(plan: Plan) -> HalfFrames:
    """The map of each image in half frames."""
    # taken apart by columns: numpy multiplies and reduces 2 x 2 matrices at many times the cost
    m, shapes, sizes = plan.matrix, plan.shapes * 0.5, plan.sizes * 0.5
    across, down, wide, high = shapes[:, 1], shapes[:, 0], sizes[:, 1], sizes[:, 0]
    m00, m01, m10, m11 = m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1]
    a, b, c, d = m00 * across / wide, m01 * down / wide, m10 * across / high, m11 * down / high
    x = (m00 * (across - 0.5) + m01 * (down - 0.5) + m[:, 0, 2] + 0.5) / wide - 1
    y = (m10 * (across - 0.5) + m11 * (down - 0.5) + m[:, 1, 2] + 0.5) / high - 1
    det = a * d - b * c
    inverse = 1 / np.where(np.abs(det) < 1e-12, 1e-12, det)
    place = np.stack([(b * y - d * x) * inverse, (c * x - a * y) * inverse], axis=1)
    shadow = np.abs(np.stack([d * inverse, b * inverse, c * inverse, a * inverse], axis=1)).reshape(-1, 2, 2)
    linear = np.stack([a, b, c, d], axis=1).reshape(-1, 2, 2)
    oblique = tilted(m)
    return HalfFrames(
        linear,
        np.stack([x, y], axis=1),
        place,
        shadow[:, :, 0] + shadow[:, :, 1],
        shadow,
        ~oblique if oblique.any() else None,
    )


def padding_bound(maps: HalfFrames, limit: FloatArray | float) -> FloatArray:
    """At most this share of the frame lies beyond the image: what lies beyond each of its sides, added up.

    A parallelogram is widest in its middle, so that its tail beyond a line on the far side of its centre is at most
    that of an even density; where that is not good enough, the density's real shape is taken.
    """
    away, over = np.abs(maps.place), maps.reach - 1
    sides = (np.maximum(over + away, 0) + np.maximum(over - away, 0)) / (2 * maps.reach)
    sides = np.where(away > 1, 1.0, sides)
    bound = sides[:, 0] + sides[:, 1]
    rows = np.flatnonzero(bound > limit)
    if len(rows):
        one, two = maps.shadow[rows, :, 0], maps.shadow[rows, :, 1]
        bound[rows] = sum(_tail(1 + sign * away[rows], one, two).sum(axis=1) for sign in (-1, 1))
    return np.asarray(np.minimum(bound, 1.0))


def _tail(far: FloatArray, one: FloatArray, two: FloatArray) -> FloatArray:
    """The share of a parallelogram further than `far` from its centre along an axis; 1 where that is behind it.

    Its shadow on the axis is a trapezoid: the sum of two even densities with half widths `one` and `two`.
    """
    base, top = one + two, np.abs(one - two)
    sloped = np.maximum(base - far, 0) ** 2 / np.maximum(2 * (base - top), 1e-12)
    level = (base + top) / 2 - far
    return np.asarray(np.where(far < 0, 1.0, np.where(far < top, level, sloped) / (base + top)))


def _share(lines: NDArray[np.float32], place: FloatArray, up: bool) -> FloatArray:
    """The weight before places (n, ...) in half frames, rounded up or down to a line of the grid (n, 17)."""
    column = (place + 1) * (GRID / 2)
    index = (np.ceil(column - 1e-6) if up else np.floor(column + 1e-6)).clip(0, GRID).astype(np.intp)
    index += (np.arange(len(lines)) * (GRID + 1)).reshape(-1, *(1,) * (place.ndim - 1))
    return lines.reshape(-1).take(index).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Extents:
    """Where the objects lie, in half frames: the middle and the half extents (n, 2) of the box around each."""

    middle: FloatArray
    half: FloatArray

    @staticmethod
    def of(objects: Objects) -> Extents:
        """The boxes around n objects."""
        box = objects.extents.astype(np.float64)
        return Extents(box[:, 2:] + box[:, :2] - 1, box[:, 2:] - box[:, :2])


def lost_bound(maps: HalfFrames, objects: Objects, box: Extents, limit: FloatArray | float) -> FloatArray:
    """At most this share of the weight leaves the frame.

    First what lies outside a square that the frame holds; where that is over the limit, what may lie beyond each side.
    """
    linear, size = maps.linear, np.abs(maps.linear)
    at = np.abs(linear[:, :, 0] * box.middle[:, :1] + linear[:, :, 1] * box.middle[:, 1:] + maps.offset)
    at += size[:, :, 0] * box.half[:, :1] + size[:, :, 1] * box.half[:, 1:]
    lost = np.zeros(len(at))
    rows = np.flatnonzero((at[:, 0] > 1 + 1e-9) | (at[:, 1] > 1 + 1e-9))
    if len(rows):
        sums = size[rows, :, 0] + size[rows, :, 1]
        square = 1 / np.maximum(sums[:, 0], sums[:, 1])
        for axis, lines in enumerate((objects.left[rows], objects.top[rows])):
            centre = maps.place[rows, axis]
            lost[rows] += _share(lines, centre - square, True) + 1 - _share(lines, centre + square, False)
        rows = np.flatnonzero(lost > limit)
    if len(rows):
        lost[rows] = np.minimum(lost[rows], _beyond_sides(maps, objects, box, rows))
    return np.minimum(lost, 1.0)


def _beyond_sides(maps: HalfFrames, objects: Objects, box: Extents, rows: NDArray[np.intp]) -> FloatArray:
    """At most this share of the weight lies beyond the four sides of the frame, added up.

    Along one axis of the source, a point is beyond a side only past the place where the nearest point of the box is.
    """
    linear = maps.linear[rows]
    middle, half = box.middle[rows], box.half[rows]
    at = linear[:, :, 0] * middle[:, :1] + linear[:, :, 1] * middle[:, 1:] + maps.offset[rows]  # (r, output axis)
    least = np.ones((len(rows), 2, 2))  # (r, output axis, side)
    for axis, lines in enumerate((objects.left[rows], objects.top[rows])):
        slope = linear[:, :, axis]
        slack = np.abs(linear[:, :, 1 - axis]) * half[:, 1 - axis, None]
        steep = np.maximum(np.abs(slope), 1e-9)
        room = (1 - slack[:, :, None] - np.stack([-at, at], axis=2)) / steep[:, :, None]  # to the low and high side
        before = _share(lines, middle[:, axis, None] - room[:, :, 0], True)
        # with a falling slope the low side lies at large places
        low = np.where(slope >= 0, before, 1 - _share(lines, middle[:, axis, None] + room[:, :, 0], False))
        after = 1 - _share(lines, middle[:, axis, None] + room[:, :, 1], False)
        high = np.where(slope >= 0, after, _share(lines, middle[:, axis, None] - room[:, :, 1], True))
        least = np.minimum(least, np.stack([low, high], axis=2))
    return np.asarray(least.sum(axis=(1, 2)))


def doubled_bound(maps: HalfFrames, objects: Objects, box: Extents, limit: FloatArray | float) -> FloatArray:
    """At most this much of the weight appears again, mirrored at the image's edges.

    First by the box around the frame: it reaches over the left edge to -1 - t exactly when the copy shows weight that
    lies within t of that edge. Where that is over the limit, by the frame itself.
    """
    out = np.zeros(len(box.half))
    near = maps.reach - 2 + box.half + np.abs(maps.place + box.middle) > 0
    rows = np.flatnonzero(near[:, 0] | near[:, 1])
    if not len(rows):
        return out
    low, high = maps.place[rows] - maps.reach[rows], maps.place[rows] + maps.reach[rows]
    sides = [
        _share(lines, -2 - low[:, axis], True) + 1 - _share(lines, 2 - high[:, axis], False)
        for axis, lines in enumerate((objects.left[rows], objects.top[rows]))
    ]
    # a copy at a corner shows weight that is near both sides: no more than the smaller share, at two corners each
    out[rows] = sides[0] + sides[1] + np.minimum(sides[0], sides[1]) * 2
    rows = np.flatnonzero(out > limit)
    if len(rows):
        out[rows] = np.minimum(out[rows], _copies_bound(maps, objects, box, rows))
    return out


def _copies_bound(maps: HalfFrames, objects: Objects, box: Extents, rows: NDArray[np.intp]) -> FloatArray:
    """At most this much of the weight of the eight mirrored copies lies in the frame.

    A copy whose box misses the frame along an axis of the output shows nothing. Of any other, along each axis of the
    source, only what the frame can reach within the box.
    """
    linear, offset = maps.linear[rows], maps.offset[rows]
    middle, half = box.middle[rows], box.half[rows]
    centre = 2 * TILES + np.where(TILES == 0, 1, -1) * middle[:, None, :]  # (r, 8, source axis)
    at = (linear[:, None] * centre[:, :, None, :]).sum(axis=3) + offset[:, None, :]  # (r, 8, output axis)
    size = np.abs(linear) * half[:, None, :]  # (r, output axis, source axis)
    touched = (np.abs(at) < 1 + size.sum(axis=2)[:, None, :]).all(axis=2)
    share = touched.astype(np.float64)
    for axis, lines in enumerate((objects.left[rows], objects.top[rows])):
        slope = linear[:, None, :, axis]
        steep = np.where(np.abs(slope) < 1e-9, 1e-9, slope)
        mirrored = np.where(TILES[:, axis] == 0, 1, -1)[:, None]
        place = middle[:, None, axis, None] - mirrored * at / steep  # where the frame's middle line is met
        width = (1 + size[:, None, :, 1 - axis]) / np.abs(steep)
        reached = _share(lines, place + width, True) - _share(lines, place - width, False)
        share = np.minimum(share, np.maximum(reached.min(axis=2), 0))
    return np.asarray(share.sum(axis=1))


# the eight tiles around the image, in images to the right and down
TILES = np.array([(i, j) for j in (-1, 0, 1) for i in (-1, 0, 1) if i or j], dtype=np.float64)
