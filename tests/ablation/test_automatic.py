"""A small fixed sample of benchmarks/automatic.py."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import augsafe as aug
from augsafe.ablation import Light
from benchmarks.automatic import compare, interval, policies, problems, some


@cache  # the digits are read from a long text
def problem_of(name):
    return next(p for p in problems(None, 80) if p.name == name)


@pytest.mark.parametrize("name", ["digits", "glyphs"])
def test_a_table_has_a_row_for_each_policy(name):
    problem = problem_of(name)
    few = replace(problem, train=min(problem.train, 15))
    rows = compare(few, Light(copies=1, features=100), seeds=2)
    assert [row[0] for row in rows] == list(policies(problem))
    assert float(rows[0][1].split()[0]) > 100 / len(problem.classes)  # better than chance
    assert all(verdict.startswith("no evidence") for _, _, _, verdict in rows[1:])  # two seeds carry no claim


@pytest.mark.parametrize("name", ["digits", "glyphs"])
def test_the_safe_one_is_safe_and_the_wide_one_is_not(name):
    problem = problem_of(name)
    made, contract = policies(problem), aug.Contract.builtin(problem.contract).with_classes(problem.classes)
    errors = {
        key: [f.code for f in aug.check(policy, contract=contract, suggest=False).findings if f.severity == "error"]
        for key, policy in made.items()
    }
    assert not errors["SafeTrivialAugment"]
    assert errors["TrivialAugmentWide"]


def test_a_part_is_balanced_and_fixed():
    digits = problem_of("digits")
    images, labels = some(digits.images, digits.labels, 7)
    assert np.bincount(labels).tolist() == [7] * 10
    assert (some(digits.images, digits.labels, 7)[0] == images).all()


def test_an_interval_is_students():
    assert interval(np.array([0.5, 0.7])) == "60.0 +- 127.1"
