"""What a plan does to the content of images, without pixels: cheap bounds first, the 16 x 16 grid where they fail.

Places are in half frames: -1 to 1 in x and y over the source frame, and over the output frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.judge import padding
from augsafe.guards.objects import GRID, Objects
from augsafe.plan import Plan
from augsafe.randomness import FloatArray
from augsafe.warp import tilted

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits (n,): least share of the object inside the frame, least size of it in output pixels, most padding, most
    of it doubled."""

    visible: FloatArray
    min_pixels: FloatArray
    padding: FloatArray
    doubled: FloatArray

    def rows(self, rows: Rows) -> Limits:
        """The limits of some of the images."""
        return Limits(self.visible[rows], self.min_pixels[rows], self.padding[rows], self.doubled[rows])


@dataclass(frozen=True, eq=False)
class ContentMeasures:
    """Measures (n,): `visible` share of the object's weight inside the frame; `pixels`, its shorter extent in the
    output, and `plain_pixels`, what that would be after a plain resize; `padding` share of the output beyond the image;
    `doubled` share of the object repeated by a reflected border.

    Measured against limits, a value is a bound wherever the bound already keeps the limit.
    """

    visible: FloatArray
    pixels: FloatArray
    plain_pixels: FloatArray
    padding: FloatArray
    doubled: FloatArray


@dataclass(frozen=True, eq=False)
class _Map:
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


def _half_frames(plan: Plan) -> _Map:
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
    return _Map(
        linear,
        np.stack([x, y], axis=1),
        place,
        shadow[:, :, 0] + shadow[:, :, 1],
        shadow,
        ~oblique if oblique.any() else None,
    )


def measure(plan: Plan, objects: Objects | None, limits: Limits | None = None) -> ContentMeasures:
    """Measure a plan; with limits, only as exactly as they need. Without objects only the padding is measured."""
    maps = _half_frames(plan)
    n = len(plan)
    beyond = _padding_bound(maps, 0.0 if limits is None else limits.padding)
    _exact(beyond, beyond > (0 if limits is None else limits.padding), maps, lambda rows: padding(plan, rows))
    if objects is None:
        return ContentMeasures(np.ones(n), np.full(n, np.inf), np.full(n, np.inf), beyond, np.zeros(n))
    extents = objects.extents.astype(np.float64)
    middle, half = extents[:, 2:] + extents[:, :2] - 1, extents[:, 2:] - extents[:, :2]
    pixels, plain = _pixels(plan, maps, middle, half)
    visible = 1 - _lost_bound(maps, objects, middle, half)
    wanted = (visible < (1 if limits is None else limits.visible)) | (len(plan.stages) > 1)
    _exact(visible, wanted, maps, lambda rows: _push(plan, objects, rows))
    doubled = np.zeros(n)
    if plan.settings.border == "reflect":
        doubled = _doubled_bound(objects, maps, middle, half)
        wanted = doubled > (0 if limits is None else limits.doubled)
        _exact(doubled, wanted, maps, lambda rows: _copies(plan, objects, rows, maps))
    return ContentMeasures(visible, pixels, plain, beyond, doubled)


def _exact(column: FloatArray, wanted: BoolArray, maps: _Map, how: Callable[[Rows], FloatArray]) -> None:
    """Replace bounds by exact values in the rows that need it; bounds do not hold for tilted maps."""
    if maps.flat is not None:
        wanted = wanted | ~maps.flat
    if wanted.any():
        rows = np.flatnonzero(wanted)
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048]
            column[part] = how(part)


def _padding_bound(maps: _Map, limit: FloatArray | float) -> FloatArray:
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
    """The weight before a place (half frames), rounded up or down to a line of the grid."""
    column = (place + 1) * (GRID / 2)
    index = (np.ceil(column - 1e-6) if up else np.floor(column + 1e-6)).clip(0, GRID).astype(np.intp)
    return np.asarray(lines[np.arange(len(lines)), index], dtype=np.float64)


def _lost_bound(maps: _Map, objects: Objects, middle: FloatArray, half: FloatArray) -> FloatArray:
    """At most this share of the weight leaves the frame: what lies outside a square that the frame holds."""
    linear, size = maps.linear, np.abs(maps.linear)
    at = np.abs(linear[:, :, 0] * middle[:, :1] + linear[:, :, 1] * middle[:, 1:] + maps.offset)
    at += size[:, :, 0] * half[:, :1] + size[:, :, 1] * half[:, 1:]
    lost = np.zeros(len(at))
    rows = np.flatnonzero((at[:, 0] > 1 + 1e-9) | (at[:, 1] > 1 + 1e-9))
    if len(rows):
        sums = size[rows, :, 0] + size[rows, :, 1]
        square = 1 / np.maximum(sums[:, 0], sums[:, 1])
        for axis, lines in enumerate((objects.left[rows], objects.top[rows])):
            centre = maps.place[rows, axis]
            lost[rows] += _share(lines, centre - square, True) + 1 - _share(lines, centre + square, False)
    return np.minimum(lost, 1.0)


def _doubled_bound(objects: Objects, maps: _Map, middle: FloatArray, half: FloatArray) -> FloatArray:
    """At most this much of the weight appears again, mirrored at the image's edges.

    The frame reaches over the left edge to -1 - t exactly when the copy shows weight that lies within t of that edge.
    """
    out = np.zeros(len(middle))
    near = maps.reach - 2 + half + np.abs(maps.place + middle) > 0
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
    return out


def _pixels(plan: Plan, maps: _Map, middle: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The object's shorter extent in output pixels, and after a plain resize to the output."""
    frame = plan.sizes[:, ::-1]
    linear = maps.linear
    if maps.flat is not None:
        linear = _tilted(plan, middle)
    pixels = np.hypot(linear[:, 0] * frame[:, :1], linear[:, 1] * frame[:, 1:]) * half
    plain = half * frame
    return np.minimum(pixels[:, 0], pixels[:, 1]), np.minimum(plain[:, 0], plain[:, 1])


def _tilted(plan: Plan, middle: FloatArray) -> FloatArray:
    """The linear part at the object's middle, in half frames."""
    m, sides = plan.matrix, plan.shapes[:, ::-1] * 0.5
    point = (middle + 1) * sides - 0.5
    moved = (m[:, :, :2] @ point[:, :, None])[:, :, 0] + m[:, :, 2]
    w = np.where(np.abs(moved[:, 2:]) < 1e-12, 1e-12, moved[:, 2:])
    linear = (m[:, :2, :2] - (moved[:, :2] / w)[:, :, None] * m[:, None, 2, :2]) / w[:, :, None]
    return np.asarray(linear * sides[:, None, :] / (plan.sizes[:, ::-1] * 0.5)[:, :, None])


def _push(plan: Plan, objects: Objects, rows: Rows) -> FloatArray:
    """The object's weight inside the frame, by its grid."""
    here = np.zeros((len(rows), 1), np.int64)
    pushed = [_Pushed(part, objects, rows) for part in plan.prefixes]
    share = pushed[0].inside(here, here, slice(None))
    for more in pushed[1:]:  # what an earlier frame cut off does not come back
        share = np.minimum(share, more.inside(here, here, slice(None)))
    return np.asarray(np.einsum("kij,kij->k", share, pushed[0].weights), dtype=np.float64)


def _copies(plan: Plan, objects: Objects, rows: Rows, maps: _Map) -> FloatArray:
    """The weight of the object's mirrored copies inside the frame, in the eight tiles around the image.

    A tile is looked at only where the box around the frame, as seen from the source, reaches the copy in it.
    """
    x0, y0, x1, y1 = (2 * objects.extents[rows].astype(np.float64) - 1).T
    (left, top), (right, bottom) = ((maps.place + sign * maps.reach)[rows].T for sign in (-1, 1))
    if maps.flat is not None:
        far = np.where(maps.flat[rows], 0.0, np.inf)
        left, top, right, bottom = left - far, top - far, right + far, bottom + far
    everywhere = np.ones(len(rows), bool)
    across = {-1: left < -2 - x0, 0: everywhere, 1: right > 2 - x1}
    down = {-1: top < -2 - y0, 0: everywhere, 1: bottom > 2 - y1}
    near = [(k, i, j) for i in across for j in down if i or j for k in np.flatnonzero(across[i] & down[j])]
    if not near:
        return np.zeros(len(rows))
    row, i, j = np.array(near).T
    shown = _Pushed(plan, objects, rows).tile(i[:, None], j[:, None], row)
    return np.bincount(row, shown, minlength=len(rows)).astype(np.float64)


class _Pushed:
    """The grids of some images and their maps, in half frames."""

    def __init__(self, plan: Plan, objects: Objects, rows: Rows) -> None:
        some = objects.rows(rows)
        self.weights = some.weights
        self.x, self.wide = _cells(some.extents[:, 0], some.extents[:, 2])
        self.y, self.high = _cells(some.extents[:, 1], some.extents[:, 3])
        into, back = np.zeros((2, len(rows), 3, 3))
        half, frame = plan.shapes[rows, ::-1] / 2, plan.sizes[rows, ::-1] / 2
        for axis in (0, 1):
            into[:, axis, axis], into[:, axis, 2] = half[:, axis], half[:, axis] - 0.5
            back[:, axis, axis], back[:, axis, 2] = 1 / frame[:, axis], 0.5 / frame[:, axis] - 1
        into[:, 2, 2] = back[:, 2, 2] = 1
        self.matrix = (back @ plan.matrix[rows] @ into).astype(np.float32)[..., None, None]

    def tile(self, i: NDArray[np.int64], j: NDArray[np.int64], rows: Rows | slice) -> FloatArray:
        """The weight inside the frame of the copies in the tiles that lie i to the right and j below, for some rows."""
        share = self.inside(i, j, rows)
        return np.asarray(np.einsum("kij,kij->k", share, self.weights[rows]), dtype=np.float64)

    def inside(self, i: NDArray[np.int64], j: NDArray[np.int64], rows: Rows | slice) -> NDArray[np.float32]:
        """The share (n, 16, 16) of each cell of these copies that lies inside the frame."""
        m = self.matrix[rows]
        x = np.where(i == 0, self.x[rows], (2 * i).astype(np.float32) - self.x[rows])[:, None, :]
        y = np.where(j == 0, self.y[rows], (2 * j).astype(np.float32) - self.y[rows])[:, :, None]
        wide, high = self.wide[rows][:, None, :], self.high[rows][:, :, None]
        share: NDArray[np.float32] | None = None
        tilted = bool(m[:, 2, :2].any())
        w = m[:, 2, 0] * x + m[:, 2, 1] * y + m[:, 2, 2] if tilted else np.ones((1, 1, 1), np.float32)
        front = np.maximum(w, np.float32(1e-6))
        for axis in (0, 1):
            at = m[:, axis, 0] * x + (m[:, axis, 1] * y + m[:, axis, 2])
            if tilted:
                at /= front
                slope_x = np.abs(m[:, axis, 0] - at * m[:, 2, 0]) / front
                slope_y = np.abs(m[:, axis, 1] - at * m[:, 2, 1]) / front
            else:
                slope_x, slope_y = np.abs(m[:, axis, 0]), np.abs(m[:, axis, 1])
            # a cell leaves the frame gradually, as its shadow on the axis does
            width = slope_x * wide + slope_y * high + np.float32(1e-9)
            inside = ((1 - np.abs(at)) / width + np.float32(0.5)).clip(0, 1)
            share = inside if share is None else share * inside
        assert share is not None
        if tilted:
            share = np.where(w > 1e-6, share, 0)
        return np.asarray(share)


def _cells(low: NDArray[np.float32], high: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The part of each cell (n, 16) within the extent: its middle and its width, in half frames."""
    start, end = (np.clip(_EDGES[k : GRID + k], low[:, None], high[:, None]) for k in (0, 1))
    outside = end <= start
    middle = np.where(outside, (_EDGES[:-1] + _EDGES[1:]) / 2, (start + end) / 2)
    return 2 * middle - 1, 2 * np.where(outside, np.float32(1 / GRID), end - start)


_EDGES = (np.arange(GRID + 1) / GRID).astype(np.float32)
