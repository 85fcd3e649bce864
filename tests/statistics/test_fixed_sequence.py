"""p-values against other ways to work them out, and the walk as a rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from augsafe.calibration.certify import Bar
from augsafe.statistics import Tally, certified, needed_to_certify, p_value, tally


@given(n=st.integers(1, 300), share=st.floats(0, 1), limit=st.floats(0.01, 0.5))
def test_single_outcomes_give_the_exact_binomial_test(n: int, share: float, limit: float) -> None:
    hits = round(share * n)
    p = p_value(Tally(hits / n, n, True), limit)
    if hits / n < limit:
        assert p == pytest.approx(binomtest(hits, n, limit, alternative="less").pvalue)
    else:
        assert p == 1


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("n", [20, 60, 117])
def test_under_the_hypothesis_p_is_small_no_more_often_than_it_says(single: bool, n: int) -> None:
    """All counts at once: the chance of p <= level, with the rate at its limit, summed over the binomial."""
    limit = 0.1
    counts = np.arange(n + 1)
    p = np.array([p_value(Tally(k / n, n, single), limit) for k in counts])
    weight = binom.pmf(counts, n, limit)
    for level in (0.001, 0.01, 0.025, 0.05, 0.2):
        assert weight[p <= level].sum() <= level + 1e-12


def test_a_p_value_that_is_too_small_is_caught() -> None:
    n, limit = 60, 0.1
    p = np.array([p_value(Tally(k / n, n, True), limit) / 3 for k in range(n + 1)])
    assert binom.pmf(np.arange(n + 1), n, limit)[p <= 0.05].sum() > 0.05


def test_means_of_groups_give_a_larger_p_than_single_outcomes() -> None:
    assert p_value(Tally(0.02, 100, False), 0.1) > p_value(Tally(0.02, 100, True), 0.1)
    # with none lost both are the chance of none lost
    assert p_value(Tally(0, 100, False), 0.1) == pytest.approx(p_value(Tally(0, 100, True), 0.1)) == 0.9**100


def test_means_between_whole_counts_hold_too() -> None:
    """Bounded means that are not counts: half of the groups' images are lost together."""
    rng = np.random.default_rng(0)
    events = rng.beta(0.2, 1.8, (4000, 50))  # means of 0.1 in [0, 1]
    p = np.array([p_value(Tally(float(m), 50, False), 0.1) for m in events.mean(axis=1)])
    assert (p <= 0.05).mean() <= 0.05


def test_one_outcome_a_group() -> None:
    events = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    seen = tally(events, np.array([0, 0, 0, 1, 2, 2, 3, 3]))
    assert seen == Tally(0.25, 4, False)  # three lost images of one group are one lost group
    assert tally(events, np.arange(8)) == Tally(0.375, 8, True)
    assert tally(events[:0], np.arange(0)).n == 0


def test_the_walk_ends_at_the_first_scale_that_is_not_rejected() -> None:
    assert certified(np.array([0.01, 0.02, 0.2, 0.001]), 0.05) == 2
    assert certified(np.array([0.2, 0.001]), 0.05) == 0
    assert certified(np.array([0.01, np.nan]), 0.05) == 1


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.03])
def test_the_number_needed_decides_and_fewer_do_not(rate: float) -> None:
    n = needed_to_certify(rate, 0.05, 0.01)
    assert n is not None
    assert binom.cdf(np.floor(rate * n), n, 0.05) <= 0.01
    assert binom.cdf(np.floor(rate * 0.8 * n), round(0.8 * n), 0.05) > 0.01
    assert needed_to_certify(0.06, 0.05, 0.01) is None


def test_unfamiliar_draws_block_a_certificate() -> None:
    bar, none, many = Bar(0.05, 0.1), Tally(0.0, 200, True), Tally(0.3, 200, True)
    assert bar.p(none, none) < 0.001
    assert bar.p(none, many) == 1
