"""What labelled images say about each symmetry: how often images of a class stay typical, or read as another class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts.symmetry import MATRICES, SYMMETRIES
from augsafe.statistics import bounds, cut_down, effective
from augsafe.typicality import CHANGED, KEPT, UNFAMILIAR, Builtin, Extractor, Reference, Unslanted

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Rates over the symmetries and classes, from the images of a reference.

    p, closeness (8, n, classes): of each image under each symmetry, see `Reference.typical`. outcome (8, n) and
    to (8, n): what becomes of each.
    """

    reference: Reference = field(repr=False)
    p: FloatArray = field(repr=False)
    closeness: FloatArray = field(repr=False)
    outcome: NDArray[np.int8] = field(repr=False)
    to: NDArray[np.int64] = field(repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.reference.classes

    @cached_property
    def members(self) -> list[NDArray[np.intp]]:
        """The images of each class."""
        return [np.flatnonzero(self.reference.own == c) for c in range(len(self.classes))]

    @cached_property
    def ready(self) -> NDArray[np.bool_]:
        """Which classes have enough images (classes,)."""
        return np.array([name not in self.reference.undecided for name in self.classes])

    @cached_property
    def reads(self) -> Rates:
        """How often an image of a class reads as another under a symmetry (8, classes, classes)."""
        targets = np.arange(len(self.classes))
        changed = np.where(self.outcome == CHANGED, self.to, -1)
        return self._rates(lambda rows: changed[:, rows, None] == targets, agreeing=True)

    @cached_property
    def kept(self) -> Rates:
        """How often it stays typical of its own class (8, classes)."""
        return self._rates(lambda rows: self.outcome[:, rows, None] == KEPT).of(0)

    @cached_property
    def unfamiliar(self) -> Rates:
        """How often it is like no class (8, classes)."""
        return self._rates(lambda rows: self.outcome[:, rows, None] == UNFAMILIAR).of(0)

    @cached_property
    def nearest(self) -> NDArray[np.int64]:
        """The class that most images of a class are nearest to under a symmetry, (8, classes), -1 where undecided."""
        ready = np.where(self.ready, self.closeness, np.inf)
        each = ready.argmin(axis=2)
        out = np.full((len(SYMMETRIES), len(self.classes)), -1, np.int64)
        for c, rows in enumerate(self.members):
            for s in range(len(SYMMETRIES) if self.ready[c] else 0):
                out[s, c] = np.bincount(each[s, rows]).argmax()
        return out

    @cached_property
    def distance(self) -> FloatArray:
        """The median score over the target's own median (8, classes, classes); infinite where undecided."""
        out = np.full((len(SYMMETRIES), len(self.classes), len(self.classes)), np.inf)
        for c, rows in enumerate(self.members):
            if self.ready[c]:
                out[:, c] = np.median(self.closeness[:, rows], axis=1)
        return out

    def _rates(self, values: Callable[[NDArray[np.intp]], NDArray[np.bool_]], agreeing: bool = False) -> Rates:
        """agreeing: where all images read alike they count as where one did not, not as one a group.

        That is bold for high limits; three groups that all read as another class by chance, at a true share of 1/4,
        are one case in 64.
        """
        width = values(self.members[0]).shape[2]
        rate, n = (np.zeros((len(SYMMETRIES), len(self.classes), width)) for _ in range(2))
        n += 1.0
        for c, rows in enumerate(self.members):
            if self.ready[c]:
                hits = values(rows)
                rate[:, c] = hits.mean(axis=1)
                flat = np.moveaxis(hits, 1, 0).reshape(len(rows), -1)
                n[:, c] = self._worth(flat, self.reference.groups[rows], agreeing).reshape(len(SYMMETRIES), width)
        return Rates(rate, n, *bounds(rate, n))

    @staticmethod
    def _worth(flat: NDArray[np.bool_], groups: NDArray[np.int64], agreeing: bool) -> FloatArray:
        worth = effective(flat, groups)
        if not agreeing:
            return worth
        worth[flat.all(axis=0)] = len(flat)
        return cut_down(worth, len(np.unique(groups)), len(flat))


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates, how many independent images each rests on, and one-sided 95 % bounds."""

    rate: FloatArray
    n: FloatArray
    low: FloatArray
    high: FloatArray

    def of(self, column: int) -> Rates:
        """One column of the last axis."""
        return Rates(*(a[..., column] for a in (self.rate, self.n, self.low, self.high)))


def gather(reference: Reference, images: Sequence[NDArray[Any]]) -> Evidence:
    """Look at the reference's own images (all that `fit` was given) under the eight symmetries.

    With built-in features, images that are like no class as they lean are looked at once more without their slant:
    what then is typical of another class, and not of its own, has changed.
    """
    chosen = [images[int(i)] for i in reference.rows]
    p, closeness, outcome, to = _seen(reference, chosen)
    if isinstance(reference.extract, Builtin):
        unslanted = Unslanted(reference.extract.channels, reference.extract.jobs)
        _, _, freed, freed_to = _seen(reference.refit(unslanted, chosen), chosen)
        changed = (outcome == UNFAMILIAR) & (freed == CHANGED)
        outcome, to = np.where(changed, freed, outcome), np.where(changed, freed_to, to)
    return Evidence(reference, p, closeness, outcome, to)


def _seen(
    reference: Reference, chosen: Sequence[NDArray[Any]]
) -> tuple[FloatArray, FloatArray, NDArray[np.int8], NDArray[np.int64]]:
    """p-values, closeness, outcome and what each image reads as, under each symmetry."""
    seen = [reference.typical(features, reference.fold) for features in views(reference.extract, chosen)]
    judged = [reference.decide(p, near, reference.own) for p, near in seen]
    p, closeness = (np.stack([one[i] for one in seen]) for i in (0, 1))
    return p, closeness, np.stack([one.outcome for one in judged]), np.stack([one.to for one in judged])


def views(extract: Extractor, images: Sequence[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
    """The features of images under each of the symmetries, in their order."""
    if isinstance(extract, (Builtin, Unslanted)):
        yield from extract.views(images, MATRICES)
    else:
        for name in SYMMETRIES:
            yield extract([moved(image, name) for image in images])


def moved(image: NDArray[Any], symmetry: str) -> NDArray[Any]:
    """An image under a symmetry, exactly."""
    matrix = MATRICES[SYMMETRIES.index(symmetry)]
    if matrix[0, 0] == 0:  # x and y trade places
        image = image.swapaxes(0, 1)
    # row i of the matrix says from which input axis output axis i comes, and whether it is reversed
    down, across = (-1 if row.sum() < 0 else 1 for row in (matrix[1], matrix[0]))
    return np.ascontiguousarray(image[::down, ::across])
