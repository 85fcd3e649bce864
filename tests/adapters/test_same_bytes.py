"""One image, one draw, the same bytes: whichever framework, worker, start method or rank asks for it, guards on."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import augsafe as aug
from tests.conftest import needs

N, SEED = 60, 3
OUTPUT = aug.Output(dtype="float32", mean=(0.5,), std=(0.25,))
POLICY = aug.Compose(
    [aug.Shift(), aug.Rotate(), aug.HorizontalFlip(), aug.VerticalFlip(), aug.Brightness()], output=OUTPUT
)


def digits() -> tuple[np.ndarray, np.ndarray]:
    found = load_digits()
    return (found.images * 15).astype(np.uint8)[:N, ..., None], found.target[:N]


def numpy_path(epoch: int) -> np.ndarray:
    """What the plain loader gives, in the order of the data."""
    loader = aug.Loader(digits(), POLICY, batch_size=7, workers=2, seed=SEED, contract="mnist")
    loader.set_epoch(epoch)
    out = np.full((N, 8, 8, 1), np.nan, np.float32)
    for batch in loader:
        out[batch.indices] = batch.images
    return out


def test_the_bytes_depend_on_epoch_seed_and_guards() -> None:
    """Else the tests below could not fail."""
    assert (numpy_path(0) == numpy_path(0)).all()
    assert (numpy_path(0) != numpy_path(1)).any()
    free = POLICY.batch(digits()[0], indices=np.arange(N), seed=SEED)
    assert (numpy_path(0) != free).any(), "the guards changed nothing"


@needs("torch")
@pytest.mark.parametrize(("workers", "context"), [(0, None), (2, "fork"), (2, "spawn")])
def test_dataloader(workers: int, context: str | None) -> None:
    import torch
    from torch.utils.data import DataLoader

    from augsafe.adapters.torch import Dataset

    dataset = Dataset(digits(), POLICY, seed=SEED, contract="mnist")
    loader = DataLoader(
        dataset,
        batch_size=7,
        num_workers=workers,
        multiprocessing_context=context,
        persistent_workers=workers > 0,
    )
    for epoch in (0, 1):  # the second reaches the same worker processes
        dataset.set_epoch(epoch)
        images, labels = (torch.cat(parts).numpy() for parts in zip(*loader, strict=True))
        assert (images == numpy_path(epoch)).all() and (labels == digits()[1]).all()


@needs("torch")
def test_two_ranks() -> None:
    import torch
    from torch.utils.data import DataLoader, DistributedSampler

    from augsafe.adapters.torch import Dataset, TensorLoader, ranks

    dataset = Dataset(digits(), POLICY, seed=SEED, contract="mnist")
    wanted, seen = numpy_path(0), []
    for rank in (0, 1):
        sampler = DistributedSampler(dataset, num_replicas=2, rank=rank, shuffle=True)
        order = list(sampler)
        images = torch.cat([batch for batch, _ in DataLoader(dataset, batch_size=4, sampler=sampler)]).numpy()
        assert (images == wanted[order]).all()
        seen += order
    assert sorted(seen) == list(range(N))
    assert ranks() == (0, 1)
    shares = [
        aug.Loader(digits(), POLICY, batch_size=4, workers=0, seed=SEED, contract="mnist", rank=rank, world_size=2)
        for rank in (0, 1)
    ]
    for share in shares:
        images = torch.cat([batch for batch, _ in TensorLoader(share)]).numpy()
        assert (images == wanted[share.order(0)]).all()


def one_rank(number: int, folder: Path) -> None:
    import torch.distributed as dist

    from augsafe.adapters.torch import TensorLoader, ranks

    dist.init_process_group("gloo", init_method=f"file://{folder / 'store'}", rank=number, world_size=2)
    rank, size = ranks()
    loader = aug.Loader(digits(), POLICY, batch_size=4, seed=SEED, contract="mnist", rank=rank, world_size=size)
    images = np.concatenate([images.numpy() for images, _ in TensorLoader(loader)])
    np.savez(folder / f"{number}.npz", images=images, order=loader.order(0))
    dist.barrier()
    dist.destroy_process_group()


@needs("torch")
def test_two_processes_share_the_data(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=one_rank, args=(rank, tmp_path), daemon=True) for rank in (0, 1)]
    for process in running:
        process.start()
    for process in running:
        process.join(120)
    assert [process.exitcode for process in running] == [0, 0]
    wanted, seen = numpy_path(0), []
    for rank in (0, 1):
        with np.load(tmp_path / f"{rank}.npz") as made:
            assert (made["images"] == wanted[made["order"]]).all()
            seen += made["order"].tolist()
    assert sorted(seen) == list(range(N))


@needs("tensorflow")
def test_tf_data() -> None:
    import tensorflow as tf

    from augsafe.adapters.tensorflow import by_index, dataset

    loader = aug.Loader(digits(), POLICY, batch_size=16, workers=2, seed=SEED, contract="mnist")
    made = dataset(loader)
    spec = made.element_spec
    assert spec[0].shape.as_list() == [None, 8, 8, 1] and spec[0].dtype == tf.float32 and spec[1].dtype == tf.int64
    assert int(made.cardinality()) == 4
    for epoch in (0, 1):
        images = np.concatenate([x.numpy() for x, _ in made])
        assert (images == numpy_path(epoch)[loader.order(epoch)]).all()

    order = np.random.default_rng(0).permutation(N)
    picked = by_index(loader, tf.data.Dataset.from_tensor_slices(order).shard(2, 1).batch(9), epoch=1)
    assert picked.element_spec == spec
    images, labels = (np.concatenate(parts) for parts in zip(*picked.as_numpy_iterator(), strict=True))
    assert (images == numpy_path(1)[order[1::2]]).all() and (labels == digits()[1][order[1::2]]).all()


# What `fit` is given, batch by batch: each must be a batch of the epoch it is given in.
KERAS = """
import numpy as np
from augsafe.adapters.keras import Batches, keras
from tests.adapters.test_same_bytes import N, POLICY, SEED, digits, numpy_path



class Recorder(keras.Model):
    def __init__(self):
        super().__init__()
        self.head, self.seen = keras.layers.Dense(10), []

    def call(self, images):
        return self.head(keras.ops.reshape(images, (-1, 64)))

    def train_step(self, data):
        self.seen.append(keras.ops.convert_to_numpy(data[0]).copy())
        return {"loss": 0.0}


for workers in (1, 2):
    batches = Batches(digits(), POLICY, batch_size=16, seed=SEED, contract="mnist", workers=workers)
    model = Recorder()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(batches, epochs=2, verbose=0)
    assert len(model.seen) == 8, len(model.seen)
    for number in (0, 1):
        epoch = number + 1
        given = sorted(image.tobytes() for batch in model.seen[4 * number : 4 * epoch] for image in batch)
        assert given == sorted(image.tobytes() for image in numpy_path(epoch)), (workers, epoch)
    batches.set_epoch(0)
    order = np.concatenate([batches[k][1] for k in range(4)])
    assert (np.concatenate([batches[k][0] for k in range(4)]) == numpy_path(0)[batches.order()]).all()
    assert (order == digits()[1][batches.order()]).all()
fitted = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
fitted.compile("adam", "sparse_categorical_crossentropy")
assert np.isfinite(fitted.fit(batches, epochs=2, verbose=0).history["loss"]).all()
print(keras.backend.backend(), "fits")
"""


def environment(**more: str) -> dict[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    return {**os.environ, **quiet, **more}


@needs("tensorflow", "keras", "torch")
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_fit(backend: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KERAS],
        env=environment(KERAS_BACKEND=backend),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{backend} fits" in done.stdout
