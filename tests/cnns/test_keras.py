"""The networks in Keras, and training through fit: the same as in PyTorch where it can be."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import augsafe as aug
from augsafe import ArgumentError, Compose, Loader
from augsafe.cnns import Options, Transfer, build, input_spec, network, train
from augsafe.demo import digits
from tests.conftest import needs

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = needs("keras", "tensorflow")
POLICY = Compose((aug.Shift((-0.05, 0.05), (-0.05, 0.05)), aug.HorizontalFlip()), border="constant")
THREE = Options(epochs=3, batch_size=20, rate=0.003, workers=0)
# All ten take their two steps at full size in benchmarks/cnns.py.
LIGHT = {"lenet5": 32, "resnet50": 32}


def some(n: int, start: int = 0):
    """Some digits."""
    images, labels = digits()
    return images[start : start + n], labels[start : start + n]


def model_for(name: str, classes: int, size: int):
    """A network of random weights for images of a size."""
    from augsafe.cnns.keras_networks import build as build_sized

    net = network(name, "keras")
    if size < net.smallest:
        size = net.smallest
    return build_sized(net, classes, None, False, (size, size)), net


@pytest.mark.parametrize("name", LIGHT)
def test_two_steps_on_augmented_batches(name):
    import keras

    size = LIGHT[name]
    model, net = model_for(name, 5, size)
    images = np.random.default_rng(0).integers(0, 256, (4, 40, 50, 3), dtype=np.uint8)
    images = images if net.channels == 3 else images[..., :1]
    policy = Compose((aug.Rotate((-20, 20)), aug.Brightness()), output=input_spec(name, "keras", size=size))
    loader = Loader((images, np.array([0, 4, 2, 1])), policy, batch_size=2, workers=0)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-3), loss_of, run_eagerly=True)  # no graph for two steps
    for batch in loader:
        assert batch.images.shape == (2, size, size, net.channels)
        loss = model.train_on_batch(batch.images, batch.labels)
        assert np.isfinite(loss)
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize("name", ["lenet5", "vgg16", "resnet50", "densenet121", "inception_v3"])
def test_every_layer_has_its_block(name):
    from augsafe.cnns.keras_networks import part_of, train_part

    model, net = model_for(name, 5, 32)
    parts = part_of(net, model)
    used = {parts[layer.name] for layer in model.layers if layer.weights}
    assert used == set(range(len(net.blocks) + 1))
    assert list(parts.values()) == sorted(parts.values())  # from the input to the head
    train_part(model, net, 1)
    learning = {parts[layer.name] for layer in model.layers if layer.trainable_weights}
    assert learning == {len(net.blocks) - 1, len(net.blocks)}
    with pytest.raises(ArgumentError, match="blocks must be from 0"):
        train_part(model, net, 99)


def test_lenet_has_the_same_parameters_as_in_torch(tmp_path):
    model, _ = model_for("lenet5", 10, 32)
    kernel = np.asarray(model.get_layer("c3").kernel)
    assert (kernel != 0).sum() == 1500
    others = sum(np.asarray(w).size for name in ("c1", "s2", "s4", "c5", "f6") for w in model.get_layer(name).weights)
    assert others + 1516 == 60_000


def test_connections_that_c3_does_not_have_stay_zero():
    import keras

    model, _ = model_for("lenet5", 4, 32)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = np.asarray(model.get_layer("c3").kernel)
    model.train_on_batch(np.random.default_rng(0).random((8, 32, 32, 1), np.float32), np.arange(8) % 4)
    after = np.asarray(model.get_layer("c3").kernel)
    assert (after[before == 0] == 0).all() and (after[before != 0] != before[before != 0]).mean() > 0.9


def test_lenet_computes_what_it_computes_in_torch():
    torch = pytest.importorskip("torch")
    ours, _ = model_for("lenet5", 10, 32)
    theirs = build("lenet5", 10)
    with torch.no_grad():
        for name in ("c1", "c3", "c5"):
            kernel, bias = (np.asarray(w) for w in ours.get_layer(name).weights)
            theirs.get_submodule(name).weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1)))
            theirs.get_submodule(name).bias.copy_(torch.from_numpy(bias))
        for name in ("f6", "output"):
            kernel, bias = (np.asarray(w) for w in ours.get_layer(name).weights)
            theirs.get_submodule(name).weight.copy_(torch.from_numpy(kernel.T))
        images = np.random.default_rng(0).random((3, 32, 32), np.float32)
        wanted = theirs(torch.from_numpy(images[:, None])).numpy()
    np.testing.assert_allclose(np.asarray(ours(images[..., None])), wanted, atol=1e-4)


def test_the_network_takes_rgb_where_its_weights_took_bgr():
    model, _ = model_for("resnet50", 2, 32)
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    inner = model.get_layer("bgr")
    assert (np.asarray(inner(image)) == image[..., ::-1]).all()


def test_weights_of_a_file_get_a_new_head(tmp_path):
    old, net = model_for("lenet5", 7, 32)
    path = tmp_path / "w.weights.h5"
    old.save_weights(path)
    new = build("lenet5", 3, framework="keras", weights=path)
    assert new.output_shape == (None, 3)
    for name in ("c1", "c3", "s4", "f6"):
        for a, b in zip(new.get_layer(name).weights, old.get_layer(name).weights, strict=True):
            assert (np.asarray(a) == np.asarray(b)).all()
    kept = build("lenet5", 7, framework="keras", weights=path, keep_head=True)
    image = np.random.default_rng(0).random((1, 32, 32, 1), np.float32)
    np.testing.assert_allclose(np.asarray(kept(image)), np.asarray(old(image)), atol=1e-6)
    with pytest.raises(ArgumentError, match="have 7 classes, not 3"):
        build("lenet5", 3, framework="keras", weights=path, keep_head=True)
    (tmp_path / "x.weights.h5").write_text("no")
    with pytest.raises(ArgumentError, match="cannot be read"):
        build("lenet5", 3, framework="keras", weights=tmp_path / "x.weights.h5")
    assert net.head == ("output",)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three epochs on 100 digits."""
    folder = tmp_path_factory.mktemp("keras") / "run"
    return train(
        some(100), "lenet5", POLICY, out=folder, options=THREE, framework="keras", contract="mnist", test=some(50, 900)
    )


def test_training_through_fit(run):
    import keras

    body = json.loads((run.folder / "results.json").read_text())
    assert body["complete"] and body == json.loads(json.dumps(run.to_dict()))
    assert [e.images for e in run.history] == [80] * 3
    assert run.history[-1].loss < run.history[0].loss
    assert run.guards["changed"] > 10 and run.guards["images"] == 240
    read = keras.saving.load_model(run.folder / "model.keras", safe_mode=True)
    images = Compose((), output=input_spec("lenet5", "keras")).batch(some(50, 900)[0], indices=range(50))
    logits = np.asarray(read(images[..., None]))
    assert (logits.argmax(axis=1) == some(50, 900)[1]).mean() == pytest.approx(run.accuracy)


def test_a_run_that_was_cut_off_goes_on(run, tmp_path, monkeypatch):
    """Stopped after the second epoch; resumed, it ends where the other ended."""
    from augsafe.cnns import keras_training

    class Cut(Exception):
        pass

    whole = keras_training.Recorder.on_epoch_end

    def cut(self, epoch, logs=None):
        whole(self, epoch, logs)
        if epoch == 1:
            raise Cut

    monkeypatch.setattr(keras_training.Recorder, "on_epoch_end", cut)
    common = {"options": THREE, "framework": "keras", "contract": "mnist", "test": some(50, 900)}
    with pytest.raises(Cut):
        train(some(100), "lenet5", POLICY, out=tmp_path / "run", **common)
    monkeypatch.setattr(keras_training.Recorder, "on_epoch_end", whole)
    again = train(some(100), "lenet5", POLICY, out=tmp_path / "run", resume=True, **common)
    assert [e.loss for e in again.history] == pytest.approx([e.loss for e in run.history], rel=1e-4)
    for a, b in zip(again.model.weights, run.model.weights, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-4)


def test_it_stops_when_it_does_not_get_better(tmp_path):
    still = Options(epochs=5, batch_size=50, rate=0.0, patience=1, workers=0)
    result = train(some(60), "lenet5", None, out=tmp_path / "run", options=still, framework="keras")
    assert len(result.history) == 2 and result.complete


def test_transfer_in_two_phases(run, tmp_path):
    run.model.save_weights(tmp_path / "w.weights.h5")
    moved = {}
    for name, transfer in (("head", Transfer(0)), ("last", Transfer(1, head_epochs=1))):
        result = train(
            some(60, 300), "lenet5", POLICY, out=tmp_path / name, options=THREE, framework="keras",
            weights=tmp_path / "w.weights.h5", transfer=transfer,
        )  # fmt: skip
        moved[name] = {
            layer.name
            for layer in result.model.layers
            for a, b in zip(layer.weights, run.model.get_layer(layer.name).weights, strict=True)
            if (np.asarray(a) != np.asarray(b)).any()
        }
    assert moved == {"head": {"output"}, "last": {"f6", "output"}}
