"""Features that need no model and no download: good for digits, glyphs and signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.features.canonical import FloatArray, aligned, halved, squares
from augsafe.features.descriptor import describe, permutation

CHUNK = 128  # images described at a time; the same for any number of jobs


@dataclass(frozen=True)
class Builtin:
    """Gradients and blurred pixels of an image, and of its content brought to one place, size and shape.

    channels: of the images; a grey image among colour ones counts as one of equal channels. jobs: threads.
    """

    channels: int = 1
    jobs: int = 1

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        """Features (n, d) of images (H, W[, C])."""
        from joblib import Parallel, delayed

        parts = [images[i : i + CHUNK] for i in range(0, len(images), CHUNK)]
        if not parts:
            return np.zeros((0, 2 * len(permutation(np.eye(2, dtype=np.int64), self.channels))), np.float32)
        found = Parallel(n_jobs=self.jobs, prefer="threads")(delayed(self._chunk)(part) for part in parts)
        return np.concatenate(list(found))

    def _chunk(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        work = squares(images, self.channels)
        return np.concatenate([describe(halved(work)), describe(aligned(work))], axis=1)

    def moved(self, features: FloatArray, matrix: NDArray[np.int64]) -> FloatArray:
        """The features of images under a symmetry of the square (2, 2), from those of the images."""
        once = permutation(matrix, self.channels)
        return features[:, np.concatenate([once, len(once) + once])]
