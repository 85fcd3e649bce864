"""The networks in Keras 3: those of keras.applications, and LeNet-5."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from augsafe.cnns.specs import Network
from augsafe.errors import ArgumentError

HUB = "hub"
MAKERS = {
    "vgg16": keras.applications.VGG16,
    "vgg19": keras.applications.VGG19,
    "inception_v3": keras.applications.InceptionV3,
    "resnet50": keras.applications.ResNet50,
    "resnet101": keras.applications.ResNet101,
    "resnet152": keras.applications.ResNet152,
    "densenet121": keras.applications.DenseNet121,
    "densenet169": keras.applications.DenseNet169,
    "densenet201": keras.applications.DenseNet201,
}
# The weights of these were trained with blue first.
BLUE_FIRST = ("vgg", "resnet")


@keras.saving.register_keras_serializable("augsafe")
class ReverseChannels(layers.Layer):  # type: ignore[misc]
    """(n, h, w, 3) RGB to BGR."""

    def call(self, inputs: Any) -> Any:
        """Reverse the last axis."""
        return ops.flip(inputs, axis=-1)


@keras.saving.register_keras_serializable("augsafe")
class ScaledTanh(layers.Layer):  # type: ignore[misc]
    """1.7159 tanh(2/3 x), elementwise."""

    def call(self, inputs: Any) -> Any:
        """Any shape."""
        return 1.7159 * ops.tanh(inputs * (2 / 3))


@keras.saving.register_keras_serializable("augsafe")
class Subsampling(layers.Layer):  # type: ignore[misc]
    """The mean of 2 x 2 pixels, times a trained coefficient, plus a trained bias, of each map."""

    def build(self, input_shape: Any) -> None:
        """Two numbers a map."""
        shape = (input_shape[-1],)
        self.coefficient = self.add_weight(shape=shape, initializer="ones", name="coefficient")
        self.bias = self.add_weight(shape=shape, initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """(n, h, w, maps) to (n, h // 2, w // 2, maps)."""
        return ops.average_pool(inputs, 2, strides=2) * self.coefficient + self.bias


@keras.saving.register_keras_serializable("augsafe")
class ZeroWhere(keras.constraints.Constraint):  # type: ignore[misc]
    """Weights of connections that LeNet-5's C3 does not have stay 0."""

    def __call__(self, value: Any) -> Any:
        return value * ops.convert_to_tensor(_c3_mask(), dtype=value.dtype)


@keras.saving.register_keras_serializable("augsafe")
class C3Weights(keras.initializers.Initializer):  # type: ignore[misc]
    """Uniform within 2.4 / fan-in on the connections that C3 has, 0 on the others."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        mask = _c3_mask()
        limit = 2.4 / (mask.sum() / mask.shape[-1])
        return keras.random.uniform(shape, -limit, limit, dtype) * ops.convert_to_tensor(mask, dtype=dtype)


def _c3_mask() -> Any:
    from augsafe.cnns.specs import C3_TABLE

    mask = np.zeros((5, 5, 6, len(C3_TABLE)), np.float32)
    for row, sources in enumerate(C3_TABLE):
        mask[:, :, list(sources), row] = 1.0
    return mask


def _lenet(classes: int) -> Any:
    def near_zero(inputs: int) -> Any:
        return keras.initializers.RandomUniform(-2.4 / inputs, 2.4 / inputs)

    image = keras.Input((32, 32, 1), name="image")
    x = ScaledTanh(name="c1_tanh")(layers.Conv2D(6, 5, kernel_initializer=near_zero(25), name="c1")(image))
    x = ScaledTanh(name="s2_tanh")(Subsampling(name="s2")(x))
    c3 = layers.Conv2D(16, 5, kernel_initializer=C3Weights(), kernel_constraint=ZeroWhere(), name="c3")
    x = ScaledTanh(name="c3_tanh")(c3(x))
    x = ScaledTanh(name="s4_tanh")(Subsampling(name="s4")(x))
    x = ScaledTanh(name="c5_tanh")(layers.Conv2D(120, 5, kernel_initializer=near_zero(400), name="c5")(x))
    x = layers.Flatten(name="c5_flat")(x)
    x = ScaledTanh(name="f6_tanh")(layers.Dense(84, kernel_initializer=near_zero(120), name="f6")(x))
    out = layers.Dense(classes, kernel_initializer=near_zero(84), name="output")(x)
    return keras.Model(image, out, name="lenet5")


def build(net: Network, classes: int, weights: str | Path | None, keep_head: bool, size: Any = None) -> Any:
    """A `keras.Model` from (n, h, w, channels) to (n, classes) logits. Raises ArgumentError."""
    size = net.size if size is None else size
    if weights is None:
        return _made(net, classes, size)
    if weights == HUB:
        if net.family == "lenet5":
            raise ArgumentError(
                "weights='hub': there are no pretrained weights for lenet5; train it (this takes a minute)"
            )
        model, known = _made(net, 1000, net.size, "imagenet"), 1000
    else:
        known = _classes_in(weights)
        model = _made(net, known, size)
        try:
            model.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            raise ArgumentError(f"weights={str(weights)!r} do not fit {net.name}: {str(error)[:300]}") from error
    if keep_head:
        if known != classes:
            raise ArgumentError(f"weights={str(weights)!r} have {known} classes, not {classes}; remove keep_head")
        return model
    return replace_head(model, net, classes)


def _made(net: Network, classes: int, size: Any, weights: str | None = None) -> Any:
    if net.family == "lenet5":
        return _lenet(classes)
    image = keras.Input((*size, net.channels), name="image")
    entry = ReverseChannels(name="bgr")(image) if net.family in BLUE_FIRST else image
    made = MAKERS[net.name](weights=weights, input_tensor=entry, classes=classes, classifier_activation=None)
    return keras.Model(image, made.output, name=net.name)


def _classes_in(path: str | Path) -> int:
    """How many classes the head in a file has: the outputs of its last dense layer."""
    import h5py

    found: dict[str, int] = {}

    def visit(name: str, held: Any) -> None:
        if isinstance(held, h5py.Dataset) and held.ndim == 2:
            found[name] = int(held.shape[1])

    try:
        with h5py.File(path) as file:
            file.visititems(visit)
    except OSError as error:
        raise ArgumentError(f"weights={str(path)!r} cannot be read as weights of Keras: {error}") from error
    # Keras 3 numbers the layers of a kind in their order (dense, dense_1, ...); older files name the layers.
    old = [count for name, count in found.items() if "predictions" in name]
    new = {m[1] or "_0": count for name, count in found.items() if (m := re.match(r"layers/dense(_\d+)?/vars/0", name))}
    if not old and not new:
        raise ArgumentError(f"weights={str(path)!r} do not fit any network of the table: they have no dense layer")
    return old[0] if old else new[max(new, key=lambda suffix: int(suffix[1:]))]


def replace_head(model: Any, net: Network, classes: int) -> Any:
    """The network with a new last layer for so many classes; the other layers are shared."""
    name = net.head[0]
    features = model.get_layer(name).input
    return keras.Model(model.input, layers.Dense(classes, name=name)(features), name=model.name)


def part_of(net: Network, model: Any) -> dict[str, int]:
    """The block of each layer, counted from the input; that of the head is the number of blocks."""
    prefixes = net.blocks
    parts: dict[str, int] = {}
    at = 0
    last = len(net.blocks) - 1
    for layer in model.layers:
        if layer.name in net.head:
            parts[layer.name] = last + 1
        elif net.family == "inception":
            parts[layer.name] = min(at, last)
            at += layer.name.startswith("mixed") and "_" not in layer.name
        else:
            fits = [i for i, names in enumerate(prefixes) if any(layer.name.startswith(p) for p in names)]
            at = fits[0] if fits else at
            parts[layer.name] = at
    return parts


def train_part(model: Any, net: Network, last: int | None) -> None:
    """Let the head and the last so many blocks learn, and freeze the rest; None lets all learn. In place.

    A frozen batch norm of Keras also keeps its statistics. Compile the model again afterwards.
    """
    if last is not None and not 0 <= last <= len(net.blocks):
        raise ArgumentError(f"blocks must be from 0 to {len(net.blocks)} for {net.name}, got {last!r}")
    first = 0 if last is None else len(net.blocks) - last
    parts = part_of(net, model)
    for layer in model.layers:
        layer.trainable = parts[layer.name] >= first
