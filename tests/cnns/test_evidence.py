"""A small fixed sample of benchmarks/cnns.py: what the check said before is what the network then gets wrong."""

from __future__ import annotations

import numpy as np
import pytest

from augsafe.cnns import Options, Transfer
from benchmarks.cnns import (
    HALF_TURN,
    WAYS,
    TransferPlan,
    few,
    gain,
    learn_digits,
    mnist,
    safe_policy,
    torch_steps,
    transfers,
)  # fmt: skip
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
SMALL = Options(epochs=8, batch_size=32, rate=0.003, patience=30, workers=0, device="cpu")


def test_half_turns_cost_the_six_and_the_nine(tmp_path):
    found, before = {}, {}
    for name, policy in (("safe", safe_policy()), ("turned", safe_policy(HALF_TURN))):
        result = learn_digits(policy, tmp_path / name, SMALL, most=1000, guards=None)
        scores = result.per_class()
        found[name] = np.mean([scores[d].recall for d in (6, 9)]), np.mean([scores[d].recall for d in (0, 1, 8)])
        before[name] = {c: to for f in result.before for c, to in f["becomes"].items()}
    assert before == {"safe": {}, "turned": {"6": "9", "9": "6"}}
    assert found["safe"][0] > 0.85
    assert found["turned"][0] < found["safe"][0] - 0.25  # half of them are shown as the other
    assert found["turned"][1] > 0.75  # what a half turn leaves as it is does not suffer so


def test_two_steps_as_the_benchmark_takes_them():
    done = torch_steps("resnet18", 32)
    assert done.parameters == 11_181_642
    assert len(done.losses) == 2 and np.isfinite(done.losses).all()


def test_few_images_are_so_many_of_each_class():
    _, labels = mnist()
    rows = few(labels, 7, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [7] * 10
    assert len(set(rows.tolist())) == 70


def test_a_gain_has_its_interval():
    middle, low, high = gain([0.8, 0.7, 0.9, 0.8], [0.6, 0.6, 0.7, 0.6])
    assert middle == pytest.approx(0.175)
    assert 0 < low < middle < high
    middle, low, high = gain([0.8, 0.5, 0.9, 0.4], [0.6, 0.6, 0.7, 0.6])
    assert low < 0 < high


def test_transfer_as_the_benchmark_does_it():
    plan = TransferPlan(before=150, before_epochs=1, per_class=2, seeds=(0,), epochs=3, tested=50)
    ways = {name: WAYS[name] for name in ("from scratch", "the head alone")}
    found = transfers(plan, ways | {"all": (Transfer(None, head_epochs=1, lower=1.0), 0.003)})
    assert list(found) == [*ways, "all"]
    assert all(len(values) == 1 and 0 <= values[0] <= 1 for values in found.values())
