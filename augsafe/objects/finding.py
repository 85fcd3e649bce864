"""Where the meaning of an image lies: a coarse grid of weights from a mask, boxes, saliency or the centre."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.objects.grid import GRID, Weights, extent_of, from_boxes, to_grid
from augsafe.objects.saliency import EVEN, Salient, saliencies

STATED = ("mask", "boxes")  # the other methods guess, but for "none", which says that nobody was to guess
FINDERS = ("saliency",)  # what `objects=` names
_SPREAD = 0.265  # root mean square distance, in sides; an even spread over the frame has 0.289


@dataclass(frozen=True, eq=False)
class Objects:
    """What matters in n images.

    `weights` (n, 16, 16) sum to 1; `extents` (n, 4) are x0, y0, x1, y1 as fractions of the frame; `method` (n,) says
    where they come from; `diffuse` (n,) marks images without an object to lose: saliency that is spread out, as in
    textures, or nothing known. `textured` (n,) marks saliency on an uneven ground, which is often wrong.
    `left` and `top` (n, 17) are shares of the weight left of and above each line of the grid. Rows of a large store
    are taken by `rows` without copying the grids.
    """

    store: Weights = field(repr=False)
    at: NDArray[np.intp] = field(repr=False)
    extents: Weights
    method: NDArray[np.str_]
    diffuse: NDArray[np.bool_]
    textured: NDArray[np.bool_]
    left: Weights = field(repr=False)
    top: Weights = field(repr=False)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def weights(self) -> Weights:
        """The grids (n, 16, 16)."""
        return self.store[self.at]

    @property
    def stated(self) -> NDArray[np.bool_]:
        """Where a mask or boxes say it (n,); elsewhere it is guessed or unknown."""
        return np.isin(self.method, STATED)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where it is stated or guessed (n,)."""
        return np.asarray(self.method != "none")

    def acting(self, asked: bool) -> Objects | None:
        """The objects that may change draws: all where the user asked for guesses, else those that are stated.

        Elsewhere there is nothing to spare. None where none may.
        """
        if asked or self.stated.all():
            return self
        return replace(self, diffuse=self.diffuse | ~self.stated) if self.stated.any() else None

    def rows(self, rows: NDArray[np.intp]) -> Objects:
        """The objects of some of the images."""
        return Objects(
            self.store,
            self.at[rows],
            self.extents[rows],
            self.method[rows],
            self.diffuse[rows],
            self.textured[rows],
            self.left[rows],
            self.top[rows],
        )

    @staticmethod
    def of(
        weights: Weights,
        extents: Weights,
        method: Sequence[str] | NDArray[np.str_],
        diffuse: NDArray[np.bool_],
        textured: NDArray[np.bool_] | None = None,
    ) -> Objects:
        """Objects from their grids, which are scaled to sum to 1."""
        total = weights.sum(axis=(1, 2), keepdims=True)
        grids = (weights / np.where(total > 0, total, 1)).astype(np.float32)
        lines = np.zeros((2, len(grids), GRID + 1), np.float32)
        np.cumsum(grids.sum(axis=1), axis=1, out=lines[0, :, 1:])
        np.cumsum(grids.sum(axis=2), axis=1, out=lines[1, :, 1:])
        names = np.asarray(method, dtype="<U8").reshape(len(grids))
        at = np.arange(len(grids), dtype=np.intp)
        rough = np.zeros(len(grids), bool) if textured is None else textured
        return Objects(grids, at, extents.astype(np.float32), names, diffuse, rough, lines[0], lines[1])

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
            np.zeros(n, bool),
            np.zeros((n, GRID + 1), np.float32),
            np.zeros((n, GRID + 1), np.float32),
        )

    def put(self, rows: NDArray[np.intp], other: Objects) -> None:
        """Write `other` into some rows of a store made by `blank`."""
        self.store[rows] = other.weights
        for name in ("extents", "method", "diffuse", "textured", "left", "top"):
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
    """The objects of a data set, found once for each image; a large one is looked at anew each time.

    guess: as in `inspect`.
    """

    MOST = 100_000

    def __init__(self, n: int, guess: bool = True) -> None:
        self.guess = guess
        self._store = Objects.blank(n) if n <= self.MOST else None
        self._known = np.zeros(n if n <= self.MOST else 0, bool)

    def find(self, indices: NDArray[np.int64], images: Any, masks: Any, boxes: Any) -> Objects:
        """The objects of some images, which have these indices in the data set."""
        store = self._store
        if store is None:
            return inspect(images, masks, boxes, self.guess)
        new = np.flatnonzero(~self._known[indices])
        if len(new):
            # two threads may find the same object at the same time: they write the same values
            one, two, three = (
                [given[i] for i in new] if given is not None else None for given in (images, masks, boxes)
            )
            store.put(indices[new], inspect(one, two, three, self.guess))
            self._known[indices[new]] = True
        return store.rows(indices)


def asked_for(objects: str | None, owner: str) -> bool:
    """Whether the user asks that guesses act, by objects="saliency". Raises ArgumentError."""
    if objects is None or objects in FINDERS:
        return objects is not None
    raise ArgumentError(
        f"{owner}(objects=...) must be None, by which masks and boxes alone say where the object is, or 'saliency', "
        f"by which a guess may decide; got {objects!r}"
    )


def inspect(images: Any, masks: Any = None, boxes: Any = None, guess: bool = True) -> Objects:
    """Find what matters in each image: its mask, else its boxes (xyxy in pixels), else a guess: saliency, the centre.

    images: an array or a list. masks and boxes have one entry for each image, which may be None or empty. guess: False
    leaves images without mask and boxes unknown, and costs nothing for them. Raises InputError when the counts differ.
    """
    n = len(images)
    for name, given in (("masks", masks), ("boxes", boxes)):
        if given is not None and len(given) != n:
            raise InputError(f"{name} has {len(given)} entries, images {n}; give one (or None) for each image")
    weights = np.zeros((n, GRID, GRID), np.float32)
    extents = np.zeros((n, 4), np.float32)
    methods = np.full(n, "none", "<U8")
    diffuse, textured = np.zeros((2, n), bool)
    for i in range(n):
        known = _stated(images[i], None if masks is None else masks[i], None if boxes is None else boxes[i])
        if known is not None:
            weights[i], extents[i], methods[i] = known
    unknown = np.flatnonzero(methods == "none").tolist()
    if not guess:
        extents[unknown], diffuse[unknown] = (0, 0, 1, 1), True
        return Objects.of(weights, extents, methods, diffuse, textured)
    for i, salient in zip(unknown, saliencies([images[i] for i in unknown]), strict=True):
        weights[i], extents[i], methods[i], diffuse[i] = _guessed(salient)
        textured[i] = methods[i] == "saliency" and salient.even < EVEN
    return Objects.of(weights, extents, methods, diffuse, textured)


def regions_of(images: Any, masks: Any, boxes: Any) -> dict[int, NDArray[np.bool_]]:
    """The object's pixels (H, W) in each image whose mask, or else boxes (xyxy), say where it is, by its number."""
    out = {}
    for number, image in enumerate(() if images is None else images):
        mask = None if masks is None else masks[number]
        inside = np.zeros(image.shape[:2], bool) if mask is None else np.asarray(mask) != 0
        if not inside.any() and boxes is not None and boxes[number] is not None and len(boxes[number]):
            for x0, y0, x1, y1 in np.clip(np.asarray(boxes[number], np.float64).reshape(-1, 4), 0, None):
                inside[int(y0) : math.ceil(y1), int(x0) : math.ceil(x1)] = True
        if inside.any():
            out[number] = inside
    return out


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
