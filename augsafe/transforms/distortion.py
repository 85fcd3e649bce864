"""Elastic and grid distortion: the steps that no matrix can say. Each is a stage of its own.

A field gives for each output pixel how far away its source lies. It is a smooth sum of a few random vectors, one a
node of a lattice: d = B_y N B_x' for each of x and y, with the basis evaluated at pixel centres. Fields are weakened
where they would fold the image, so that points have one place in the output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray, Key, uniforms
from augsafe.transforms.base import Move, Sizes, Transform, Values
from augsafe.transforms.parameters import Parameter, Range

STEEPEST = 0.8  # the largest slope of a field; from 1 on an image may fold
_ROUNDS = 60  # of the iteration that inverts a field: 0.8 ** 60 is 2e-6


@dataclass(frozen=True)
class Basis:
    """How much each node along one side moves some places.

    Attributes:
        at: The weight of each node at each place (k, nodes).
        slope: The slope of that weight, per side length (k, nodes).
    """

    at: FloatArray
    slope: FloatArray


@dataclass(frozen=True)
class Distortion(Transform):
    """Base of steps that move each pixel by a random field; the frame stays as it is."""

    def counts(self, size: tuple[int, int]) -> tuple[int, int]:
        """How many nodes a field has, down and across, for an image of `size` (height, width)."""
        raise NotImplementedError

    def basis(self, axis: int, size: tuple[int, int], places: FloatArray) -> Basis:
        """The basis along one side.

        Args:
            axis: 0 for down, 1 for across.
            size: (height, width) of the image, pixels.
            places: Where along the side (k,), from 0 to 1.

        Returns:
            The weights and slopes (k, nodes).
        """
        raise NotImplementedError

    def points(self, axis: int, size: tuple[int, int]) -> FloatArray:
        """Where a field is measured along one side, closer than it varies.

        Args:
            axis: 0 for down, 1 for across.
            size: (height, width) of the image, pixels.

        Returns:
            Places from 0 to 1.
        """
        raise NotImplementedError

    def strengths(self, values: Values, sizes: Sizes) -> FloatArray:
        """The largest displacement of each draw.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            Fractions of the shorter side (n,).
        """
        raise NotImplementedError

    def scale(self, longest: FloatArray) -> FloatArray:
        """What the fields are multiplied with for a displacement of 1, from their largest vectors (n,)."""
        raise NotImplementedError

    def strongest(self, size: tuple[int, int]) -> float:
        """The largest displacement that any draw can have for images of `size`."""
        raise NotImplementedError

    def moves(self, size: tuple[int, int]) -> tuple[Move, ...]:
        """Bounds on the affine map that is nearest to a field, as `linear` gives it.

        For |d| <= a of the shorter side, each slope of the least-squares fit is at most 3 a, and so its norm 4.25 a.
        """
        a = self.strongest(size)
        e = min(math.sqrt(18) * a, STEEPEST)
        angle = math.degrees(math.asin(e))
        return (
            Move(rotation=(-angle, angle), scale=(1 / (1 + e), 1 / (1 - e)), dilatation=e, shift=((-a, a), (-a, a))),
        )

    def linear(self, values: Values, sizes: Sizes) -> FloatArray:
        """The linear part of the affine map that is nearest to each field, by least squares.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            (n, 2, 2), source to output.
        """
        out = np.broadcast_to(np.eye(2), (len(sizes), 2, 2)).copy()
        for size in np.unique(sizes, axis=0):
            height, width = (int(v) for v in size)
            rows = np.flatnonzero((sizes == size).all(axis=1))
            nodes = self._nodes(values["field"][rows], (height, width))
            amplitude = self._amplitude(nodes, self.strengths(values, sizes)[rows], (height, width))
            ys, xs = (self.points(axis, (height, width)) for axis in (0, 1))
            by, bx = self.basis(0, (height, width), ys), self.basis(1, (height, width), xs)
            for axis, (weights_y, weights_x, side) in enumerate(
                (
                    (np.ones(len(ys)) / len(ys), _slope_weights(xs), width),
                    (_slope_weights(ys), np.ones(len(xs)) / len(xs), height),
                )
            ):
                found = np.einsum("y,ncyx,x->nc", weights_y @ by.at, nodes, weights_x @ bx.at, optimize=True)
                out[rows, :, axis] += found.reshape(len(rows), 2) * (amplitude * min(height, width) / side)[:, None]
        return np.asarray(np.linalg.inv(out), dtype=np.float64)

    def field(self, values: Mapping[str, float], size: tuple[int, int]) -> NDArray[np.float32]:
        """How far the source of each output pixel lies from it.

        Args:
            values: Values of the parameters, of one image.
            size: (height, width) of the image, pixels.

        Returns:
            x and y in pixels (H, W, 2).
        """
        height, width = size
        columns = {k: np.array([v]) for k, v in values.items()}
        nodes = self._nodes(columns["field"], size)
        amplitude = self._amplitude(nodes, self.strengths(columns, np.array([size])), size)
        by, bx = _pixels(self, 0, (height, width)), _pixels(self, 1, (height, width))
        unit = by.at @ nodes[0] @ bx.at.T
        return np.asarray(np.moveaxis(unit, 0, 2) * (amplitude[0] * min(size)), dtype=np.float32)

    def _nodes(self, keys: FloatArray, size: tuple[int, int]) -> FloatArray:
        """Random vectors (n, 2, down, across) in [-1, 1], from the number that keys each field."""
        down, across = self.counts(size)
        key = Key.of(0, 0, np.floor(np.asarray(keys) * 2**53).astype(np.int64))
        u = uniforms(key, [("augsafe/field", 2 * down * across)])["augsafe/field"]
        return np.asarray(2 * u.T - 1).reshape(-1, 2, down, across)

    def _amplitude(self, nodes: FloatArray, strengths: FloatArray, size: tuple[int, int]) -> FloatArray:
        """What each field is multiplied with (n,), in shorter sides: for its strength, less where it would fold."""
        by, bx = (self.basis(axis, size, self.points(axis, size)) for axis in (0, 1))
        shorter = min(size)
        flat = by.at @ nodes @ bx.at.T
        longest = np.sqrt((flat**2).sum(axis=1).max(axis=(1, 2)))
        along_x = by.at @ nodes @ bx.slope.T * (shorter / size[1])
        along_y = by.slope @ nodes @ bx.at.T * (shorter / size[0])
        steepest = np.sqrt((along_x**2 + along_y**2).sum(axis=1).max(axis=(1, 2)))
        return np.asarray(np.minimum(strengths * self.scale(longest), STEEPEST / np.maximum(steepest, 1e-9)))


def _slope_weights(places: FloatArray) -> FloatArray:
    """What gives the slope of the line of least squares, per side length."""
    away = places - places.mean()
    return np.asarray(away / (away**2).sum())


@lru_cache(maxsize=64)
def _pixels(step: Distortion, axis: int, size: tuple[int, int]) -> Basis:
    return step.basis(axis, size, (np.arange(size[axis]) + 0.5) / size[axis])


@dataclass(frozen=True)
class ElasticDistortion(Distortion):
    """Move pixels by a smooth random field, as if the image were drawn on rubber.

    A field that would fold the image is weakened. After Simard, Steinkraus and Platt, "Best practices for convolutional
    neural networks applied to visual document analysis", ICDAR 2003.

    Args:
        displacement: Range of the largest distance that a pixel moves, a fraction of the shorter side within [0, 0.5].
        smoothness: The standard deviation of the Gaussian that smooths the field, a fraction of the shorter side from
            0.03 to 1.
    """

    displacement: Range = (0.0, 0.05)
    smoothness: float = 0.1

    parameters: ClassVar = (Parameter("displacement", low=0, high=0.5), Parameter("field", neutral=0.5, free=True))

    def __post_init__(self) -> None:
        super().__post_init__()
        value = self.smoothness
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.03 <= value <= 1:
            raise ArgumentError(f"ElasticDistortion(smoothness=...) must be from 0.03 to 1 of the side, got {value!r}")
        object.__setattr__(self, "smoothness", float(value))

    def counts(self, size: tuple[int, int]) -> tuple[int, int]:
        down, across = (len(self._places(axis, size)) for axis in (0, 1))
        return down, across

    def _places(self, axis: int, size: tuple[int, int]) -> FloatArray:
        """Nodes half a standard deviation apart, and so far beyond the frame as they matter, in shorter sides."""
        gap = self.smoothness / 2
        return np.asarray(np.arange(-6, math.ceil(size[axis] / min(size) / gap) + 7) * gap, dtype=np.float64)

    def basis(self, axis: int, size: tuple[int, int], places: FloatArray) -> Basis:
        length = size[axis] / min(size)
        away = (places[:, None] * length - self._places(axis, size)) / self.smoothness
        at = np.where(np.abs(away) <= 3, np.exp(-(away**2) / 2), 0)
        return Basis(at, -away * at * (length / self.smoothness))

    def points(self, axis: int, size: tuple[int, int]) -> FloatArray:
        return np.linspace(0, 1, math.ceil(3 * size[axis] / min(size) / self.smoothness) + 2)

    def strengths(self, values: Values, sizes: Sizes) -> FloatArray:
        return values["displacement"]

    def scale(self, longest: FloatArray) -> FloatArray:
        return 0.98 / np.maximum(longest, 1e-9)  # the longest vector may lie between the points that were measured

    def strongest(self, size: tuple[int, int]) -> float:
        return self.displacement[1]

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.displacement == (0.0, 0.0)


@dataclass(frozen=True)
class GridDistortion(Distortion):
    """Move the nodes of a regular grid at random, and all between them in proportion.

    A grid that would fold is weakened.

    Args:
        displacement: Range of the largest distance that a node moves, a fraction of a cell's shorter side within
            [0, 0.5].
        cells: How many cells there are along each side, or (down, across), from 1 to 64.
    """

    displacement: Range = (0.0, 0.2)
    cells: tuple[int, int] | int = 4

    parameters: ClassVar = (Parameter("displacement", low=0, high=0.5), Parameter("field", neutral=0.5, free=True))

    def __post_init__(self) -> None:
        super().__post_init__()
        pair = (self.cells, self.cells) if isinstance(self.cells, (int, np.integer)) else self.cells
        whole = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not whole or not all(isinstance(v, (int, np.integer)) and 1 <= v <= 64 for v in pair):
            raise ArgumentError(
                f"GridDistortion(cells=...) must be from 1 to 64, or a pair of them, got {self.cells!r}"
            )
        object.__setattr__(self, "cells", (int(pair[0]), int(pair[1])))

    @property
    def _cells(self) -> tuple[int, int]:
        assert isinstance(self.cells, tuple)
        return self.cells

    def counts(self, size: tuple[int, int]) -> tuple[int, int]:
        return self._cells[0] + 1, self._cells[1] + 1

    def basis(self, axis: int, size: tuple[int, int], places: FloatArray) -> Basis:
        count = self._cells[axis]
        away = places[:, None] * count - np.arange(count + 1)
        near = np.abs(away) <= 1
        return Basis(np.where(near, 1 - np.abs(away), 0), np.where(near, -np.sign(away) * count, 0))

    def points(self, axis: int, size: tuple[int, int]) -> FloatArray:
        edges = np.arange(self._cells[axis] + 1) / self._cells[axis]
        # just within both ends of each cell, where its slopes are extreme
        return np.stack([edges[:-1] + 1e-6, edges[1:] - 1e-6], axis=1).reshape(-1)

    def strengths(self, values: Values, sizes: Sizes) -> FloatArray:
        cell = np.minimum(sizes[:, 0] / self._cells[0], sizes[:, 1] / self._cells[1])
        return np.asarray(values["displacement"] * cell / sizes.min(axis=1))

    def scale(self, longest: FloatArray) -> FloatArray:
        return np.full(longest.shape, math.sqrt(0.5))  # x and y are in [-1, 1]: the longest vector has length 1

    def strongest(self, size: tuple[int, int]) -> float:
        sizes = np.array([size])
        return float(self.strengths({"displacement": np.array([self.displacement[1]])}, sizes)[0])

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.displacement == (0.0, 0.0)


def place_of(points: FloatArray, field: NDArray[np.float32]) -> FloatArray:
    """Where source points lie in the output: p with p + d(p) = point, by fixed-point iteration.

    Args:
        points: x and y of places in the source (k, 2); pixel centres are at whole numbers.
        field: How far the source of each output pixel lies from it (H, W, 2).

    Returns:
        x and y in the output (k, 2).
    """
    place = points.copy()
    for _ in range(_ROUNDS):
        moved = points - sampled(field, place)
        if np.abs(moved - place).max(initial=0.0) < 1e-3:
            return moved
        place = moved
    return place


def sampled(field: NDArray[np.float32], points: FloatArray) -> FloatArray:
    """A field at some points, linear between pixels and constant beyond them.

    Args:
        field: x and y for each pixel (H, W, 2).
        points: x and y of the points (k, 2); pixel centres are at whole numbers.

    Returns:
        x and y of the field there (k, 2).
    """
    height, width = field.shape[:2]
    x, y = np.clip(points[:, 0], 0, width - 1), np.clip(points[:, 1], 0, height - 1)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    right, down = (x - x0)[:, None], (y - y0)[:, None]
    above = field[y0, x0] * (1 - right) + field[y0, x1] * right
    below = field[y1, x0] * (1 - right) + field[y1, x1] * right
    return np.asarray(above * (1 - down) + below * down, dtype=np.float64)
