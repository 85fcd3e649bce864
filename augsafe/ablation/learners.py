"""Training functions for networks: a model, an optimiser, and new random values in each epoch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.ablation.split import Split, Train
from augsafe.cnns import Options, load, names, network, train, with_channels
from augsafe.errors import ArgumentError, MissingExtraError
from augsafe.frameworks import framework as needed
from augsafe.images import ArraySource
from augsafe.policies import Compose

Build = Callable[[tuple[int, int, int], int], Any]  # (channels, height, width), classes -> a model


def lenet5(shape: tuple[int, int, int], classes: int) -> Any:
    """LeNet-5 (LeCun et al. 1998) with ReLU and max pooling, for torch. Images need at least 16 x 16 pixels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape[0], 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.LazyLinear(120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
    )  # fmt: skip


@dataclass(frozen=True)
class Torch:
    """Train a PyTorch model with Adam on cross-entropy. The seed sets the weights, the order and the random values.

    Attributes:
        build: A function ((channels, height, width), classes) that returns a `torch.nn.Module`.
        epochs: Number of epochs.
        batch_size: Images per batch.
        rate: Learning rate.
    """

    build: Build
    epochs: int = 10
    batch_size: int = 64
    rate: float = 2e-3

    def __call__(self, policy: Compose, seed: int, split: Split) -> NDArray[np.int64]:
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("a network needs torch; install augsafe[torch]") from error

        with torch.random.fork_rng(devices=[]):  # the caller's own random numbers stay as they were
            torch.manual_seed(seed)
            targets = torch.from_numpy(planes(split.targets))
            model = self.build((targets.shape[1], targets.shape[2], targets.shape[3]), len(split.classes))
            model.eval()
            with torch.no_grad():
                model(targets[:1])  # lazy layers learn their sizes
            optimiser = torch.optim.Adam(model.parameters(), lr=self.rate)
            labels = torch.from_numpy(split.labels)
            model.train()
            for epoch in range(self.epochs):
                drawn = torch.from_numpy(planes(policy.batch(split.images, split.indices, seed=seed, epoch=epoch)))
                for rows in torch.from_numpy(order(len(labels), seed, epoch)).split(self.batch_size):  # type: ignore[no-untyped-call]
                    optimiser.zero_grad()
                    torch.nn.functional.cross_entropy(model(drawn[rows]), labels[rows]).backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
            model.eval()
            with torch.no_grad():
                parts = [model(part).argmax(dim=1) for part in targets.split(512)]  # type: ignore[no-untyped-call]
        return np.asarray(torch.cat(parts).numpy(), dtype=np.int64)


@dataclass(frozen=True)
class Keras:
    """Train a Keras model without its last softmax, with Adam on cross-entropy.

    Attributes:
        build: A function ((height, width, channels), classes) that returns a `keras.Model`.
        epochs: Number of epochs.
        batch_size: Images per batch.
        rate: Learning rate.
    """

    build: Build
    epochs: int = 10
    batch_size: int = 64
    rate: float = 2e-3

    def __call__(self, policy: Compose, seed: int, split: Split) -> NDArray[np.int64]:
        try:
            import keras
        except ImportError as error:
            raise MissingExtraError("a Keras model needs keras; install augsafe[tensorflow]") from error

        keras.utils.set_random_seed(seed)
        targets = planes(split.targets).transpose(0, 2, 3, 1)
        model = self.build((targets.shape[1], targets.shape[2], targets.shape[3]), len(split.classes))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(self.rate), loss)
        for epoch in range(self.epochs):
            drawn = planes(policy.batch(split.images, split.indices, seed=seed, epoch=epoch)).transpose(0, 2, 3, 1)
            rows = order(len(split.labels), seed, epoch)
            for start in range(0, len(rows), self.batch_size):
                some = rows[start : start + self.batch_size]
                model.train_on_batch(drawn[some], split.labels[some])
        return np.asarray(model.predict(targets, verbose=0).argmax(axis=1), dtype=np.int64)


def planes(images: Any) -> NDArray[np.float32]:
    """(n, H, W[, C]) of one size to (n, C, H, W), levels from 0 to 1. Raises ArgumentError for several sizes."""
    if len({np.shape(image) for image in images}) != 1:
        raise ArgumentError("a network needs images of one size; give the policy a Resize or an Output(size=...)")
    array = np.asarray(images)
    top = float(np.iinfo(array.dtype).max) if array.dtype.kind in "iu" else 1.0
    array = array[..., None] if array.ndim == 3 else array
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(top)


def order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of the images in an epoch: the same for every policy."""
    return np.random.default_rng([seed, epoch]).permutation(n)


@dataclass(frozen=True)
class Cnn:
    """Train a network of `augsafe.cnns`. The guards only report. A tenth of the training images selects the best epoch,
    the same tenth for every policy.

    Attributes:
        name: The network, such as "resnet18".
        epochs: Number of epochs.
        batch_size: Images per batch.
        size: Side of the images in pixels. Default: the network's own.
        rate: Learning rate. Default: the rate of the network in the table.
    """

    name: str
    epochs: int = 10
    batch_size: int = 64
    size: int | None = None
    rate: float | None = None

    def __call__(self, policy: Compose, seed: int, split: Split) -> NDArray[np.int64]:
        needed("torch", f"training {self.name}")
        import torch

        options = Options(
            self.epochs, self.batch_size, self.rate, patience=self.epochs, seed=seed, workers=0, size=self.size,
            validation_share=0.1, convert_channels=True,
        )  # fmt: skip
        source = ArraySource(split.images, split.labels, classes=split.classes)
        channels = network(self.name).channels
        with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
            train(source, self.name, policy, out=Path(folder, "run"), options=options, on_violation=None)
            trained = load(Path(folder, "run", "model.pt"))
        found = []
        with torch.inference_mode():
            for start in range(0, len(split.targets), self.batch_size):
                some = [with_channels(image, channels) for image in split.targets[start : start + self.batch_size]]
                batch = trained.policy.batch(some, np.arange(start, start + len(some)))
                found.append(trained.model(torch.from_numpy(batch)).argmax(dim=1).numpy())
        return np.concatenate(found).astype(np.int64)


def torch_learner(model: str, epochs: int, size: int | None = None) -> Train:
    """A learner by the name of its network.

    Args:
        model: "lenet5" (a small, fast version), or a network of `augsafe.cnns`.
        epochs: Number of epochs.
        size: Side of the images in pixels. Default: the network's own.

    Returns:
        The training function.

    Raises:
        ArgumentError: There is no such network.
        MissingExtraError: PyTorch is not installed.
    """
    if model == "lenet5":
        needed("torch", "training lenet5")
        return Torch(lenet5, epochs)
    if model not in names("torch"):
        known = ", ".join(("light", *names("torch")))
        raise ArgumentError(
            f"there is no model {model!r}; the models are {known}; in Python, pass Torch(build) a function that builds "
            "a module"
        )
    for module in ("torch", "torchvision", "lightning"):
        needed(module, f"training {model}")
    return Cnn(model, epochs, size=size)
