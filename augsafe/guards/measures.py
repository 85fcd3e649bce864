"""What a plan does to the content of images, without pixels: cheap bounds first, the 16 x 16 grid where they fail.

Places are in half frames: -1 to 1 in x and y over the source frame, and over the output frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.judge import overlap
from augsafe.guards.objects import GRID, Objects
from augsafe.plan import Plan
from augsafe.randomness import FloatArray
from augsafe.targets import project

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
    """The map of each image in half frames: linear part a b / c d and offset e f."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray
    e: FloatArray
    f: FloatArray
    flat: BoolArray | None  # where the map is affine; None where all are


def _half_frames(plan: Plan) -> _Map:
    m = plan.matrix
    w, h = plan.shapes[:, 1] / 2, plan.shapes[:, 0] / 2
    ow, oh = plan.sizes[:, 1] / 2, plan.sizes[:, 0] / 2
    tilted = m[:, 2, :2].any()
    flat = ~m[:, 2, :2].any(axis=1) if tilted else None
    x, y = w - 0.5, h - 0.5  # the source's centre
    e = (m[:, 0, 0] * x + m[:, 0, 1] * y + m[:, 0, 2] + 0.5) / ow - 1
    f = (m[:, 1, 0] * x + m[:, 1, 1] * y + m[:, 1, 2] + 0.5) / oh - 1
    return _Map(m[:, 0, 0] * w / ow, m[:, 0, 1] * h / ow, m[:, 1, 0] * w / oh, m[:, 1, 1] * h / oh, e, f, flat)


def measure(plan: Plan, objects: Objects | None, limits: Limits | None = None) -> ContentMeasures:
    """Measure a plan; with limits, only as exactly as they need. Without objects only the padding is measured."""
    maps = _half_frames(plan)
    n = len(plan)
    # the output frame seen from the source: centre (p, q) and half extents (r, s)
    det = maps.a * maps.d - maps.b * maps.c
    det = np.where(np.abs(det) < 1e-12, 1e-12, det)
    p = (maps.b * maps.f - maps.d * maps.e) / det
    q = (maps.c * maps.e - maps.a * maps.f) / det
    size = np.abs(det)
    across = (np.abs(maps.d) / size, np.abs(maps.b) / size)
    down = (np.abs(maps.a) / size, np.abs(maps.c) / size)
    r, s = across[0] + across[1], down[0] + down[1]
    out = ContentMeasures(
        np.ones(n), np.full(n, np.inf), np.full(n, np.inf), _padding_bound(p, q, across, down), np.zeros(n)
    )
    _exact(out.padding, out.padding > (0 if limits is None else limits.padding), maps, _padding, plan)
    if objects is None:
        return out
    pixels, plain = _pixels(plan, objects)
    out = replace(out, pixels=pixels, plain_pixels=plain)
    out.visible[:] = 1 - _lost_bound(maps, objects, p, q)
    wanted = out.visible < (1 if limits is None else limits.visible)
    _exact(out.visible, wanted, maps, lambda plan, rows: _push(plan, objects, rows), plan)
    if plan.settings.border == "reflect":
        out.doubled[:] = _doubled_bound(objects, p, q, r, s)
        wanted = out.doubled > (0 if limits is None else limits.doubled)
        frame = np.stack([p - r, p + r, q - s, q + s])
        if maps.flat is not None:
            frame[:, ~maps.flat] = np.array([-np.inf, np.inf, -np.inf, np.inf])[:, None]
        _exact(out.doubled, wanted, maps, lambda plan, rows: _copies(plan, objects, rows, frame), plan)
    return out


def _exact(column: FloatArray, wanted: BoolArray, maps: _Map, how: object, plan: Plan) -> None:
    """Replace bounds by exact values in the rows that need it; bounds do not hold for tilted maps."""
    if maps.flat is not None:
        wanted = wanted | ~maps.flat
    if wanted.any():
        rows = np.flatnonzero(wanted)
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048]
            column[part] = how(plan, part)  # type: ignore[operator]


def _padding_bound(
    p: FloatArray, q: FloatArray, across: tuple[FloatArray, FloatArray], down: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """At most this share of the frame lies beyond the image: what lies beyond each of its sides, added up."""
    sides = [_tail(1 - p, *across), _tail(1 + p, *across), _tail(1 - q, *down), _tail(1 + q, *down)]
    return np.asarray(np.minimum(sides[0] + sides[1] + sides[2] + sides[3], 1.0))


def _tail(far: FloatArray, one: FloatArray, two: FloatArray) -> FloatArray:
    """The share of a parallelogram further than `far` from its centre along an axis; 1 where that is behind it.

    Its shadow on the axis is a trapezoid: the sum of two even densities with half widths `one` and `two`.
    """
    base, top = one + two, np.abs(one - two)
    sloped = np.maximum(base - far, 0) ** 2 / np.maximum(2 * (base - top), 1e-12)
    level = (base + top) / 2 - far
    return np.asarray(np.where(far < 0, 1.0, np.where(far < top, level, sloped) / (base + top)))


def _padding(plan: Plan, rows: Rows) -> FloatArray:
    unit = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    corners = unit * plan.shapes[rows][:, None, ::-1] - 0.5
    moved = project(plan.matrix[rows], corners)
    return np.clip(1.0 - overlap((moved + 0.5) / plan.sizes[rows][:, None, ::-1]), 0.0, 1.0)


def _share(lines: NDArray[np.float32], place: FloatArray, up: bool) -> FloatArray:
    """The weight before a place (half frames), rounded up or down to a line of the grid."""
    column = (place + 1) * (GRID / 2)
    index = (np.ceil(column - 1e-6) if up else np.floor(column + 1e-6)).clip(0, GRID).astype(np.intp)
    return np.asarray(lines[np.arange(len(lines)), index], dtype=np.float64)


def _lost_bound(maps: _Map, objects: Objects, p: FloatArray, q: FloatArray) -> FloatArray:
    """At most this share of the weight leaves the frame: what lies outside a square that the frame holds."""
    x0, y0, x1, y1 = (2 * objects.extents.astype(np.float64) - 1).T
    x, y, u, v = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    across = np.abs(maps.a * x + maps.b * y + maps.e) + np.abs(maps.a) * u + np.abs(maps.b) * v
    down = np.abs(maps.c * x + maps.d * y + maps.f) + np.abs(maps.c) * u + np.abs(maps.d) * v
    lost = np.zeros(len(x))
    rows = np.flatnonzero((across > 1 + 1e-9) | (down > 1 + 1e-9))
    if not len(rows):
        return lost
    a, b, c, d = maps.a[rows], maps.b[rows], maps.c[rows], maps.d[rows]
    half = 1 / np.maximum(np.abs(a) + np.abs(b), np.abs(c) + np.abs(d))
    for lines, centre in ((objects.left[rows], p[rows]), (objects.top[rows], q[rows])):
        lost[rows] += _share(lines, centre - half, True) + 1 - _share(lines, centre + half, False)
    return np.minimum(lost, 1.0)


def _doubled_bound(objects: Objects, p: FloatArray, q: FloatArray, r: FloatArray, s: FloatArray) -> FloatArray:
    """At most this much of the weight appears again, mirrored at the image's edges.

    The frame reaches over the left edge to -1 - t exactly when the copy shows weight that lies within t of that edge.
    """
    x0, y0, x1, y1 = (2 * objects.extents.astype(np.float64) - 1).T
    reach = [(p - r, x0, True), (p + r, x1, False), (q - s, y0, True), (q + s, y1, False)]
    near = [
        (-2 - edge > start) if low else (2 - edge < start) for edge, start, low in reach
    ]  # the mirrored place against the object's edge
    out = np.zeros(len(p))
    rows = np.flatnonzero(near[0] | near[1] | near[2] | near[3])
    if not len(rows):
        return out
    sides = []
    for (edge, _, low), lines in zip(reach, (objects.left, objects.left, objects.top, objects.top), strict=True):
        place = (-2 - edge[rows]) if low else (2 - edge[rows])
        sides.append(_share(lines[rows], place, True) if low else 1 - _share(lines[rows], place, False))
    across, down = sides[0] + sides[1], sides[2] + sides[3]
    # a copy at a corner shows weight that is near both sides: no more than the smaller share, at two corners each
    out[rows] = across + down + np.minimum(across, down) * 2
    return out


def _pixels(plan: Plan, objects: Objects) -> tuple[FloatArray, FloatArray]:
    """The object's shorter extent in output pixels, and after a plain resize to the output."""
    m = plan.matrix
    x0, y0, x1, y1 = objects.extents.astype(np.float64).T
    wide, high = (x1 - x0) * plan.shapes[:, 1], (y1 - y0) * plan.shapes[:, 0]
    a, b, c, d = m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1]
    if m[:, 2, :2].any():
        x, y = (x0 + x1) / 2 * plan.shapes[:, 1] - 0.5, (y0 + y1) / 2 * plan.shapes[:, 0] - 0.5
        w = m[:, 2, 0] * x + m[:, 2, 1] * y + m[:, 2, 2]
        w = np.where(np.abs(w) < 1e-12, 1e-12, w)
        px = (a * x + b * y + m[:, 0, 2]) / w
        py = (c * x + d * y + m[:, 1, 2]) / w
        a, b = (a - px * m[:, 2, 0]) / w, (b - px * m[:, 2, 1]) / w
        c, d = (c - py * m[:, 2, 0]) / w, (d - py * m[:, 2, 1]) / w
    pixels = np.minimum(wide * np.sqrt(a * a + c * c), high * np.sqrt(b * b + d * d))
    plain = np.minimum((x1 - x0) * plan.sizes[:, 1], (y1 - y0) * plan.sizes[:, 0])
    return pixels, plain


def _push(plan: Plan, objects: Objects, rows: Rows) -> FloatArray:
    """The object's weight inside the frame, by its grid."""
    here = np.zeros((len(rows), 1), np.int64)
    return _Pushed(plan, objects, rows).tile(here, here, slice(None))


def _copies(plan: Plan, objects: Objects, rows: Rows, frame: FloatArray) -> FloatArray:
    """The weight of the object's mirrored copies inside the frame, in the eight tiles around the image.

    frame: for all images, the box around the output frame seen from the source (x0, x1, y0, y1 by n): a tile is looked
    at only where that box reaches the copy in it.
    """
    x0, y0, x1, y1 = (2 * objects.extents[rows].astype(np.float64) - 1).T
    left, right, top, bottom = frame[:, rows]
    everywhere = np.ones(len(rows), bool)
    across = {-1: left < -2 - x0, 0: everywhere, 1: right > 2 - x1}
    down = {-1: top < -2 - y0, 0: everywhere, 1: bottom > 2 - y1}
    near = [(k, i, j) for i in across for j in down if i or j for k in np.flatnonzero(across[i] & down[j])]
    if not near:
        return np.zeros(len(rows))
    row, i, j = np.array(near).T
    shown = _Pushed(plan, objects, rows).tile(i[:, None], j[:, None], row)
    return np.bincount(row, shown, minlength=len(rows))


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
        return np.einsum("kij,kij->k", share, self.weights[rows]).astype(np.float64)


def _cells(low: NDArray[np.float32], high: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The part of each cell (n, 16) within the extent: its middle and its width, in half frames."""
    start, end = (np.clip(_EDGES[k : GRID + k], low[:, None], high[:, None]) for k in (0, 1))
    outside = end <= start
    middle = np.where(outside, (_EDGES[:-1] + _EDGES[1:]) / 2, (start + end) / 2)
    return 2 * middle - 1, 2 * np.where(outside, np.float32(1 / GRID), end - start)


_EDGES = (np.arange(GRID + 1) / GRID).astype(np.float32)
