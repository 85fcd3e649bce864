"""AS404: policies by class that differ in what can be seen of them are told apart, and others are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.guards.measured import leaks as leak_module

COMMON = [aug.Shift(), aug.Rotate((-15, 15)), aug.Brightness()]


def leak(one, other, **options):
    policies = aug.PerClass({"6": aug.Compose(one), "*": aug.Compose(other)})
    return aug.label_leak(policies, ["6", "8", "9"], **{"size": (32, 32), "draws": 1000, **options})


DIFFERENT = {
    "rotation": ([aug.Rotate((-5, 5))], [aug.Rotate((-40, 40))]),
    "zoom": ([aug.Zoom((0.9, 1.1))], [aug.Zoom((0.6, 0.8))]),
    "brightness": (COMMON, [*COMMON[:2], aug.Brightness((0.5, 0.8))]),
    "colour": (COMMON, [*COMMON, aug.Saturation((0, 0.5))]),
    "blur": (COMMON, [*COMMON, aug.GaussianBlur((1, 2), p=0.5)]),
    "borders": ([aug.Shift(x=(-0.05, 0.05))], [aug.Shift(x=(-0.4, 0.4))]),
    "nothing for one": ([], COMMON),
}
ALIKE = {
    "the same": (COMMON, COMMON),
    "flips": ([*COMMON, aug.HorizontalFlip()], [*COMMON, aug.Rotate90(), aug.VerticalFlip()]),
    "flips alone": ([], [aug.HorizontalFlip()]),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_traces_that_differ_give_the_class_away(case):
    found = leak(*DIFFERENT[case])
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("AS404", "warning")
    assert set(finding.classes) <= {"6", "8", "9"} and finding.classes
    assert found.interval[0] > found.chance + 0.05 and "AS404" in str(found)


@pytest.mark.parametrize("case", ALIKE)
def test_policies_that_leave_the_same_traces_are_not_recognised(case):
    found = leak(*ALIKE[case])
    assert found.ok and found.interval[0] < found.chance < found.interval[1], str(found)


def test_guessing_is_all_that_is_left_where_policies_are_the_same():
    """The share recognised is binomial with chance 1/3: neither learned by heart nor won by ties."""
    policies = aug.PerClass({name: aug.Compose(COMMON) for name in "abc"})
    shares = [aug.label_leak(policies, draws=300, seed=seed, size=(32, 32)) for seed in range(4)]
    hits = sum(round(s.accuracy * s.draws) for s in shares)
    assert binomtest(hits, sum(s.draws for s in shares), 1 / 3).pvalue > 0.01


def test_judging_what_was_learned_from_would_be_seen(monkeypatch):
    """Negative control: a classifier that is judged on its own training plans tells equal policies apart."""
    learned = leak_module._recognised

    def by_heart(seen):
        return learned([np.concatenate([x[: len(x) // 2]] * 2) for x in seen])

    monkeypatch.setattr(leak_module, "_recognised", by_heart)
    assert not leak(*ALIKE["the same"]).ok


def test_a_distortion_leaves_the_trace_of_resampling():
    policy = aug.Compose([aug.ElasticDistortion((0.02, 0.02), p=0.5)])
    plan = policy.plan([(32, 32)] * 40, np.arange(40), 0)
    assert (leak_module.traces(policy, plan, ())[:, 0] == plan.draws.active["ElasticDistortion"]).all()


def test_the_witness_replays():
    policies = aug.PerClass({"6": aug.Compose([aug.Rotate((-5, 5))]), "*": aug.Compose([aug.Rotate((-40, 40))])})
    witness = aug.label_leak(policies, ["6", "8"], draws=400).findings[0].witness
    plans = [p.replay(witness.record) for p in policies.policies.values() if p.to_dict() == witness.record["policy"]]
    assert len(plans) == 1 and (plans[0].matrix[0] == witness.matrix).all()


def test_what_cannot_leak_and_what_is_refused():
    alone = aug.label_leak(aug.PerClass({"*": aug.Compose(COMMON)}), ["a", "b"])
    assert alone.ok and alone.chance == 1
    with pytest.raises(ArgumentError, match="needs a PerClass"):
        aug.label_leak(aug.Compose(COMMON))
    with pytest.raises(ArgumentError, match="label_leak"):
        aug.check(aug.PerClass({"*": aug.Compose(COMMON)}), contract="mnist")
    with pytest.raises(ArgumentError, match="at least 100"):
        leak(*ALIKE["the same"], draws=10)
