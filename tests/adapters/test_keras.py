"""The loader's bytes in TensorFlow and in Keras, and a network that trains on them."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_tf_data_gives_the_loaders_batches() -> None:
    import tensorflow as tf

    from augsafe.adapters.tensorflow import dataset

    ours = [(b.images, b.labels) for _ in range(2) for b in aug.Loader(digits(), POLICY, batch_size=16, workers=0)]
    loader = aug.Loader(digits(), POLICY, batch_size=16, workers=2)
    made = dataset(loader)
    spec = made.element_spec
    assert spec[0].shape.as_list() == [None, 8, 8, 1] and spec[0].dtype == tf.float32 and spec[1].dtype == tf.int64
    assert int(made.cardinality()) == 4
    epoch = [(x.numpy(), y.numpy()) for x, y in made]
    assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(ours[:4], epoch, strict=True))
    second = [x.numpy() for x, _ in made]
    assert (second[0] != epoch[0][0]).any(), "the next iteration must be the next epoch"
    with pytest.raises(aug.errors.InputError, match="no labels"):
        dataset(aug.Loader(digits()[0], POLICY))
    with pytest.raises(aug.errors.ArgumentError, match="int"):
        dataset(3)


SCRIPT = """
import numpy as np
import augsafe as aug
from augsafe.adapters.keras import Batches, keras
from sklearn.datasets import load_digits

found = load_digits()
POLICY = aug.Compose([aug.Shift(), aug.Rotate(), aug.Brightness()], output=aug.Output(dtype="float32"))


def digits():
    return (found.images * 15).astype(np.uint8)[:50, ..., None], found.target[:50]



batches = Batches(digits(), POLICY, batch_size=16, workers=2)
loader = aug.Loader(digits(), POLICY, batch_size=16, workers=0)
for number, batch in enumerate(loader):
    images, labels = batches[number]
    assert (images == batch.images).all() and (labels == batch.labels).all()
images_of_epoch_0 = batches[0][0]
layers = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
model.compile("adam", "sparse_categorical_crossentropy")
history = model.fit(batches, epochs=2, verbose=0)
assert batches.epoch in (2, 3), batches.epoch  # one more where Keras looked at a batch first
batches.set_epoch(0)
assert (batches[0][0] == images_of_epoch_0).all()
assert np.isfinite(history.history["loss"]).all(), history.history
print(keras.backend.backend(), "fits")
"""


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_gives_the_loaders_batches_and_fits(backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{backend} fits" in done.stdout


def test_what_keras_cannot_do_is_refused() -> None:
    from augsafe.adapters.keras import Batches

    with pytest.raises(aug.errors.ArgumentError, match="drop"):
        Batches(digits(), POLICY, on_violation="drop")
    with pytest.raises(aug.errors.ArgumentError, match="batch_size"):
        Batches(digits(), POLICY, batch_size=0)
    with pytest.raises(IndexError, match="4 batches"):
        Batches(digits(), POLICY, batch_size=16)[4]
