"""Which features to use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.typicality.features.builtin import Builtin
from augsafe.typicality.features.canonical import FloatArray
from augsafe.typicality.features.model import Model
from augsafe.typing import ReferenceLike


class Extractor(Protocol):
    """Maps images to features (n, d)."""

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray: ...


def extractor(reference: ReferenceLike | None, images: Sequence[NDArray[Any]], jobs: int = 1) -> Extractor:
    """The user's model, or the built-in features for images like these.

    Args:
        reference: A function from images to class probabilities or embeddings; None for the built-in features.
        images: Each (H, W) or (H, W, C).
        jobs: How many threads, or -1 for all cores.

    Returns:
        What maps images to features (n, d).

    Raises:
        ArgumentError: `jobs` or `reference` cannot be used.
        InputError: The images differ in their number of channels.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise ArgumentError(f"jobs must be a number of threads, or -1 for all cores, got {jobs!r}")
    if reference is not None:
        return Model(reference)
    counts = {image.shape[2] if image.ndim == 3 else 1 for image in images}
    if len(counts - {1}) > 1:
        raise InputError(f"images have {sorted(counts)} channels; convert them to one number of channels first")
    return Builtin(max(counts), jobs)
