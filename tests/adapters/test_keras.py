"""What TensorFlow and Keras cannot do is said; their bytes are in test_same_bytes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

import augsafe as aug
from tests.conftest import needs

pytestmark = needs("tensorflow", "keras", "torch")
N = 50
POLICY = aug.Compose([aug.Shift(), aug.Rotate(), aug.Brightness()], output=aug.Output(dtype="float32"))


def digits() -> tuple[np.ndarray, np.ndarray]:
    found = load_digits()
    return (found.images * 15).astype(np.uint8)[:N, ..., None], found.target[:N]


def test_what_tensorflow_cannot_do_is_refused() -> None:
    import tensorflow as tf

    from augsafe.adapters.tensorflow import by_index, dataset

    loader = aug.Loader(digits(), POLICY, batch_size=16, workers=0)
    with pytest.raises(aug.errors.InputError, match="no labels"):
        dataset(aug.Loader(digits()[0], POLICY))
    with pytest.raises(aug.errors.ArgumentError, match="int"):
        dataset(3)
    with pytest.raises(aug.errors.ArgumentError, match="prefetch"):
        dataset(loader, prefetch=-1)
    with pytest.raises(aug.errors.ArgumentError, match="int64 vectors"):
        by_index(loader, tf.data.Dataset.range(N))
    with pytest.raises(aug.errors.ArgumentError, match="epoch"):
        by_index(loader, tf.data.Dataset.range(N).batch(4), epoch=-1)
    with pytest.raises(tf.errors.OpError, match="0 to 49"):
        next(iter(by_index(loader, tf.data.Dataset.range(N, N + 8).batch(4))))


def test_soft_labels_in_tensorflow_and_keras() -> None:
    import tensorflow as tf

    from augsafe.adapters.keras import Batches
    from augsafe.adapters.tensorflow import by_index, dataset

    def loader() -> aug.Loader:
        return aug.Loader(digits(), POLICY, batch_size=16, workers=0, shuffle=False, mix=aug.CutMix())

    wanted = list(loader())
    found = dataset(loader())
    assert found.element_spec[1] == tf.TensorSpec((None, 10), tf.float32)
    indexed = by_index(loader(), tf.data.Dataset.range(N).batch(16))
    assert indexed.element_spec[1] == tf.TensorSpec((None, 10), tf.float32)
    batches = Batches(digits(), POLICY, batch_size=16, shuffle=False, mix=aug.CutMix())
    for one in (list(found), list(indexed), [batches[k] for k in range(len(batches))]):
        for (images, labels), batch in zip(one, wanted, strict=True):
            np.testing.assert_array_equal(np.asarray(images), batch.images)
            np.testing.assert_array_equal(np.asarray(labels), batch.labels)
            assert np.asarray(labels).dtype == np.float32


def test_what_keras_cannot_do_is_refused() -> None:
    from augsafe.adapters.keras import Batches

    with pytest.raises(aug.errors.ArgumentError, match="drop"):
        Batches(digits(), POLICY, on_violation="drop")
    with pytest.raises(aug.errors.ArgumentError, match="batch_size"):
        Batches(digits(), POLICY, batch_size=0)
    with pytest.raises(aug.errors.ArgumentError, match="workers"):
        Batches(digits(), POLICY, workers=0)
    with pytest.raises(IndexError, match="4 batches"):
        Batches(digits(), POLICY, batch_size=16)[4]
