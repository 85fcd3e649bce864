"""The ready learners learn, are the same for the same seed, and see the policy."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.ablation import Light
from augsafe.ablation.learners import Keras, Torch, lenet5
from augsafe.ablation.split import split_data
from augsafe.demo import digits

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
