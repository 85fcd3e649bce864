"""The ready learners learn, are the same for the same seed, and see the policy."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.ablation import Light, torch_learner
from augsafe.ablation.learners import Cnn, Keras, Torch, lenet5
from augsafe.ablation.split import split_data
from augsafe.demo import digits
from augsafe.errors import ArgumentError
from tests.conftest import needs

IMAGES, LABELS = digits()
DATA = split_data(IMAGES[:400], LABELS[:400], None, (0.25, 0.25), 0)


def dense(shape, classes):
    import keras

    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])


def trained(kind):
    if kind == "light":
        return Light(copies=1)
    if kind == "torch":
        pytest.importorskip("torch")
        return Torch(lenet5, epochs=8)
    pytest.importorskip("keras")
    return Keras(dense, epochs=8)


@pytest.mark.parametrize("kind", ["light", "torch", "keras"])
def test_it_learns_and_repeats(kind):
    train, split, truth = trained(kind), DATA.part("validation"), DATA.truth("validation")
    none = aug.Compose()
    first = train(none, 0, split)
    assert (first == truth).mean() > 0.6
    assert (train(none, 0, split) == first).all()
    harmed = train(aug.Compose([aug.VerticalFlip(p=1)]), 0, split)
    assert kind == "light" or (harmed == truth).mean() < (first == truth).mean()
    assert not np.array_equal(harmed, first)


@needs("torch", "torchvision", "lightning")
def test_a_network_of_the_table_learns_and_repeats():
    train, split, truth = (
        Cnn("lenet5", epochs=8, rate=0.003, batch_size=16),
        DATA.part("validation"),
        DATA.truth("validation"),
    )
    import torch

    before = torch.random.get_rng_state()
    first = train(aug.Compose([aug.Shift()]), 0, split)
    assert (first == truth).mean() > 0.5
    assert (train(aug.Compose([aug.Shift()]), 0, split) == first).all()
    assert (torch.random.get_rng_state() == before).all()


def test_networks_go_by_name():
    assert torch_learner("lenet5", 3) == Torch(lenet5, 3)
    assert torch_learner("resnet18", 3, 64) == Cnn("resnet18", 3, size=64)
    with pytest.raises(ArgumentError, match=r"no model 'resnet19'.*resnet18"):
        torch_learner("resnet19", 3)
