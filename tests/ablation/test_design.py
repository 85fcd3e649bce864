"""Designs hold the policies and ask the questions that they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import augsafe as aug
from augsafe.ablation.design import NONE, make, scaled, screening

STEPS = [aug.Rotate((-10, 10)), aug.Shift(), aug.Zoom((0.5, 2.0)), aug.HorizontalFlip()]
POLICY = aug.Compose(STEPS)
COUNTS = {"one-at-a-time": (5, 4), "leave-one-out": (6, 4), "pairs": (11, 16), "factorial": (16, 10)}


def truth(names):
    """Accuracy in a made-up world: effects 3, -2, 0, 1 and an interaction of the first two of 5."""
    alone = dict(zip([s.label for s in POLICY.steps], (3, -2, 0, 1), strict=True))
    return sum(alone[n] for n in names) + 5 * ({"Rotate", "Shift"} <= set(names))


def asked(question, policies):
    return sum(w * truth([s.label for s in policies[name].steps]) for name, w in question.weights)


@pytest.mark.parametrize("kind", COUNTS)
def test_sizes(kind):
    design = make(POLICY, kind)
    assert (len(design.policies), len(design.questions)) == COUNTS[kind]
    for q in design.questions:
        assert sum(w for _, w in q.weights) == pytest.approx(0)


def test_questions_answer_what_they_say():
    def found(kind):
        return {q.name: asked(q, d.policies) for d in [make(POLICY, kind)] for q in d.questions}

    assert found("one-at-a-time") == {"Rotate": 3, "Shift": -2, "Zoom": 0, "HorizontalFlip": 1}
    assert found("leave-one-out") == {"Rotate": 8, "Shift": 3, "Zoom": 0, "HorizontalFlip": 1}
    pairs = found("pairs")
    assert pairs["Rotate x Shift"] == 5 and pairs["Rotate x Zoom"] == 0 and pairs["Rotate + Shift"] == 6
    factorial = found("factorial")
    assert factorial["Rotate"] == pytest.approx(5.5) and factorial["Rotate x Shift"] == pytest.approx(5)
    assert factorial["Shift x Zoom"] == pytest.approx(0)


@pytest.mark.parametrize("k", range(3, 17))
def test_screening_is_of_resolution_four(k):
    x = np.where(screening(k), 1, -1)
    assert (x.T @ x == len(x) * np.eye(k)).all()
    for a, b in combinations(range(k), 2):
        assert (x.T @ (x[:, a] * x[:, b]) == 0).all()
    assert len(x) < 2**k or k <= 4


def test_screening_sees_main_effects_past_the_interaction():
    design = make(POLICY, "screen")
    assert {q.name: asked(q, design.policies) for q in design.questions}["Zoom"] == pytest.approx(0)


def test_unchanged_steps_keep_their_draws():
    design = make(POLICY, "leave-one-out")
    shapes, rows = [(20, 20)] * 50, range(50)
    angles = [
        p.plan(shapes, rows, seed=3).draws.values["Rotate"]["angle"]
        for p in design.policies.values()
        if any(s.label == "Rotate" for s in p.steps)
    ]
    assert len(angles) > 2 and all((a == angles[0]).all() for a in angles)


def test_strength_shrinks_towards_what_changes_nothing():
    assert scaled(aug.Rotate((-10, 20)), 0.5).angle == (-5, 10)
    assert scaled(aug.Zoom((0.25, 4.0)), 0.5).factor == pytest.approx((0.5, 2.0))
    assert scaled(aug.HorizontalFlip(p=0.5), 0.5).p == 0.25
    assert scaled(aug.Posterize((3, 8)), 0.5).bits == (6, 8), "whole numbers stay whole"
    design = make(POLICY, "strengths", (0.5, 1.0))
    assert len(design.questions) == 8 and NONE in design.policies


@pytest.mark.parametrize(
    ("steps", "kind", "words"),
    [
        (STEPS, "half", "one-at-a-time"),
        ([], "factorial", "at least one step"),
        (STEPS[:1], "pairs", "at least 2 steps"),
        ([aug.Rotate((0, i + 1)) for i in range(11)], "factorial", "use design='screen'"),
    ],
)
def test_bad_designs(steps, kind, words):
    with pytest.raises(aug.ArgumentError, match=words):
        make(aug.Compose(steps), kind)
