"""AS403: planted harm is found, over all images and in one class; what does nothing is not reported."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import binomtest

import augsafe as aug
from augsafe.ablation import damage
from augsafe.ablation.analysis import Scores, answer
from augsafe.ablation.design import Question
from augsafe.demo import digits
from augsafe.errors import ArgumentError
from augsafe.guards import GUARDS
from benchmarks.planted import Planted, labels_of, problem

NEUTRAL = aug.Compose([aug.Brightness((0.999, 1.001))])  # what it does is up to the planted learner
IMAGES, LABELS = problem(900)


@dataclass(frozen=True)
class SpoilsOne:
    """Gets a third of the last class wrong when it learned with the policy."""

    def __call__(self, policy, seed, split):
        said = labels_of(split.targets)
        if policy.steps:
            said[(said == 2) & (np.random.default_rng(seed).random(len(said)) < 1 / 3)] = 0
        return said


def test_planted_harm_is_found():
    found = aug.damage(NEUTRAL, IMAGES, LABELS, train=Planted({"Brightness": -0.1}))
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.classes) == ("AS403", "info", tuple("012"))
    assert finding.severity == GUARDS["AS403"].severity
    assert found.benefit.verdict == "harms"
    assert found.benefit.interval[0] < -0.1 < found.benefit.interval[1]
    assert found.affinity.effect == pytest.approx(0, abs=0.02)  # the images are the same
    assert "damages learning" in str(found) and "keeps the class" in finding.message


def test_harm_in_one_class_is_named():
    found = aug.damage(NEUTRAL, IMAGES, LABELS, train=SpoilsOne())
    (finding,) = found.findings
    assert finding.classes == ("2",)
    assert finding.per_class["2"] == pytest.approx(-1 / 3, abs=0.05)
    assert next(iter(found.benefit.per_class)) == "2"  # worst first


def test_what_does_nothing_is_seldom_reported(monkeypatch):
    monkeypatch.setitem(
        damage.__globals__, "judge", lambda *_: {"policy": "safe"}
    )  # the slow part, which is not in question
    false = sum(bool(aug.damage(NEUTRAL, IMAGES, LABELS, train=Planted(world=w)).findings) for w in range(40))
    # two ways to a claim at 5 % each: over all images and over classes
    assert binomtest(false, 40, 0.1, alternative="greater").pvalue > 0.01


def test_what_helps_is_not_damage():
    found = aug.damage(NEUTRAL, IMAGES, LABELS, train=Planted({"Brightness": 0.1}))
    assert found.benefit.verdict == "helps" and not found.findings


def test_real_digits():
    images, labels = digits()
    images, labels = images[:600], labels[:600]
    negative = aug.damage(aug.Invert(p=0.5), images, labels, contract="mnist")
    assert [f.code for f in negative.findings] == ["AS403"]
    assert negative.guard == "safe" and "it keeps the class" in negative.findings[0].message
    assert negative.affinity.effect < -0.3  # negatives look different, and can be learned
    assert negative.recoverability.effect > negative.affinity.effect + 0.3
    mild = aug.damage(aug.Shift((-0.05, 0.05), (-0.05, 0.05)), images, labels, contract="mnist")
    assert not mild.findings and mild.guard == "safe"


def test_images_of_one_group_count_as_one():
    """The interval holds its level where groups differ and images of one are alike; without groups it does not."""
    rng = np.random.default_rng(0)
    groups, labels = np.repeat(np.arange(12), 20), np.tile([0, 1], 120)
    (question,) = (Question("benefit", "policy", (), (("with", 1.0), ("without", -1.0)), "benefit"),)
    missed = {"groups": 0, "images": 0}
    for _ in range(200):
        effect = rng.normal(0, 0.1, 12)[groups]  # none on average
        right = {k: (rng.random((7, 240)) < 0.8 + s * effect / 2) * 1.0 for k, s in (("with", 1), ("without", -1))}
        found = Scores(right, labels, ("a", "b"))
        for name, scored in (("groups", replace(found, groups=groups)), ("images", found)):
            (row,) = answer(scored, [question])
            missed[name] += not row.interval[0] <= 0 <= row.interval[1]
            assert set(row.per_class) == {"a", "b"}
    assert binomtest(missed["groups"], 200, 0.05, alternative="greater").pvalue > 0.01
    assert missed["images"] > 30


def test_training_without_the_policy_keeps_its_settings():
    images, labels = digits()
    policy = aug.Compose([aug.Shift((-0.05, 0.05), (-0.05, 0.05))], value_range=(0, 255))
    images, labels = images[:300].astype(np.float32), labels[:300]
    found = aug.damage(policy, images, labels, seeds=2, groups=np.arange(300) // 2)
    assert found.accuracy["clean to clean"] > 0.5


def test_wrong_use_is_named():
    def broken(policy, seed, split):
        raise RuntimeError("no memory")

    with pytest.raises(ArgumentError, match="no memory"):
        aug.damage(NEUTRAL, IMAGES, LABELS, train=broken)
    with pytest.raises(ArgumentError, match="seeds"):
        aug.damage(NEUTRAL, IMAGES, LABELS, seeds=1)
    with pytest.raises(ArgumentError, match="seed must be"):
        aug.damage(NEUTRAL, IMAGES, LABELS, seed=-1)
    with pytest.raises(ArgumentError, match="train"):
        aug.damage(NEUTRAL, IMAGES, LABELS, train="light")
