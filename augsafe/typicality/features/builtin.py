"""Features that need no model and no download: good for digits, glyphs and signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.typicality.features.canonical import FloatArray, aligned, halved, squares, upright
from augsafe.typicality.features.descriptor import describe, permutation

CHUNK = 128  # images described at a time; the same for any number of jobs
CENTRED = 0.6  # weight of the centred content beside the one in place, where slant is taken out


@dataclass(frozen=True)
class Builtin:
    """Gradients and blurred pixels of an image, and of its content brought to one place, size and shape.

    Args:
        channels: Of the images; a grey image among colour ones counts as one of equal channels.
        jobs: How many threads.
    """

    channels: int = 1
    jobs: int = 1

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        """Features (n, d) of images (H, W[, C])."""
        return _by_chunks(lambda work: [halved(work), aligned(work)], images, self.channels, self.jobs)

    def views(self, images: Sequence[NDArray[Any]], matrices: NDArray[np.int64]) -> Iterator[FloatArray]:
        """The features of images under symmetries of the square, one after the other.

        Those of a rotated image are those of the image in another order, so one pass gives all.

        Args:
            images: Each (H, W) or (H, W, C).
            matrices: The symmetries (k, 2, 2).

        Yields:
            Features (n, d) under each symmetry.
        """
        clean = self(images)
        for matrix in matrices:
            yield _moved(clean, matrix, self.channels)


@dataclass(frozen=True)
class Unslanted:
    """The same of images freed of their slant: in place, and brought to one place, width and height.

    A mirrored italic leans the other way; without its slant it is what a mirrored upright letter is.

    Args:
        channels: Of the images; a grey image among colour ones counts as one of equal channels.
        jobs: How many threads.
    """

    channels: int = 1
    jobs: int = 1

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        """Features (n, d) of images (H, W[, C])."""
        return self._freed(images, 0)

    def views(self, images: Sequence[NDArray[Any]], matrices: NDArray[np.int64]) -> Iterator[FloatArray]:
        # slant along x comes from slant along y where a rotation by 90 degrees is in it
        freed = [self._freed(images, axis) for axis in (0, 1)]
        for matrix in matrices:
            yield _moved(freed[int(matrix[0, 0] == 0)], matrix, self.channels)

    def _freed(self, images: Sequence[NDArray[Any]], axis: int) -> FloatArray:
        found = _by_chunks(lambda work: upright(work, axis), images, self.channels, self.jobs)
        found[:, found.shape[1] // 2 :] *= CENTRED
        return found


def _by_chunks(
    frames: Callable[[FloatArray], Sequence[FloatArray]], images: Sequence[NDArray[Any]], channels: int, jobs: int
) -> FloatArray:
    """Both frames of each image described, (n, d)."""
    from joblib import Parallel, delayed

    def one(part: Sequence[NDArray[Any]]) -> FloatArray:
        return np.concatenate([describe(frame) for frame in frames(squares(part, channels))], axis=1)

    parts = [images[i : i + CHUNK] for i in range(0, len(images), CHUNK)]
    if not parts:
        return np.zeros((0, 2 * len(permutation(np.eye(2, dtype=np.int64), channels))), np.float32)
    return np.concatenate(list(Parallel(n_jobs=jobs, prefer="threads")(delayed(one)(part) for part in parts)))


def _moved(features: FloatArray, matrix: NDArray[np.int64], channels: int) -> FloatArray:
    once = permutation(matrix, channels)
    return features[:, np.concatenate([once, len(once) + once])]
