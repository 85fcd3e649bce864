"""Batches one after another as one, and parts of batches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.pixels import Batch


def mixed_shapes(kinds: Collection[tuple[tuple[int, ...], np.dtype[Any]]]) -> InputError:
    """What is wrong where the images of a batch differ in shape or dtype, and what to do about it."""
    shapes, dtypes = {shape for shape, _ in kinds}, sorted({dtype.name for _, dtype in kinds})
    said = f"the images of a batch must have one shape and dtype, these differ: {sorted(map(str, shapes))[:4]}"
    if len(dtypes) > 1:
        return InputError(
            f"{said} of {' and '.join(dtypes)}; say Output(dtype=...), or convert the images to one dtype"
        )
    if len({(len(shape), *(side for side in shape if side <= 4)) for shape in shapes}) > 1:
        return InputError(
            f"{said}; some are grey and some in colour: read them all with one number of channels, as "
            'FolderSource(path, mode="rgb") does'
        )
    return InputError(
        f"{said}; end the policy with Resize((height, width)), or give the loader output=Output(size=...)"
    )


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches one after another as one. Raises InputError where their shapes differ."""
    if len(parts) == 1:
        return parts[0]
    kinds = {(p.images.shape[1:], p.images.dtype) for p in parts}
    if len(kinds) > 1:
        raise mixed_shapes(kinds)
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
