"""SafeTrivialAugment: safe by the contract, a plain step in files, and under the laws."""

from __future__ import annotations

import jsonschema
import numpy as np
import pytest
import yaml

import augsafe as aug
from augsafe.calibration.scaling import directions
from augsafe.calibration.trivial import _apart
from augsafe.contracts import Limits, Relation
from augsafe.errors import ArgumentError, ContractError
from augsafe.policies.schema import policy_schema
from tests.calibration.test_procedure import problem, run
from tests.laws.cases import law_input_kept, law_keyed, law_kind_kept, law_targets_agree, noise

each_contract = pytest.mark.parametrize("name", aug.Contract.builtin_names())


@each_contract
def test_what_a_contract_allows_is_safe_by_that_contract(name):
    policy = aug.Compose([aug.SafeTrivialAugment(contract=name)])
    report = aug.check(policy, contract=name)
    assert report.ok and not report.count("warning"), str(report)


def test_wider_than_the_contract_allows_is_caught():
    step = aug.SafeTrivialAugment(contract="mnist")
    wider = [aug.Rotate((-40, 40)), *step.children[1:]]
    assert not aug.check(aug.Compose([aug.OneOf(tuple(wider))]), contract="mnist").ok


def test_flips_only_where_every_class_keeps():
    labels = [c.label for c in aug.SafeTrivialAugment(contract="mnist").children]
    assert not {"HorizontalFlip", "VerticalFlip", "Rotate90"} & set(labels)
    eight = aug.SafeTrivialAugment(contract="mnist", classes=["8"])
    assert {"HorizontalFlip", "VerticalFlip"} <= {c.label for c in eight.children}
    by_class = aug.PerClass({d: aug.SafeTrivialAugment(contract="mnist", classes=[d]) for d in "0123456789"})
    assert aug.check(by_class.policy_for("3"), contract="mnist").verdict(None, "3") == "safe"
    assert {"HorizontalFlip", "Rotate90"} <= {c.label for c in aug.SafeTrivialAugment(contract="texture").children}


def test_one_operation_an_image_all_alike_and_none_among_them():
    step = aug.SafeTrivialAugment(contract="mnist")
    compose = aug.Compose([step])
    plan = compose.plan(np.full((20_000, 2), 28), np.arange(20_000), seed=1)
    acts = np.stack([plan.draws.active[leaf.label] for leaf in compose.leaves])
    assert (acts.sum(axis=0) <= 1).all()
    shares = np.append(acts.mean(axis=1), 1 - acts.any(axis=0).mean())
    np.testing.assert_allclose(shares, 1 / len(shares), atol=0.015)
    angles = plan.draws.values["Rotate"]["angle"][acts[0]]
    assert np.quantile(angles, [0.25, 0.5, 0.75]) == pytest.approx([-15, 0, 15], abs=2.5)


def steps() -> dict[str, aug.OneOf]:
    given = problem()
    found = run([aug.Rotate((-40, 40)), aug.Shift((-0.1, 0.1), (-0.05, 0.05)), aug.Brightness()], given, grid=2)
    return {
        "contract": aug.SafeTrivialAugment(contract="texture"),
        "calibration": aug.SafeTrivialAugment(
            calibration=found if found.certified else run(aug.Rotate((-40, 40)), given)
        ),
    }


@pytest.mark.parametrize("name", ["contract", "calibration"])
def test_files_schema_and_laws(name):
    step = steps()[name]
    compose = aug.Compose([step])
    assert aug.Compose.from_yaml(compose.to_yaml()) == compose
    jsonschema.validate(yaml.safe_load(compose.to_yaml()), policy_schema())
    assert compose.steps[0].label == "SafeTrivialAugment"
    for seed in range(12):
        law_keyed(compose, [noise((9, 13, 3), seed=k) for k in range(4)], [5, 0, 900, 5], seed)
        law_input_kept(compose, noise((9, 13)), seed)
        law_kind_kept(compose, noise((9, 13, 3), "float32"), seed)
        law_targets_agree(step, seed)
    sample = compose(noise((9, 13)))
    np.testing.assert_array_equal(
        compose.apply(compose.replay(sample.plan.record()), 0, noise((9, 13))).image, sample.image
    )


def test_the_ranges_of_a_calibration_are_those_it_certified():
    found = run([aug.Rotate((-40, 40)), aug.Shift((-0.02, 0.02), (-0.02, 0.02))], problem())
    step = aug.SafeTrivialAugment(calibration=found)
    rotate, across, down = step.children
    assert rotate.angle == found.compose.step("Rotate").angle
    assert (across.x, across.y) == (found.compose.step("Shift").x, (0.0, 0.0))
    assert (down.x, down.y) == ((0.0, 0.0), found.compose.step("Shift").y)


def test_a_flip_is_chosen_no_more_often_than_it_was_certified_to_act():
    contract = aug.Contract(("a", "b"), {("*", "hflip"): Relation("same")}, {"*": Limits(rotation=20)})
    found = run([aug.HorizontalFlip(p=0.1), aug.Rotate((-10, 10))], problem(contract=contract))
    assert found.scale == 1
    step = aug.SafeTrivialAugment(calibration=found)
    chances = {c.label: step.p * s for c, s in zip(step.children, step.shares, strict=True)}
    assert chances == pytest.approx({"HorizontalFlip": 0.1, "Rotate": 1 / 3}, abs=1e-5)


def test_a_range_is_chosen_no_more_often_than_it_was_certified_to_act():
    found = run(aug.Rotate((-90, 90), p=0.002), problem())  # harmful, and rare enough
    assert found.scale == 1
    step = aug.SafeTrivialAugment(calibration=found)
    assert step.p == pytest.approx(0.002)


def test_what_only_says_how_a_step_acts_is_no_operation():
    steps = [aug.Erase((0.01, 0.05), (0.5, 2), p=0.3), aug.MotionBlur((1, 3))]
    assert {(d.step, d.parameter) for d in directions(aug.Compose(steps), 3)} == {
        ("Erase", "area"),
        ("MotionBlur", "length"),
    }
    ops = {type(op).__name__: (op, most) for op, most in _apart(aug.Compose(steps))}
    assert ops["Erase"] == (aug.Erase((0.01, 0.05), (0.5, 2)), 0.3)
    assert ops["MotionBlur"] == (aug.MotionBlur((1, 3)), 1.0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ArgumentError, "contract= or calibration="),
        ({"contract": "mnits"}, ContractError, "mnist"),
        ({"contract": 3}, ArgumentError, "got 3"),
        ({"calibration": "policy.yaml"}, ArgumentError, "calibrate"),
        ({"contract": "mnist", "classes": "8"}, ArgumentError, "list of class names"),
        ({"contract": "mnist", "classes": ["x"]}, ContractError, "no class 'x'"),
    ],
)
def test_bad_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        aug.SafeTrivialAugment(**arguments)


def test_a_calibration_that_certified_nothing_gives_no_step():
    with pytest.raises(ArgumentError, match="certified no strength"):
        aug.SafeTrivialAugment(calibration=run(aug.Rotate((-10, 10)), problem(40)))
