"""What draws take away from the content of images, without pixels: cheap bounds, then the 16 x 16 grid.

A draw is held against the same image as it would be without one (`Plan.plain`): what the policy's own resize or crop
takes from every image, no draw is blamed for, and the identity never violates.

Places are in half frames: -1 to 1 in x and y over the source frame, and over the output frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.content.bounds import Extents, HalfFrames, doubled_bound, half_frames, lost_bound, padding_bound
from augsafe.guards.judging import padding
from augsafe.objects import GRID, Objects
from augsafe.planning import Plan
from augsafe.policies import covered
from augsafe.randomness import FloatArray

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
    """Measures (n,) against the image without a draw: `visible` share of the object's weight that stays inside the
    frame; `pixels`, its size in the output (its longer side at the map's smallest scale), and `plain_pixels`, what
    would be left without a draw or after a plain resize; `padding` share of the image's place in the output that lies
    beyond the image; `doubled` share of the object that a reflected border repeats; `covered` share of what is visible
    of the object that erased patches hide.

    Measured against limits, a value is a bound wherever the bound already keeps the limit.
    """

    visible: FloatArray
    pixels: FloatArray
    plain_pixels: FloatArray
    padding: FloatArray
    doubled: FloatArray
    covered: FloatArray
    plan: Plan | None = None  # for rules with a measure of their own
    objects: Objects | None = None


def measure(plan: Plan, objects: Objects | None, limits: Limits | None = None) -> ContentMeasures:
    """Measure a plan; with limits, only as exactly as they need. Without objects only the padding is measured."""
    found = _of_frame(plan, objects, limits)
    rows = np.arange(len(plan)) if limits is None else np.flatnonzero(_beyond(found, limits))
    if len(rows):
        some = None if objects is None else objects.rows(rows)
        _taken(found, rows, _of_frame(plan.plain(rows), some, None))
    hidden = found.covered if objects is None else covered(plan, objects)
    return replace(found, covered=hidden, plan=plan, objects=objects)


def _beyond(found: ContentMeasures, limits: Limits) -> BoolArray:
    """Which rows some limit but that on what is covered may concern."""
    lost = (found.visible < limits.visible) | (found.pixels < limits.min_pixels)
    return np.asarray(lost | (found.padding > limits.padding) | (found.doubled > limits.doubled))


def _taken(found: ContentMeasures, rows: Rows, plain: ContentMeasures) -> None:
    """Hold some rows against what the same images are without a draw; in place."""
    shown, before = 1 - found.padding[rows], 1 - plain.padding
    for column, share in (
        (found.visible, _part(found.visible[rows], plain.visible)),
        (found.plain_pixels, np.minimum(found.plain_pixels[rows], plain.pixels)),
        (found.padding, 1 - _part(shown, before)),
        (found.doubled, np.maximum(found.doubled[rows] - plain.doubled, 0)),
    ):
        column[rows] = share


def _part(share: FloatArray, of: FloatArray) -> FloatArray:
    """What part is left; all of it where there was nothing."""
    return np.where(of > 1e-6, np.minimum(share / np.maximum(of, 1e-6), 1), 1.0)


def _of_frame(plan: Plan, objects: Objects | None, limits: Limits | None) -> ContentMeasures:
    """What a plan leaves, whoever is to blame; without what is covered."""
    maps = half_frames(plan)
    n = len(plan)
    beyond = padding_bound(maps, 0.0 if limits is None else limits.padding)
    _exact(beyond, beyond > (0 if limits is None else limits.padding), maps, lambda rows: padding(plan, rows))
    if objects is None:
        return ContentMeasures(np.ones(n), np.full(n, np.inf), np.full(n, np.inf), beyond, np.zeros(n), np.zeros(n))
    box = Extents.of(objects)
    pixels, plain = _pixels(plan, box, maps.flat)
    visible = 1 - lost_bound(maps, objects, box, 0.0 if limits is None else 1 - limits.visible)
    wanted = (visible < (1 if limits is None else limits.visible)) | (len(plan.stages) > 1)
    _exact(visible, wanted, maps, lambda rows: _push(plan, objects, rows))
    doubled = np.zeros(n)
    if plan.settings.border == "reflect":
        doubled = doubled_bound(maps, objects, box, 0.0 if limits is None else limits.doubled)
        wanted = doubled > (0 if limits is None else limits.doubled)
        _exact(doubled, wanted, maps, lambda rows: _copies(plan, objects, rows, maps))
    return ContentMeasures(visible, pixels, plain, beyond, doubled, np.zeros(n))


def _exact(column: FloatArray, wanted: BoolArray, maps: HalfFrames, how: Callable[[Rows], FloatArray]) -> None:
    """Replace bounds by exact values in the rows that need it; bounds do not hold for tilted maps."""
    if maps.flat is not None:
        wanted = wanted | ~maps.flat
    if wanted.any():
        rows = np.flatnonzero(wanted)
        for start in range(0, len(rows), 2048):
            part = rows[start : start + 2048]
            column[part] = how(part)


def _pixels(plan: Plan, box: Extents, flat: BoolArray | None) -> tuple[FloatArray, FloatArray]:
    """The object's size in output pixels, and after a plain resize to the output: docs/decisions/0008.

    The longer side of the box around it, at the smallest scale that the map has in any direction.
    """
    (high, wide), (rows, columns) = plan.shapes.T, plan.sizes.T
    side = np.maximum(box.half[:, 0] * wide, box.half[:, 1] * high)
    linear = plan.matrix[:, :2, :2] if flat is None else _tilted(plan, box.middle)
    (a, b), (c, d) = (linear[:, row].T for row in (0, 1))
    # singular values are |p| +- |q| of the map z -> p z + q conj(z)
    sum_x, sum_y, rest_x, rest_y = a + d, c - b, a - d, c + b
    smallest = np.abs(np.sqrt(sum_x * sum_x + sum_y * sum_y) - np.sqrt(rest_x * rest_x + rest_y * rest_y)) * 0.5
    return side * smallest, side * np.minimum(columns / wide, rows / high)


def _tilted(plan: Plan, middle: FloatArray) -> FloatArray:
    """The linear part at the object's middle."""
    m = plan.matrix
    point = (middle + 1) * plan.shapes[:, ::-1] * 0.5 - 0.5
    moved = (m[:, :, :2] @ point[:, :, None])[:, :, 0] + m[:, :, 2]
    w = np.where(np.abs(moved[:, 2:]) < 1e-12, 1e-12, moved[:, 2:])
    return np.asarray((m[:, :2, :2] - (moved[:, :2] / w)[:, :, None] * m[:, None, 2, :2]) / w[:, :, None])


def _push(plan: Plan, objects: Objects, rows: Rows) -> FloatArray:
    """The object's weight inside the frame, by its grid."""
    here = np.zeros((len(rows), 1), np.int64)
    pushed = [_Pushed(part, objects, rows) for part in plan.prefixes]
    share = pushed[0].inside(here, here, slice(None))
    for more in pushed[1:]:  # what an earlier frame cut off does not come back
        share = np.minimum(share, more.inside(here, here, slice(None)))
    return np.asarray(np.einsum("kij,kij->k", share, pushed[0].weights), dtype=np.float64)


def _copies(plan: Plan, objects: Objects, rows: Rows, maps: HalfFrames) -> FloatArray:
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
