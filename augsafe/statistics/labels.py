"""Labels as class indices, which images to use, and folds that keep groups together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError

IndexArray = NDArray[np.int64]


def class_names(labels: Any, classes: Sequence[str] | None) -> tuple[str, ...]:
    """The names given, or those of the labels found. Raises InputError where there are fewer than two."""
    if labels is None:
        raise InputError("labels are needed to learn what is typical of each class; got None")
    if classes is not None:
        return tuple(str(c) for c in classes)
    values = np.unique(np.asarray(labels))
    if values.dtype.kind in "iu":
        if values.min() < 0:
            raise InputError(f"labels must be class names or indices from 0, got {values.min()}; leave unlabelled out")
        return tuple(str(v) for v in range(int(values.max()) + 1))
    if values.dtype.kind not in "US":
        raise InputError(f"labels must be class names or whole numbers, got {values.dtype}")
    return tuple(str(v) for v in values)


def class_indices(labels: Any, classes: tuple[str, ...], n: int) -> IndexArray:
    """Class indices (n,) of names or indices. Raises InputError."""
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != n:
        raise InputError(f"labels must have one entry for each image, {n} in all, got shape {given.shape}")
    if given.dtype.kind in "iu":
        wrong = (given < 0) | (given >= len(classes))
        if wrong.any():
            i = int(wrong.argmax())
            raise InputError(f"labels[{i}] is {given[i]}, but there are {len(classes)} classes, from 0")
        return given.astype(np.int64)
    place = {name: i for i, name in enumerate(classes)}
    for i, label in enumerate(given):
        if str(label) not in place:
            raise InputError(f"labels[{i}] is {label!r}, which is not one of the classes {', '.join(classes[:12])}")
    return np.array([place[str(label)] for label in given], dtype=np.int64)


def group_indices(groups: Any, n: int) -> IndexArray:
    """Whole numbers (n,), alike for images of one group; each image is a group of its own where none are given."""
    if groups is None:
        return np.arange(n)
    given = np.asarray(groups)
    if given.ndim != 1 or len(given) != n:
        raise InputError(f"groups must have one entry for each image, {n} in all, got shape {given.shape}")
    return np.asarray(np.unique(given, return_inverse=True)[1], dtype=np.int64)


def sample(own: IndexArray, groups: IndexArray, most: int, rng: np.random.Generator) -> IndexArray:
    """At most so many images of each class, spread evenly over its groups, in their order."""
    chosen = []
    for cls in np.unique(own):
        rows = rng.permutation(np.flatnonzero(own == cls))
        # first the first of every group, then the second of every group ...
        order = np.argsort(groups[rows], kind="stable")
        ranked = groups[rows][order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        turn = np.empty(len(rows), np.int64)
        turn[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
        chosen.append(rows[np.argsort(turn, kind="stable")[:most]])
    return np.sort(np.concatenate(chosen))


def folds(own: IndexArray, groups: IndexArray, count: int, rng: np.random.Generator) -> IndexArray:
    """A fold (n,) for each image: groups stay together, and each class is spread evenly."""
    names, inverse = np.unique(groups, return_inverse=True)
    if len(names) == len(own):  # images are independent: deal each class out
        fold = np.empty(len(own), np.int64)
        for cls in np.unique(own):
            rows = rng.permutation(np.flatnonzero(own == cls))
            fold[rows] = (np.arange(len(rows)) + cls) % count
        return fold
    counts = np.zeros((len(names), int(own.max()) + 1))
    np.add.at(counts, (inverse, own), 1)
    total = np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((count, counts.shape[1]))
    place = np.empty(len(names), np.int64)
    order = rng.permutation(len(names))
    for g in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:  # large ones first, where they fit best
        cost = (((filled + counts[g]) / total) ** 2).sum(axis=1) - ((filled / total) ** 2).sum(axis=1)
        place[g] = int(np.argmin(cost))
        filled[place[g]] += counts[g]
    return place[inverse]
