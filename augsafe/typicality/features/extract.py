"""Which features to use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.typicality.features.builtin import Builtin
from augsafe.typicality.features.canonical import FloatArray
from augsafe.typicality.features.model import Model


class Extractor(Protocol):
    """Maps images to features (n, d)."""

    def __call__(self, images: Sequence[NDArray[Any]]) -> FloatArray: ...


def extractor(reference: Callable[[Any], Any] | None, images: Sequence[NDArray[Any]], jobs: int = 1) -> Extractor:
    """The user's model, or the built-in features for images like these. Raises ArgumentError and InputError."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise ArgumentError(f"jobs must be a number of threads, or -1 for all cores, got {jobs!r}")
    if reference is not None:
        return Model(reference)
    counts = {image.shape[2] if image.ndim == 3 else 1 for image in images}
    if len(counts - {1}) > 1:
        raise InputError(f"images have {sorted(counts)} channels; convert them to one number of channels first")
    return Builtin(max(counts), jobs)
