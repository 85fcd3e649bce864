"""Distances to the nearest images of each class, and their ranks among the class's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics import IndexArray

FloatArray = NDArray[np.float64]

NEAREST = 3
COMPONENTS = 64
CHUNK = 512  # images scored at a time
MOST_FITTED = 6000  # images that the components are fitted on


@dataclass(frozen=True, eq=False)
class Projection:
    """Principal components, without whitening."""

    mean: FloatArray = field(repr=False)
    axes: FloatArray = field(repr=False)

    def __call__(self, features: NDArray[np.float32]) -> FloatArray:
        """Features (n, d) to (n, components)."""
        return np.asarray((features - self.mean) @ self.axes)


def project(features: NDArray[np.float32]) -> Projection:
    """Fit the components on clean images (scikit-learn)."""
    from sklearn.decomposition import PCA

    some = features[:: max(1, len(features) // MOST_FITTED)].astype(np.float64)
    count = min(COMPONENTS, *some.shape)
    wide = 2 * some.shape[0] < some.shape[1]  # then the images are quicker to decompose than their covariance
    made = PCA(count, svd_solver="full" if wide or some.shape[1] < 200 else "covariance_eigh").fit(some)
    return Projection(made.mean_, made.components_.T)


@dataclass(frozen=True, eq=False)
class Scores:
    """The reference images as points, and the calibration scores of each class.

    Attributes:
        points: (n, k).
        own: The class of each (n,).
        fold: The fold of each (n,).
        ready: Which classes have enough images (classes,).
        calibration: For each class the scores of its own images outside their folds, ascending.
        folds: For each class the fold of each of these scores.
        clean_p: The p-values of the points themselves (n, classes).
    """

    points: FloatArray
    own: IndexArray
    fold: IndexArray
    ready: NDArray[np.bool_]
    calibration: tuple[FloatArray, ...]
    folds: tuple[IndexArray, ...]
    clean_p: FloatArray

    def typical(self, points: FloatArray, fold: IndexArray) -> tuple[FloatArray, FloatArray]:
        """How typical points are of each class.

        Args:
            points: (m, k).
            fold: The fold of each (m,), -1 for an image that was not fitted.

        Returns:
            p-values and scores over each class's median, (m, classes) each.
        """
        p = np.full((len(points), len(self.ready)), np.nan)
        closeness = np.full(p.shape, np.inf)
        for start in range(0, len(points), CHUNK):
            part = slice(start, start + CHUNK)
            p[part], closeness[part] = self._chunk(points[part], fold[part])
        return p, closeness

    def _chunk(self, points: FloatArray, fold: IndexArray) -> tuple[FloatArray, FloatArray]:
        p = np.full((len(points), len(self.ready)), np.nan)
        closeness = np.full(p.shape, np.inf)
        known = fold >= 0
        for cls in np.flatnonzero(self.ready):
            mine = self.own == cls
            far = distances(points, self.points[mine])
            theirs, scores = self.fold[mine], self.calibration[cls]
            total = np.zeros(len(points))
            rank = np.zeros(len(points))
            numbers = np.unique(self.fold)
            for k in numbers:
                rows = np.flatnonzero(~known | (fold == k))
                if not len(rows):
                    continue
                score = nearest(far[np.ix_(rows, np.flatnonzero(theirs != k))])
                # a copy of a fitted image is ranked among all; a new one among those of each fold in turn
                for chosen, ranked in ((known[rows], scores), (~known[rows], scores[self.folds[cls] == k])):
                    rank[rows[chosen]] += len(ranked) - np.searchsorted(ranked, score[chosen], side="left")
                total[rows] += np.where(known[rows], score, score / len(numbers))
            p[:, cls] = (1 + rank) / (len(scores) + 1)
            closeness[:, cls] = total / max(float(np.median(scores)), 1e-9)
        return p, closeness


def distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Euclidean distances (n, m)."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def nearest(far: FloatArray) -> FloatArray:
    """The mean of the least distances of each row; infinite where there are none."""
    if far.shape[1] == 0:
        return np.full(len(far), np.inf)
    k = min(NEAREST, far.shape[1])
    return np.asarray(np.partition(far, k - 1, axis=1)[:, :k].mean(axis=1))


def score_all(points: FloatArray, own: IndexArray, fold: IndexArray, ready: NDArray[np.bool_]) -> Scores:
    """Calibrate each class on its own images, each scored against those outside its fold."""
    calibration, places = [], []
    for cls in range(len(ready)):
        mine = np.flatnonzero(own == cls)
        score = np.empty(len(mine))
        far = distances(points[mine], points[mine])
        for k in np.unique(fold[mine]):
            inside = fold[mine] == k
            score[inside] = nearest(far[np.ix_(inside, ~inside)])
        order = np.argsort(score, kind="stable")
        calibration.append(score[order])
        places.append(fold[mine][order])
    empty = np.zeros((0, len(ready)))
    made = Scores(points, own, fold, ready, tuple(calibration), tuple(places), empty)
    return Scores(points, own, fold, ready, made.calibration, made.folds, made.typical(points, fold)[0])
