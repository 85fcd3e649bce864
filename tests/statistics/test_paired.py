"""The statistics against scipy, statsmodels and brute force, and against problems whose truth is known."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from augsafe.ablation.analysis import Scores
from augsafe.statistics import crossed, holm, needed_seeds, seeds_to_decide, shapley, sign_flip


def brute(d):
    total = abs(d.sum())
    return np.mean([abs(np.dot(s, d)) >= total - 1e-9 for s in product((-1, 1), repeat=len(d))])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_sign_flip_is_the_list_of_all_signs(values):
    d = np.array(values) / 7.0
    assert sign_flip(d[:, None])[0] == pytest.approx(brute(d))


def test_sign_flip_is_scipys():
    d = np.random.default_rng(1).normal(0.4, 1, 10)
    theirs = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(d[:, None])[0] == pytest.approx(theirs)


def test_many_seeds_are_drawn_and_close_to_the_exact_value():
    d = np.random.default_rng(2).normal(0.35, 1, 24)
    theirs = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=100_000, rng=3).pvalue
    assert sign_flip(d[:, None])[0] == pytest.approx(theirs, abs=0.006)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p):
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize(("rows", "seeds"), [(1, 6), (8, 9), (28, 11)])
def test_needed_seeds(rows, seeds):
    assert needed_seeds(rows) == seeds
    best = np.ones((seeds, 1))
    assert sign_flip(best)[0] * rows <= 0.05 < sign_flip(best[:-1])[0] * rows


def test_shapley_is_the_mean_over_orders():
    rng = np.random.default_rng(0)
    values = {frozenset(c for c in range(4) if m >> c & 1): rng.normal(size=3) for m in range(16)}
    expected = np.zeros((4, 3))
    for row in permutations(range(4)):
        for i, player in enumerate(row):
            before = frozenset(row[:i])
            expected[player] += (values[before | {player}] - values[before]) / 24
    found = shapley(4, values.__getitem__)
    assert found == pytest.approx(expected)
    assert found.sum(axis=0) == pytest.approx(values[frozenset(range(4))] - values[frozenset()])


def drawn(rng, seeds=8, images=60, mean=0.0):
    return mean + rng.normal(0, 0.5, (seeds, 1)) + rng.normal(0, 0.5, (1, images)) + rng.normal(0, 1, (seeds, images))


def test_the_crossed_interval_covers_and_one_over_images_alone_does_not():
    rng = np.random.default_rng(5)
    tables = [drawn(rng, mean=0.3) for _ in range(400)]
    inside = sum(low <= 0.3 <= high for low, high in (crossed(d).interval() for d in tables))
    careless = sum(abs(d.mean() - 0.3) <= 1.96 * d.std() / np.sqrt(d.size) for d in tables)
    assert stats.binomtest(inside, 400, 0.95, alternative="less").pvalue > 0.01
    assert stats.binomtest(careless, 400, 0.95, alternative="less").pvalue < 0.01


def test_seeds_to_decide_do_decide():
    rng = np.random.default_rng(6)
    d = rng.normal(0.3, 0, (6, 1)) + rng.normal(0, 0.5, (6, 1)) + rng.normal(0, 0.3, (6, 200))
    n = seeds_to_decide(d, 4)
    assert n is not None and n > 6
    effect, sd = d.mean(), d.mean(axis=1).std(ddof=1)
    again = [sign_flip(rng.normal(effect, sd, (n, 1)))[0] * 4 <= 0.05 for _ in range(40)] if n <= 20 else [True]
    assert np.mean(again) > 0.5
    assert seeds_to_decide(np.zeros((6, 9)), 4) is None


def test_a_column_for_each_group():
    right = {"none": np.array([[1.0, 0, 1, 1], [np.nan] * 4])}
    found = Scores(right, np.array([0, 1, 0, 1]), ("a", "b"), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(found.pooled().right["none"][0], [0.5, 1.0])
    assert np.isnan(found.pooled().right["none"][1]).all()
    by_class = found.pooled(by_class=True)
    np.testing.assert_allclose(by_class.right["none"][0], [1, 0, 1, 1])
    assert by_class.labels.tolist() == [0, 1, 0, 1]
