"""Features from the user's model: class probabilities or embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.typicality.features.canonical import FloatArray
from augsafe.typing import ReferenceLike

CHUNK = 256  # images given to the model at a time


@dataclass(frozen=True)
class Model:
    """A user's function from images to class probabilities or embeddings.

    Rows of probabilities are compared by their square roots (the Hellinger distance).

    Args:
        call: It gets an array (n, H, W[, C]) where all images have one shape, else a list. It must return an array with
            one row for each image, (n, classes) or (n, d).

    Raises:
        ArgumentError: It is not callable.
    """

    call: ReferenceLike

    def __post_init__(self) -> None:
        if not callable(self.call):
            raise ArgumentError(
                f"reference= must be a callable that maps images to probabilities or embeddings (n, d), "
                f"got {type(self.call).__name__}"
            )

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        """Features (n, d). Raises InputError when the model returns something else."""
        parts = [self._chunk(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
        widths = {part.shape[1] for part in parts}
        if len(widths) != 1:
            raise InputError(f"reference= must return rows of one length, got lengths {sorted(widths)}")
        rows = np.concatenate(parts)
        probabilities = rows.shape[1] > 1 and bool((rows >= 0).all()) and bool(np.allclose(rows.sum(1), 1, atol=1e-3))
        return np.sqrt(rows) if probabilities else rows

    def _chunk(self, images: Sequence[NDArray[Any]]) -> FloatArray:
        same = len({image.shape for image in images}) == 1
        given = np.stack(list(images)) if same else list(images)
        try:
            result = np.asarray(self.call(given))
        except Exception as error:
            raise InputError(
                f"reference= failed on {len(images)} images of shape {images[0].shape}, {images[0].dtype}: "
                f"{type(error).__name__}: {error}; it must take a numpy array (n, H, W[, C]), so wrap a model that "
                "needs tensors or another layout"
            ) from error
        if result.ndim != 2 or len(result) != len(images) or result.dtype.kind not in "fiu":
            raise InputError(
                f"reference= must return numbers of shape ({len(images)}, d) for {len(images)} images, "
                f"got {result.dtype} of shape {result.shape}"
            )
        if not np.isfinite(result).all():
            row = int(np.argmin(np.isfinite(result).all(axis=1)))
            raise InputError(f"reference= returned NaN or infinity, first in row {row}")
        return result.astype(np.float32)
