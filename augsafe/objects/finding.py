"""Where the meaning of an image lies: a coarse grid of weights from a mask, boxes, saliency or the centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.objects.grid import GRID, Weights, extent_of, from_boxes, to_grid
from augsafe.objects.saliency import EVEN, Salient, saliencies

METHODS = ("mask", "boxes", "saliency", "centre")
_SPREAD = 0.265  # root mean square distance, in sides; an even spread over the frame has 0.289


@dataclass(frozen=True, eq=False)
class Objects:
    """What matters in n images.

    `weights` (n, 16, 16) sum to 1; `extents` (n, 4) are x0, y0, x1, y1 as fractions of the frame; `method` (n,) says
    where they come from; `diffuse` (n,) marks saliency that is spread out, as in textures: then nothing is an object.
    `left` and `top` (n, 17) are shares of the weight left of and above each line of the grid. Rows of a large store
    are taken by `rows` without copying the grids.
    """

    store: Weights = field(repr=False)
    at: NDArray[np.intp] = field(repr=False)
    extents: Weights
    method: NDArray[np.str_]
    diffuse: NDArray[np.bool_]
    left: Weights = field(repr=False)
    top: Weights = field(repr=False)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def weights(self) -> Weights:
        """The grids (n, 16, 16)."""
        return self.store[self.at]

    def rows(self, rows: NDArray[np.intp]) -> Objects:
        """The objects of some of the images."""
        return Objects(
            self.store,
            self.at[rows],
            self.extents[rows],
            self.method[rows],
            self.diffuse[rows],
            self.left[rows],
            self.top[rows],
        )

    @staticmethod
    def of(
        weights: Weights, extents: Weights, method: Sequence[str] | NDArray[np.str_], diffuse: NDArray[np.bool_]
    ) -> Objects:
        """Objects from their grids, which are scaled to sum to 1."""
        total = weights.sum(axis=(1, 2), keepdims=True)
        grids = (weights / np.where(total > 0, total, 1)).astype(np.float32)
        lines = np.zeros((2, len(grids), GRID + 1), np.float32)
        np.cumsum(grids.sum(axis=1), axis=1, out=lines[0, :, 1:])
        np.cumsum(grids.sum(axis=2), axis=1, out=lines[1, :, 1:])
        names = np.asarray(method, dtype="<U8").reshape(len(grids))
        at = np.arange(len(grids), dtype=np.intp)
        return Objects(grids, at, extents.astype(np.float32), names, diffuse, lines[0], lines[1])

    @staticmethod
    def blank(n: int) -> Objects:
        """Room for n objects, to be filled with `put`; memory is touched as rows are written."""
        shape = (n, GRID, GRID)
        return Objects(
            np.zeros(shape, np.float32),
            np.arange(n, dtype=np.intp),
            np.zeros((n, 4), np.float32),
            np.zeros(n, "<U8"),
            np.zeros(n, bool),
            np.zeros((n, GRID + 1), np.float32),
            np.zeros((n, GRID + 1), np.float32),
        )

    def put(self, rows: NDArray[np.intp], other: Objects) -> None:
        """Write `other` into some rows of a store made by `blank`."""
        self.store[rows] = other.weights
        for name in ("extents", "method", "diffuse", "left", "top"):
            getattr(self, name)[rows] = getattr(other, name)

    @staticmethod
    def centre(n: int) -> Objects:
        """The middle half of each frame, for images of which nothing is known."""
        weight, extent = _middle()
        return Objects.of(
            np.repeat(weight[None], n, axis=0),
            np.repeat(extent[None], n, axis=0),
            ["centre"] * n,
            np.zeros(n, bool),
        )


class Cache:
    """The objects of a data set, found once for each image; a large one is looked at anew each time."""

    MOST = 100_000

    def __init__(self, n: int) -> None:
        self._store = Objects.blank(n) if n <= self.MOST else None
        self._known = np.zeros(n if n <= self.MOST else 0, bool)

    def find(self, indices: NDArray[np.int64], images: Any, masks: Any, boxes: Any) -> Objects:
        """The objects of some images, which have these indices in the data set."""
        store = self._store
        if store is None:
            return inspect(images, masks, boxes)
        new = np.flatnonzero(~self._known[indices])
        if len(new):
            # two threads may find the same object at the same time: they write the same values
            some = ([given[i] for i in new] if given is not None else None for given in (images, masks, boxes))
            store.put(indices[new], inspect(*some))
            self._known[indices[new]] = True
        return store.rows(indices)


def inspect(images: Any, masks: Any = None, boxes: Any = None) -> Objects:
    """Find what matters in each image: its mask, else its boxes (xyxy in pixels), else saliency, else the centre.

    images: (n, H, W[, C]) or a list. masks and boxes have one entry an image, which may be None or empty. Raises
    InputError when the counts differ.
    """
    n = len(images)
    for name, given in (("masks", masks), ("boxes", boxes)):
        if given is not None and len(given) != n:
            raise InputError(f"{name} has {len(given)} entries, images {n}; give one (or None) for each image")
    weights = np.zeros((n, GRID, GRID), np.float32)
    extents = np.zeros((n, 4), np.float32)
    methods = np.full(n, "saliency", "<U8")
    diffuse = np.zeros(n, bool)
    for i in range(n):
        known = _stated(images[i], None if masks is None else masks[i], None if boxes is None else boxes[i])
        if known is not None:
            weights[i], extents[i], methods[i] = known
    guessed = [i for i in range(n) if methods[i] == "saliency"]
    for i, salient in zip(guessed, saliencies([images[i] for i in guessed]), strict=True):
        weights[i], extents[i], methods[i], diffuse[i] = _guessed(salient)
    return Objects.of(weights, extents, methods, diffuse)


def _stated(image: NDArray[Any], mask: Any, boxes: Any) -> tuple[Weights, Weights, str] | None:
    height, width = image.shape[:2]
    if mask is not None:
        inside = np.asarray(mask) != 0
        if inside.shape != (height, width):
            raise InputError(f"a mask has shape {inside.shape}, its image {(height, width)}; they must agree")
        if inside.any():
            return to_grid(inside.astype(np.float32)), extent_of(inside), "mask"
    if boxes is not None and len(boxes):
        found = from_boxes(np.asarray(boxes, dtype=np.float64).reshape(-1, 4), height, width)
        if found is not None:
            return (*found, "boxes")
    return None


def _guessed(salient: Salient) -> tuple[Weights, Weights, str, bool]:
    if not salient.region.any():
        return (*_middle(), "centre", False)
    weight = to_grid(salient.region)
    if salient.even >= EVEN:
        return weight, extent_of(salient.region > 0), "saliency", False
    # a region is cut even out of a texture; how far the map itself is spread out tells it
    return weight, _bulk(salient.region), "saliency", _spread(to_grid(salient.whole)) > _SPREAD


def _bulk(salient: Weights, tail: float = 0.05) -> Weights:
    """The extent without the outer 5 % of the weight on each side: stray saliency does not widen the object."""
    total = salient.sum()
    across = np.cumsum(salient.sum(axis=0)) / total
    down = np.cumsum(salient.sum(axis=1)) / total
    (x0, x1), (y0, y1) = (np.searchsorted(line, [tail, 1 - tail]) / len(line) for line in (across, down))
    return np.array([x0, y0, x1 + 1 / len(across), y1 + 1 / len(down)], np.float32)


def _spread(weight: Weights) -> float:
    """Root mean square distance from the centre of weight, the geometric mean of both axes, in sides."""
    places = (np.arange(GRID) + 0.5) / GRID
    sides = [weight.sum(axis=axis) for axis in (0, 1)]
    return float(np.prod([np.sqrt(s @ (places - s @ places) ** 2) for s in sides]) ** 0.5)


@lru_cache(maxsize=1)
def _middle() -> tuple[Weights, Weights]:
    weight = np.zeros((GRID, GRID), np.float32)
    weight[4:12, 4:12] = 1 / 64
    return weight, np.array([0.25, 0.25, 0.75, 0.75], np.float32)
