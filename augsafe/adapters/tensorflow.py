"""Into TensorFlow: the loader's batches as a `tf.data.Dataset`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from augsafe.batches import Worker
from augsafe.errors import ArgumentError, InputError
from augsafe.frameworks import framework
from augsafe.loader import Loader

tf = framework("tensorflow", "augsafe.adapters.tensorflow")


def dataset(loader: Loader, *, prefetch: int = 2) -> Any:
    """A `tf.data.Dataset` of (images, labels) batches; each iteration over it is the loader's next epoch.

    The element's shape and dtype are read off the loader's first image, so that a network can be built from it.
    prefetch: batches that TensorFlow keeps ready besides those of the loader. Raises ArgumentError and InputError.
    """
    if not isinstance(loader, Loader):
        raise ArgumentError(f"dataset(loader) must be an augsafe.Loader, got {type(loader).__name__}")
    if isinstance(prefetch, bool) or not isinstance(prefetch, int) or prefetch < 0:
        raise ArgumentError(f"dataset(prefetch=...) must be a whole number of at least 0, got {prefetch!r}")
    first = example(loader)
    signature = (
        tf.TensorSpec((None, *first.shape), tf.as_dtype(first.dtype)),
        tf.TensorSpec((None,), tf.int64),
    )

    def batches() -> Iterator[tuple[Any, Any]]:
        for batch in loader:
            assert batch.labels is not None
            yield batch.images, np.asarray(batch.labels, np.int64)

    made = tf.data.Dataset.from_generator(batches, output_signature=signature)
    made = made.apply(tf.data.experimental.assert_cardinality(len(loader)))
    return made.prefetch(prefetch) if prefetch else made


def example(loader: Loader) -> np.ndarray[Any, Any]:
    """One image as the loader gives it; its place in the epoch is left as it is. Raises InputError without labels."""
    worker: Worker = loader._worker
    index = loader.order(0)[:1]
    batch = worker(0, np.zeros(1, np.int64), index, 0).batch
    if batch is None:
        raise InputError(f"image {int(index[0])} was skipped or dropped, so that the form of the output is unknown")
    if batch.labels is None:
        raise InputError("the images have no labels; give the loader (images, labels)")
    image: np.ndarray[Any, Any] = batch.images[0]
    return image
