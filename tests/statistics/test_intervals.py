"""Exact intervals, the interval of a part, and how many outcomes would decide: against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from augsafe.statistics import bounds, clopper_pearson, effective, exceeds, interval_of_part, needed
from augsafe.statistics.intervals import smallest


@given(st.integers(1, 300), st.floats(0, 1))
def test_bounds_are_those_of_scipy(n, share):
    hits = round(n * share)
    low, high = bounds(np.array([hits / n]), np.array([float(n)]))
    over = binomtest(hits, n, alternative="greater").proportion_ci(0.95)
    under = binomtest(hits, n, alternative="less").proportion_ci(0.95)
    assert low[0] == pytest.approx(over.low, abs=1e-9) and high[0] == pytest.approx(under.high, abs=1e-9)
    assert clopper_pearson(hits, n) == pytest.approx(binomtest(hits, n).proportion_ci(0.95, method="exact"), abs=1e-9)
    p = binomtest(hits, n, 0.25, alternative="greater").pvalue
    assert exceeds(np.array([hits / n]), np.array([float(n)]), 0.25)[0] == pytest.approx(p, abs=1e-9)


def test_nothing_says_nothing():
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_a_part_of_all_hits_is_counted_itself():
    assert interval_of_part(30, 400, 400, 5000) == clopper_pearson(30, 5000)


@given(st.integers(1, 100), st.integers(0, 300), st.integers(0, 5000), st.integers(0, 5000))
def test_the_interval_of_a_part_holds_its_rate(part, others, unseen, clean):
    looked, hits, n = part + others, part + others + unseen, part + others + unseen + clean
    low, high = interval_of_part(part, looked, hits, n)
    rate = hits / n * part / looked
    assert 0 < low <= rate <= high <= 1


def test_what_was_not_looked_at_widens_the_interval():
    """Half of 30,000 hits in 40,000, told from 1,000 of them: as sure as that half is, and not as its product."""
    low, high = interval_of_part(500, 1000, 30_000, 40_000)
    exact, scaled_up = interval_of_part(15_000, 30_000, 30_000, 40_000), clopper_pearson(15_000, 40_000)
    assert exact == scaled_up
    share = clopper_pearson(500, 1000)
    assert high - low > 4 * (exact[1] - exact[0])
    assert high - low == pytest.approx(0.75 * (share[1] - share[0]), rel=0.05)


def test_the_number_needed_decides_and_one_fewer_does_not():
    for rate in (0.0, 0.1, 0.4, 0.9):
        n = needed(rate, 0.25)
        for count, decides in ((n, True), (n - 1, False)):
            low, high = bounds(np.array([rate]), np.array([float(count)]))
            assert (low[0] > 0.25 or high[0] < 0.25) == decides
    assert needed(0.25, 0.25) is None


def test_the_smallest_that_is_enough():
    assert smallest(lambda n: n >= 17) == 17
    assert smallest(lambda n: True) == 1
    assert smallest(lambda n: n >= 11, most=10) is None


def test_copies_in_a_group_are_worth_about_one_image():
    values = np.random.default_rng(0).random((100, 1)) < 0.4
    copies, groups = np.repeat(values, 5, axis=0), np.repeat(np.arange(100), 5)
    assert 85 < effective(copies, groups)[0] < 110
    assert effective(copies, np.arange(500))[0] == 500
    assert effective(np.zeros((20, 1), bool), np.repeat(np.arange(4), 5))[0] == 4


def test_grouped_bounds_hold_their_level():
    rng = np.random.default_rng(0)
    wrong, careless = 0, 0
    for _ in range(400):
        rates = rng.beta(1, 3, 40)  # each group has a rate of its own, 0.25 in the mean
        values = (rng.random((40, 6)) < rates[:, None]).reshape(-1, 1)
        groups = np.repeat(np.arange(40), 6)
        for worth, miss in ((effective(values, groups), "wrong"), (np.array([240.0]), "careless")):
            missed = int(bounds(values.mean(axis=0), worth)[0][0] > 0.25)
            if miss == "wrong":
                wrong += missed
            else:
                careless += missed
    assert binomtest(wrong, 400, 0.05, alternative="greater").pvalue > 0.01
    assert binomtest(careless, 400, 0.05, alternative="greater").pvalue < 0.01  # and the test can tell
