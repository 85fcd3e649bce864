"""A reference: what is typical of each class, learned from labelled images.

The score of an image for a class is its mean distance to the nearest images of that class outside its own fold; its
p-value is its rank among the scores of the class's own images, each taken outside its own fold too (cross-conformal:
Vovk, "Cross-conformal predictors", 2015; class-conditional: Vovk, Gammerman and Shafer, "Algorithmic Learning in a
Random World", 2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.pixels import check_image
from augsafe.randomness import check_seed
from augsafe.statistics import IndexArray, class_indices, class_names, folds, group_indices, sample
from augsafe.typicality.features import Extractor, extractor
from augsafe.typicality.outcomes import Judged, decide
from augsafe.typicality.scores import Projection, Scores, project, score_all
from augsafe.typing import GroupsLike, ImagesLike, IndicesLike, LabelsLike, ReferenceLike

MOST = 120  # images of a class that are used, or 2.4 / alpha where that is more; further ones change little
LEAST = 20  # images of a class below which nothing is decided
LEAST_GROUPS = 3  # groups of a class below which nothing is decided: two say nothing of how groups differ
FOLDS = 5
LOOK_ALIKE = 0.5  # classes whose images are this often typical of one another cannot be told apart


@dataclass(frozen=True, eq=False)
class Reference:
    """What is typical of each class. Made by `fit`.

    Attributes:
        classes: The names; labels are these or their indices.
        alpha: How often a clean image counts as untypical of its class.
        undecided: For each class with too few images, how many images (or groups) are needed.
        look_alikes: Pairs of classes that the data cannot tell apart.
        rows: Which of the images given were used (n,).
        own: Their class indices (n,).
        groups: Their groups (n,).
        fold: Their folds (n,).
        extract: What maps images to features.
        projection: What maps features to points.
        scores: The points, and the scores of each class.
    """

    classes: tuple[str, ...]
    alpha: float
    undecided: dict[str, int]
    look_alikes: tuple[tuple[str, str], ...]
    rows: IndexArray
    own: IndexArray = field(repr=False)
    groups: IndexArray = field(repr=False)
    fold: IndexArray = field(repr=False)
    extract: Extractor = field(repr=False)
    projection: Projection = field(repr=False)
    scores: Scores = field(repr=False)

    def judge(self, images: ImagesLike, labels: LabelsLike, *, rows: IndicesLike | None = None) -> Judged:
        """Say what has become of images.

        Args:
            images: (n, H, W[, C]) or a list.
            labels: Their classes before (n,), as names or indices.
            rows: For changed copies of images that `fit` was given: which of those each is a copy of, -1 for none. A
                copy is never compared with its own original.

        Returns:
            The outcome of each image, and how typical it is.

        Raises:
            InputError: The images or labels cannot be used, or the counts differ.
        """
        given = as_list(images)
        own = class_indices(labels, self.classes, len(given))
        return self.judge_features(self.extract(given), own, self.fold_of(rows, len(given)))

    def outcomes(self, images: ImagesLike, labels: LabelsLike, *, rows: IndicesLike | None = None) -> NDArray[np.int8]:
        """Say in one number what has become of each image.

        Args:
            images: As in `judge`.
            labels: As in `judge`.
            rows: As in `judge`.

        Returns:
            KEPT, CHANGED, UNFAMILIAR, AMBIGUOUS or UNDECIDED for each image (n,).
        """
        return self.judge(images, labels, rows=rows).outcome

    def judge_features(self, features: NDArray[np.float32], own: IndexArray, fold: IndexArray) -> Judged:
        """Say what has become of images, from their features.

        Args:
            features: (n, d), by `extract`.
            own: Class indices before (n,).
            fold: The fold of each (n,), -1 for an image that was not fitted.

        Returns:
            The outcome of each image, and how typical it is.
        """
        return self.decide(*self.typical(features, fold), own)

    def decide(self, p: NDArray[np.float64], closeness: NDArray[np.float64], own: IndexArray) -> Judged:
        """Outcomes from what `typical` returns.

        Args:
            p: p-values (n, classes).
            closeness: Scores over each class's median (n, classes).
            own: Class indices before (n,).

        Returns:
            The outcome of each image, and how typical it is.
        """
        return decide(p, closeness, own, self.alpha, self.alike)

    def typical(
        self, features: NDArray[np.float32], fold: IndexArray
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How typical images are of each class.

        Args:
            features: (n, d), by `extract`.
            fold: The fold of each (n,), -1 for an image that was not fitted.

        Returns:
            p-values and scores over each class's median, both (n, classes); NaN and infinity for undecided classes.
        """
        return self.scores.typical(self.projection(features), fold)

    def fold_of(self, rows: IndicesLike | None, n: int) -> IndexArray:
        """The folds of copies of fitted images.

        Args:
            rows: Which image each is a copy of (n,), -1 for none; None where none is a copy.
            n: How many images there are.

        Returns:
            Folds (n,), -1 for an image that was not fitted.

        Raises:
            InputError: `rows` does not hold n whole numbers.
        """
        if rows is None:
            return np.full(n, -1, np.int64)
        given = np.asarray(rows)
        if given.shape != (n,) or given.dtype.kind not in "iu":
            raise InputError(f"rows must be {n} whole numbers, got {given.dtype} of shape {given.shape}")
        place = np.searchsorted(self.rows, given)
        place = np.minimum(place, len(self.rows) - 1)
        return np.where(self.rows[place] == given, self.fold[place], -1)

    def refit(self, extract: Extractor, chosen: Sequence[NDArray[Any]]) -> Reference:
        """The same reference by other features.

        Args:
            extract: What maps images to features.
            chosen: The images, those of `rows`.

        Returns:
            A reference of the same images, classes and folds.
        """
        projection, scores = _learned(extract, chosen, self.own, self.fold, self.scores.ready)
        alike = _look_alikes(scores, self.own, self.classes)
        return replace(self, look_alikes=alike, extract=extract, projection=projection, scores=scores)

    def lack(self, name: str) -> str:
        """In words, what there is of a class that is undecided, and what is needed."""
        mine, need = self.own == self.classes.index(name), self.undecided[name]
        images, groups = int(mine.sum()), len(np.unique(self.groups[mine]))
        if need == LEAST_GROUPS:
            return f"{images} images in {groups} group{'s' if groups > 1 else ''}, {need} groups are needed"
        return f"{images} images, {need} are needed"

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Look-alikes as a matrix (classes, classes)."""
        out = np.zeros((len(self.classes),) * 2, bool)
        for a, b in self.look_alikes:
            i, j = self.classes.index(a), self.classes.index(b)
            out[i, j] = out[j, i] = True
        return out


def fit(
    images: ImagesLike,
    labels: LabelsLike,
    *,
    classes: Sequence[str] | None = None,
    groups: GroupsLike | None = None,
    reference: ReferenceLike | None = None,
    alpha: float = 0.01,
    seed: int = 0,
    most: int | None = None,
    jobs: int = 1,
) -> Reference:
    """Learn what is typical of each class.

    Args:
        images: (n, H, W[, C]) or a list.
        labels: Their classes (n,), as names or indices into `classes`.
        classes: The names of the classes; default: those found in `labels`.
        groups: What each image belongs to (n,), such as a patient, a video or a font. Images of one group are never
            compared with one another.
        reference: A function from images to class probabilities or embeddings; default: built-in features.
        alpha: How often a clean image counts as untypical of its class. A class needs about 1 / alpha images, and three
            groups where these are given.
        seed: Which images are used, and how they are divided into folds.
        most: How many images of each class are used; default: 120, or 2.4 / alpha where that is more.
        jobs: How many threads; the result is the same for any number.

    Returns:
        The reference.

    Raises:
        ArgumentError: `alpha`, `seed` or `jobs` cannot be used.
        InputError: The labels are missing or of one class only, or an image holds NaN or is constant.
    """
    if not isinstance(alpha, float) or not 0 < alpha < 0.5:
        raise ArgumentError(f"fit(alpha=...) must be between 0 and 0.5, got {alpha!r}")
    check_seed(seed)
    names = class_names(labels, classes)
    given = as_list(images)
    own, grouped = class_indices(labels, names, len(given)), group_indices(groups, len(given))
    if len(np.unique(own)) < 2:
        raise InputError(f"all images are of class {names[int(own[0])]!r}; at least two classes are needed")
    rng = np.random.default_rng(seed)
    rows = sample(own, grouped, max(MOST, round(2.4 / alpha)) if most is None else most, rng)
    chosen = [given[int(i)] for i in rows]
    refuse_constant(chosen, rows)
    own, grouped = own[rows], grouped[rows]
    undecided = _too_few(own, grouped, names, alpha)
    fold = folds(own, grouped, FOLDS, rng)
    extract = extractor(reference, chosen, jobs)
    ready = np.array([name not in undecided for name in names])
    projection, scores = _learned(extract, chosen, own, fold, ready)
    alike = _look_alikes(scores, own, names)
    return Reference(names, alpha, undecided, alike, rows, own, grouped, fold, extract, projection, scores)


def _learned(
    extract: Extractor, chosen: Sequence[NDArray[Any]], own: IndexArray, fold: IndexArray, ready: NDArray[np.bool_]
) -> tuple[Projection, Scores]:
    features = extract(chosen)
    projection = project(features)
    return projection, score_all(projection(features), own, fold, ready)


def as_list(images: object) -> list[NDArray[Any]]:
    """Images as a list of arrays, checked. Raises InputError."""
    if isinstance(images, np.ndarray) and images.ndim not in (3, 4):
        raise InputError(f"images must be (n, H, W[, C]) or a list of images, got shape {images.shape}")
    if not isinstance(images, (np.ndarray, Sequence)) or not len(images):
        raise InputError(f"images must be a list of arrays or an array with at least one image, got {type(images)}")
    out = list(images)
    for i, image in enumerate(out):
        if isinstance(image, np.ndarray) and image.dtype == np.float32:
            check_image(image, (-math.inf, math.inf), f"images[{i}]")
        else:
            check_image(image, None, f"images[{i}]")
    return out


def refuse_constant(images: Sequence[NDArray[Any]], rows: IndexArray) -> None:
    """Refuse an image whose pixels all have one value: it shows nothing.

    Args:
        images: Each (H, W) or (H, W, C).
        rows: The number of each (n,), for the message.

    Raises:
        InputError: An image is constant.
    """
    for image, row in zip(images, rows, strict=True):
        if image.min() == image.max():
            raise InputError(
                f"images[{int(row)}] is constant: every value is {image.flat[0]}; such an image shows nothing of its "
                "class, leave it out"
            )


def _too_few(own: IndexArray, groups: IndexArray, names: tuple[str, ...], alpha: float) -> dict[str, int]:
    """How many images, or groups, the classes need that have too few."""
    need = max(LEAST, math.ceil(1 / alpha - 1e-9) - 1)
    out = {}
    for i, name in enumerate(names):
        mine = own == i
        if mine.sum() < need:
            out[name] = need
        elif len(np.unique(groups[mine])) < LEAST_GROUPS:
            out[name] = LEAST_GROUPS
    return out


def _look_alikes(scores: Scores, own: IndexArray, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of classes whose clean images are mostly typical of one another."""
    count = len(names)
    share = np.zeros((count, count))
    for i in range(count):
        if scores.ready[i]:
            share[i] = np.nan_to_num(scores.clean_p[own == i] > 0.05).mean(axis=0)
    both = (share > LOOK_ALIKE) & (share.T > LOOK_ALIKE)
    return tuple((names[i], names[j]) for i in range(count) for j in range(i + 1, count) if both[i, j])
