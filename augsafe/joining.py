"""Batches one after another as one, and parts of batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.sample import Batch


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches one after another as one. Raises InputError where their shapes differ."""
    if len(parts) == 1:
        return parts[0]
    if len({(p.images.shape[1:], p.images.dtype) for p in parts}) > 1:
        raise InputError("the images of a batch must have one shape and dtype; end the policy with Resize")
    labels = [p.labels for p in parts if p.labels is not None]
    masks = [p.masks for p in parts if p.masks is not None]
    samples = [p.samples for p in parts if p.samples is not None]
    return Batch(
        np.concatenate([p.images for p in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        np.concatenate([p.indices for p in parts]),
        np.concatenate(masks) if len(masks) == len(parts) else None,
        tuple(s for group in samples for s in group) if len(samples) == len(parts) else None,
    )


def taken(batch: Batch, start: int, stop: int) -> Batch:
    """Some rows of a batch."""
    if (start, stop) == (0, len(batch)):
        return batch
    part = slice(start, stop)
    return Batch(
        batch.images[part],
        None if batch.labels is None else batch.labels[part],
        batch.indices[part],
        None if batch.masks is None else batch.masks[part],
        None if batch.samples is None else batch.samples[part],
    )


def first_of(
    waiting: list[tuple[Batch, NDArray[np.int64]]], wanted: int
) -> tuple[Batch, int, list[tuple[Batch, NDArray[np.int64]]]]:
    """The first `wanted` images, the place of the last of them, and what is left."""
    parts: list[Batch] = []
    last, need = -1, wanted
    while need:
        batch, positions = waiting[0]
        count = min(need, len(batch))
        parts.append(taken(batch, 0, count))
        last, need = int(positions[count - 1]), need - count
        if count == len(batch):
            waiting = waiting[1:]
        else:
            waiting = [(taken(batch, count, len(batch)), positions[count:]), *waiting[1:]]
    return joined(parts), last, waiting
