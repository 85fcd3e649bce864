"""Where the meaning of an image lies: a coarse grid of weights from a mask, boxes, saliency or the centre."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.objects.finder import SALIENCY, Guess
from augsafe.objects.grid import GRID, Weights, extent_of, from_boxes, to_grid
from augsafe.objects.saliency import EVEN, Salient, saliencies
from augsafe.typing import BoxesLike, ImagesLike, LabelsLike, MasksLike

STATED = ("mask", "boxes")  # the other methods guess, but for "none", which says that nobody was to guess
_NAME = "<U24"  # the dtype of methods; a finder has a name of its own
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

    @property
    def guessed_by(self) -> str:
        """Who guessed: "saliency", or a finder by its name."""
        named = [name for name in np.unique(self.method[~self.stated]).tolist() if name.startswith("finder ")]
        return f"the {named[0]}" if named else "saliency"

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
        names = np.asarray(method, dtype=_NAME).reshape(len(grids))
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
            np.zeros(n, _NAME),
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

    Args:
        n: How many images the data set has.
        guess: As in `inspect`.
    """

    MOST = 100_000

    def __init__(self, n: int, guess: Guess | None = SALIENCY) -> None:
        self.guess = guess
        self._store = Objects.blank(n) if n <= self.MOST else None
        self._known = np.zeros(n if n <= self.MOST else 0, bool)

    def find(
        self,
        indices: NDArray[np.int64],
        images: ImagesLike,
        masks: MasksLike | None,
        boxes: BoxesLike | None,
        labels: LabelsLike | None = None,
    ) -> Objects:
        """The objects of some images.

        Args:
            indices: Their places in the data set (n,).
            images: As in `inspect`.
            masks: As in `inspect`.
            boxes: As in `inspect`.
            labels: As in `inspect`.

        Returns:
            One object for each image, found once and kept.
        """
        store = self._store
        if store is None:
            return inspect(images, masks, boxes, self.guess, labels)
        new = np.flatnonzero(~self._known[indices]).tolist()
        if new:
            # two threads may find the same object at the same time: they write the same values
            some, one, two, three = (_some(given, new) for given in (images, masks, boxes, labels))
            store.put(indices[new], inspect(some, one, two, self.guess, three))
            self._known[indices[new]] = True
        return store.rows(indices)


def inspect(
    images: ImagesLike,
    masks: MasksLike | None = None,
    boxes: BoxesLike | None = None,
    guess: Guess | None = SALIENCY,
    labels: LabelsLike | None = None,
) -> Objects:
    """Find what matters in each image: its mask, else its boxes, else a guess.

    Args:
        images: (n, H, W[, C]) or a list.
        masks: One for each image, which may be None or empty.
        boxes: xyxy in pixels, one array for each image, which may be None or empty.
        guess: Who guesses where neither says it; saliency falls back to the centre. None leaves such images unknown,
            which costs nothing.
        labels: What a finder is told of each image.

    Returns:
        One object for each image. Where nothing is known, or a finder saw nothing, there is none to lose.

    Raises:
        InputError: The counts differ, a mask is not as large as its image, or a finder returned no mask.
    """
    n = len(images)
    for name, given in (("masks", masks), ("boxes", boxes)):
        if given is not None and len(given) != n:
            raise InputError(f"{name} has {len(given)} entries, images {n}; give one (or None) for each image")
    weights = np.zeros((n, GRID, GRID), np.float32)
    extents = np.full((n, 4), (0, 0, 1, 1), np.float32)
    methods = np.full(n, "none", _NAME)
    diffuse, textured = np.ones(n, bool), np.zeros(n, bool)
    for i in range(n):
        known = _stated(images[i], None if masks is None else masks[i], None if boxes is None else boxes[i])
        if known is not None:
            weights[i], extents[i], methods[i] = known
            diffuse[i] = False
    unknown = np.flatnonzero(methods == "none").tolist()
    if guess is None:
        return Objects.of(weights, extents, methods, diffuse, textured)
    if guess.finder is not None:
        for i in unknown:
            inside = guess.inside(images[i], None if labels is None else labels[i])
            if inside.any():
                weights[i], extents[i] = to_grid(inside.astype(np.float32)), extent_of(inside)
                methods[i], diffuse[i] = guess.name, False
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


def guessed(objects: Objects, images: ImagesLike, guess: Guess, labels: LabelsLike | None = None) -> Objects:
    """What the guess says of all images, of those with a mask or boxes too.

    Args:
        objects: Of all images, as `inspect` gave them with this guess.
        images: As in `inspect`.
        guess: Who guesses.
        labels: As in `inspect`.

    Returns:
        One guessed object for each image.
    """
    rows = np.flatnonzero(objects.stated).tolist()
    out = Objects.blank(len(objects))
    out.put(np.arange(len(objects)), objects)
    out.put(np.array(rows, np.intp), inspect(_some(images, rows), guess=guess, labels=_some(labels, rows)))
    return out


def _some(given: Any, rows: list[int]) -> Any:
    return None if given is None else [given[i] for i in rows]


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
