"""What a drawn map does, judged as a whole: the nearest symmetry of the square, the remaining rotation, the zoom.

A real linear map of the plane is z -> a z + b conj(z) in complex numbers. It keeps orientation when |a| > |b|; its
rotation (the orthogonal factor of the polar decomposition) is the argument of a, its singular values |a| +- |b|.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.pixels import project
from augsafe.planning import Plan
from augsafe.randomness import FloatArray
from augsafe.transforms import Sizes

# symmetry index by mirrored and quarter turns, in the order of contracts.symmetry.SYMMETRIES
SYMMETRY_OF = np.array([[0, 1, 2, 3], [4, 6, 5, 7]])


@dataclass(frozen=True)
class Judged:
    """For n maps: the index of the nearest symmetry, the rotation left over (degrees), the least and largest zoom."""

    symmetry: NDArray[np.intp]
    residual: FloatArray
    zoom_min: FloatArray
    zoom_max: FloatArray


def judge(jacobian: FloatArray) -> Judged:
    """Judge linear maps (n, 2, 2), x right and y down."""
    p, q, r, s = jacobian[:, 0, 0], jacobian[:, 0, 1], jacobian[:, 1, 0], jacobian[:, 1, 1]
    # a = (a_x + i a_y) / 2 and b likewise
    a_x, a_y, b_x, b_y = p + s, r - q, p - s, r + q
    a, b = np.sqrt(a_x * a_x + a_y * a_y), np.sqrt(b_x * b_x + b_y * b_y)
    mirrored = b > a
    # a mirrored map is a horizontal flip first, then a rotation: its complex factor is -b
    angle = np.degrees(np.arctan2(np.where(mirrored, b_y, -a_y), np.where(mirrored, -b_x, a_x)))
    quarter = np.rint(angle / 90).astype(int)
    return Judged(
        SYMMETRY_OF[mirrored.astype(int), quarter % 4],
        angle - 90 * quarter,
        np.abs(a - b) / 2,
        (a + b) / 2,
    )


def judge_plan(plan: Plan) -> Judged:
    """Judge what draws do. A zoom counts as far as the image without a draw does not have it, too.

    So a crop that every image gets alike, such as CenterCrop, leaves no limit.
    """
    found = judge(plan.jacobian)
    if all(part.after is part.before for part in plan.geometry):
        return found
    plain = plan.plain(np.arange(len(plan))).jacobian
    if np.allclose(plain, np.eye(2), atol=1e-9):
        return found
    more = judge(plan.jacobian @ np.linalg.inv(plain))
    return replace(
        found, zoom_min=np.maximum(found.zoom_min, more.zoom_min), zoom_max=np.minimum(found.zoom_max, more.zoom_max)
    )


def overlap(quads: FloatArray) -> FloatArray:
    """The share of the unit square that convex quadrilaterals (n, 4, 2) cover, exactly.

    Each edge contributes the integral of its height, clipped to the square, over its extent in x.
    """
    start, end = quads, np.roll(quads, -1, axis=1)
    x0, x1 = np.clip(start[..., 0], 0, 1), np.clip(end[..., 0], 0, 1)
    run = end[..., 0] - start[..., 0]
    flat = np.abs(run) < 1e-12
    slope = (end[..., 1] - start[..., 1]) / np.where(flat, 1.0, run)
    y0 = start[..., 1] + (x0 - start[..., 0]) * slope
    y1 = start[..., 1] + (x1 - start[..., 0]) * slope
    rise = y1 - y0
    level = np.abs(rise) < 1e-9
    mean = np.where(level, np.clip((y0 + y1) / 2, 0, 1), (_area(y1) - _area(y0)) / np.where(level, 1.0, rise))
    return np.asarray(np.abs(np.where(flat, 0.0, (x1 - x0) * mean).sum(axis=1)))


def _area(y: FloatArray) -> FloatArray:
    inside = np.clip(y, 0, 1)
    return inside**2 / 2 + np.maximum(y - 1, 0)


def _corners(sizes: Sizes) -> FloatArray:
    """The corners (n, 4, 2) of each frame, at pixel edges."""
    unit = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return np.asarray(unit[None] * sizes[:, None, ::-1] - 0.5)


def middle_visible(plan: Plan, share: float = 0.5) -> FloatArray:
    """How much of the middle of each image (`share` of each side) lies inside the frame of every stage (n,).

    With several stages it is the least of them: no more than that is left.
    """
    return np.asarray(np.min([_middle_visible(part, share) for part in plan.prefixes], axis=0))


def _middle_visible(plan: Plan, share: float) -> FloatArray:
    inverse = np.linalg.inv(plan.matrix).astype(np.float64, copy=False)
    source = project(inverse, _corners(plan.sizes))
    unit: FloatArray = (source + 0.5) / plan.shapes[:, None, ::-1]
    return overlap((unit - (1 - share) / 2) / share)


def padding(plan: Plan, rows: slice | NDArray[np.intp] = slice(None)) -> FloatArray:
    """The share of each output frame, or of some, that lies beyond the image (n,)."""
    matrix, shapes, sizes = plan.matrix[rows], plan.shapes[rows], plan.sizes[rows]
    corners = _corners(shapes)
    shown = overlap((project(matrix, corners) + 0.5) / sizes[:, None, ::-1])
    # a frame that the horizon of a projective map cuts does not come out as the polygon of its corners
    weights = (corners * matrix[:, None, 2, :2]).sum(axis=2) + matrix[:, 2, 2:]
    for row in np.flatnonzero((weights.min(axis=1) <= 0) & (weights.max(axis=1) > 0)):
        shown[row] = _counted(matrix[row], shapes[row], sizes[row])
    return np.clip(1.0 - shown, 0.0, 1.0)


def _counted(matrix: FloatArray, shape: NDArray[np.int64], size: NDArray[np.int64], side: int = 128) -> float:
    """The share of an output frame that shows the image, by a grid of side x side places in it."""
    across, down = np.meshgrid(*((np.arange(side) + 0.5) / side * n - 0.5 for n in size[::-1]))
    inverse = np.linalg.inv(matrix).astype(np.float64, copy=False)
    source = project(inverse, np.stack([across.ravel(), down.ravel()], axis=1))
    return float(((source >= -0.5) & (source <= shape[::-1] - 0.5)).all(axis=1).mean())
