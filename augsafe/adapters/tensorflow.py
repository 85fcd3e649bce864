"""TensorFlow: the batches of the loader, or images by number, as a `tf.data.Dataset`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import needs_processes
from augsafe.frameworks import framework
from augsafe.loading import Loader, Worker

tf = framework("tensorflow", "augsafe.adapters.tensorflow")


def dataset(loader: Loader, *, prefetch: int = 2) -> Any:
    """A `tf.data.Dataset` of (images, labels) batches. Each iteration is the next epoch of the loader.

    The shape and dtype of the elements come from the first image, so that a network can be built from them.

    Args:
        loader: The loader. Its images must have labels.
        prefetch: Batches that TensorFlow keeps ready, in addition to those of the loader.

    Returns:
        The `tf.data.Dataset`.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: The images have no labels.
    """
    if not isinstance(loader, Loader):
        raise ArgumentError(f"dataset(loader) must be an augsafe.Loader, got {type(loader).__name__}")
    _check_whole("dataset", "prefetch", prefetch)
    first = example(loader)
    shape, kind = _labels_of(loader)
    signature = (tf.TensorSpec((None, *first.shape), tf.as_dtype(first.dtype)), tf.TensorSpec(shape, kind))

    def batches() -> Iterator[tuple[Any, Any]]:
        for batch in loader:
            assert batch.labels is not None
            yield batch.images, np.asarray(batch.labels, kind.as_numpy_dtype)

    made = tf.data.Dataset.from_generator(batches, output_signature=signature)
    made = made.apply(tf.data.experimental.assert_cardinality(len(loader)))
    return made.prefetch(prefetch) if prefetch else made


def by_index(loader: Loader, indices: Any, *, epoch: int = 0, prefetch: int = 2) -> Any:
    """A `tf.data.Dataset` of (images, labels) for batches of indices.

    TensorFlow decides the order, the shards and the batch sizes. The loader gives the images, the policy and the
    guards. The random values of an image depend on the seed of the loader, `epoch` and its index.

    Args:
        loader: The loader. Its images must have labels.
        indices: A `tf.data.Dataset` of int64 vectors, such as `tf.data.Dataset.range(n).shuffle(n).batch(32)`.
        epoch: The epoch of the random values.
        prefetch: Batches that TensorFlow keeps ready.

    Returns:
        The `tf.data.Dataset`.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: An index is out of range, or an image has no label.
    """
    if not isinstance(loader, Loader):
        raise ArgumentError(f"by_index(loader) must be an augsafe.Loader, got {type(loader).__name__}")
    spec = getattr(indices, "element_spec", None)
    if not isinstance(spec, tf.TensorSpec) or spec.dtype != tf.int64 or len(spec.shape) != 1:
        raise ArgumentError(f"by_index(indices) must be a tf.data.Dataset of int64 vectors, got {spec or indices!r}")
    _check_whole("by_index", "epoch", epoch)
    _check_whole("by_index", "prefetch", prefetch)
    first = example(loader)
    shape, kind = _labels_of(loader)
    kinds = (tf.as_dtype(first.dtype), kind)

    def read(rows: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        if rows.size and (rows.min() < 0 or rows.max() >= len(loader.source)):
            last = len(loader.source) - 1
            raise InputError(f"indices must be from 0 to {last}, got {rows.min()} to {rows.max()}")
        batch = loader._worker(epoch, np.zeros(len(rows), np.int64), rows, 0).batch
        if batch is None or len(batch) != len(rows) or batch.labels is None:
            raise InputError("an image was skipped or dropped, and a batch by index cannot replace it")
        if loader.mixer is not None:
            batch = loader.mixer(batch, epoch)
        return batch.images, np.asarray(batch.labels, kind.as_numpy_dtype)

    def shaped(rows: Any) -> tuple[Any, Any]:
        images, labels = tf.numpy_function(read, [rows], kinds, stateful=False)
        return tf.ensure_shape(images, (None, *first.shape)), tf.ensure_shape(labels, shape)

    threads = 1 if needs_processes(loader._worker.policies.values()) else max(1, loader.workers)
    made = indices.map(shaped, num_parallel_calls=threads, deterministic=True)
    return made.prefetch(prefetch) if prefetch else made


def _labels_of(loader: Loader) -> tuple[tuple[int | None, ...], Any]:
    """The shape and dtype of a batch's labels: (n,) class indices, or (n, classes) floats where the loader mixes."""
    return ((None,), tf.int64) if loader.mixer is None else ((None, loader.mixer.classes), tf.float32)


def _check_whole(where: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ArgumentError(f"{where}({name}=...) must be a whole number of at least 0, got {value!r}")


def example(loader: Loader) -> np.ndarray[Any, Any]:
    """One image in the form that the loader returns. Its position does not change. Raises InputError without labels."""
    worker: Worker = loader._worker
    index = loader.order(0)[:1]
    batch = worker(0, np.zeros(1, np.int64), index, 0).batch
    if batch is None:
        raise InputError(f"image {int(index[0])} was skipped or dropped, so the shape of the output is unknown")
    if batch.labels is None:
        raise InputError("the images have no labels; give the loader (images, labels)")
    image: np.ndarray[Any, Any] = batch.images[0]
    return image
