"""Crops that keep the object: draws of `RandomResizedCrop(keep=...)` are changed where they lose too much of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.objects import GRID, Objects, Weights
from augsafe.pixels import project
from augsafe.planning import Draws, displaced_before, map_before
from augsafe.randomness import FloatArray, uniforms
from augsafe.transforms import RandomResizedCrop, Sizes, Transform

TRIES = 10
_STEPS = 16
_ROWS = 1024  # images looked at together
Rows = NDArray[np.intp]


def aims(leaves: Sequence[Transform]) -> bool:
    """Whether some step looks at the object."""
    return any(isinstance(leaf, RandomResizedCrop) and leaf.keep > 0 for leaf in leaves)


def aimed(leaves: Sequence[Transform], draws: Draws, sizes: Sizes, objects: Objects) -> Draws:
    """Change the crops that would lose more of the object than they may.

    A crop is redrawn, at most ten times in all, until it keeps the share. Then the first one is moved towards the
    object, in its size. Then it is widened, as little as needed, up to the whole image. So draws that keep enough stay
    as they were, and the redrawn ones have the same distribution.

    Args:
        leaves: The steps of a policy that act.
        draws: Their draws for n images.
        sizes: Height and width of each image (n, 2), pixels.
        objects: Where the objects are.

    Returns:
        The draws, with other values of crops.

    Raises:
        ArgumentError: The counts differ.
    """
    if len(objects.weights) != len(sizes):
        raise ArgumentError(f"objects has {len(objects.weights)} entries, shapes {len(sizes)}; they must agree")
    for place, leaf in enumerate(leaves):
        if not isinstance(leaf, RandomResizedCrop) or leaf.keep == 0:
            continue
        acting = np.flatnonzero(draws.active[leaf.label] & ~objects.diffuse)
        for start in range(0, len(acting), _ROWS):
            rows = acting[start : start + _ROWS]
            some = draws.rows(rows)
            matrix, frame = map_before(leaves[:place], some, sizes[rows])
            cells = _Cells.of(objects.weights[rows], objects.extents[rows], sizes[rows], matrix)
            cells = cells.wider(displaced_before(leaves[:place], some, sizes[rows]))
            new = _aimed(leaf, some, frame, cells)
            columns = dict(draws.values[leaf.label])
            for name, column in columns.items():
                columns[name] = column.copy()
                columns[name][rows] = new[name]
            draws = replace(draws, values={**draws.values, leaf.label: columns})
    return draws


@dataclass(frozen=True, eq=False)
class _Cells:
    """The part of each cell that the object may fill, as boxes (n, 256) in a crop's input, pixel edges; and weights."""

    x0: FloatArray
    y0: FloatArray
    x1: FloatArray
    y1: FloatArray
    weights: FloatArray

    @staticmethod
    def of(weights: Weights, extents: Weights, sizes: Sizes, matrix: FloatArray) -> _Cells:
        """The cells of n objects, through the map of the steps before."""
        edges = np.arange(GRID + 1) / GRID
        ends = []
        for axis in (0, 1):
            low, high = extents[:, axis, None].astype(np.float64), extents[:, axis + 2, None].astype(np.float64)
            start, end = np.clip(edges[:-1], low, high), np.clip(edges[1:], low, high)
            empty = end <= start  # stray weight beyond the object's extent
            side = sizes[:, 1 - axis, None]
            ends.append([np.where(empty, edges[:-1], start) * side, np.where(empty, edges[1:], end) * side])
        (x0, x1), (y0, y1) = ends
        corners = [
            np.stack(np.broadcast_arrays(x[:, None, :], y[:, :, None]), axis=3).reshape(len(x), -1, 2)
            for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))
        ]
        moved = np.stack([project(matrix, c - 0.5) + 0.5 for c in corners])
        low, high = moved.min(axis=0), moved.max(axis=0)
        return _Cells(
            low[..., 0], low[..., 1], high[..., 0], high[..., 1], weights.reshape(len(weights), -1).astype(np.float64)
        )

    def wider(self, by: FloatArray) -> _Cells:
        """The same, where distortions may have moved each cell by so many pixels (n,)."""
        more = by[:, None]
        return _Cells(self.x0 - more, self.y0 - more, self.x1 + more, self.y1 + more, self.weights)

    def inside(self, windows: FloatArray, rows: Rows | slice = slice(None)) -> FloatArray:
        """At least this share of each object lies in its window (n, 4): cells that are cut do not count."""
        x0, y0, x1, y1 = (windows[:, k, None] for k in range(4))
        slack = 1e-6
        held = (self.x0[rows] >= x0 - slack) & (self.x1[rows] <= x1 + slack)
        held &= (self.y0[rows] >= y0 - slack) & (self.y1[rows] <= y1 + slack)
        return np.asarray((self.weights[rows] * held).sum(axis=1), dtype=np.float64)


def _aimed(leaf: RandomResizedCrop, draws: Draws, frame: Sizes, cells: _Cells) -> dict[str, FloatArray]:
    """New values for n images."""
    values = {name: column.copy() for name, column in draws.values[leaf.label].items()}
    whole = np.concatenate([np.zeros((len(frame), 2)), frame[:, ::-1]], axis=1).astype(np.float64)
    # the steps before may have moved some of it out of sight already
    wanted = np.minimum(leaf.keep, cells.inside(whole)) - 1e-6
    first = leaf.windows(values, frame)
    left = np.flatnonzero(cells.inside(first) < wanted)
    if not len(left):
        return values
    name, count = f"{leaf.label}/keep", len(leaf.parameters)
    u = uniforms(draws.key.rows(left), [(name, count * (TRIES - 1))])[name]
    open_ = np.ones(len(left), bool)
    for k in range(TRIES - 1):
        some = np.flatnonzero(open_)
        tried = leaf.draw(u[k * count : (k + 1) * count, some])
        rows = left[some]
        good = cells.inside(leaf.windows(tried, frame[rows]), rows) >= wanted[rows]
        for key, column in tried.items():
            values[key][rows[good]] = column[good]
        open_[some[good]] = False
    rows = left[open_]
    if len(rows):
        for key, column in leaf.values_of(
            _found(first[rows], whole[rows], wanted[rows], cells, rows), frame[rows]
        ).items():
            values[key][rows] = column
    return values


def _found(first: FloatArray, whole: FloatArray, wanted: FloatArray, cells: _Cells, rows: Rows) -> FloatArray:
    """Windows (n, 4): the first ones moved towards the object, then widened, until each keeps what is wanted."""
    weight = cells.weights[rows]
    total = np.maximum(weight.sum(axis=1), 1e-12)
    middle = [
        ((a[rows] + b[rows]) * weight).sum(axis=1) / total / 2 for a, b in ((cells.x0, cells.x1), (cells.y0, cells.y1))
    ]
    half = (first[:, 2:] - first[:, :2]) / 2
    centre = np.clip(np.stack(middle, axis=1), half, np.maximum(whole[:, 2:] - half, half))
    near = np.concatenate([centre - half, centre + half], axis=1)
    out, open_ = whole.copy(), np.ones(len(rows), bool)
    for a, b in ((first, near), (near, whole)):
        for k in range(1, _STEPS + 1):
            some = np.flatnonzero(open_)
            window = a[some] + (b[some] - a[some]) * (k / _STEPS)
            good = cells.inside(window, rows[some]) >= wanted[some]
            out[some[good]] = window[good]
            open_[some[good]] = False
    return out
