"""Bounds of rates over clusters: exact where clusters agree, monotone, and never wrong too often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from augsafe.statistics import cluster_bounds, clusters, grouped_bounds, p_at_least
from benchmarks.coverage.worst import Kinds, worst

counted = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=30)


def split(pairs):
    bad, good = np.array(pairs, np.int64).T
    return bad, bad + good


def test_clusters_that_agree_are_single_outcomes():
    for hits, n in ((0, 50), (7, 50), (50, 50)):
        bad = 32 * (np.arange(n) < hits)
        exact = binomtest(hits, n).proportion_ci(0.95, method="exact")
        assert cluster_bounds(bad, np.full(n, 32)) == pytest.approx(exact)
    assert cluster_bounds(np.zeros(0, np.int64), np.zeros(0, np.int64)) == (0.0, 1.0)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 3000])
@pytest.mark.parametrize("level", [0.9, 0.975, 0.9999])
def test_the_integral_is_the_beta_distribution_where_that_is_known(n, level):
    for hits in {0, n // 3, n - 1}:
        found = clusters._upper((np.arange(n) < hits).astype(np.int64), np.ones(n, np.int64), level)
        assert found == pytest.approx(beta.ppf(level, hits + 1, n - hits), abs=2e-7)


def test_the_bounds_are_quantiles_over_random_weights():
    rng = np.random.default_rng(0)
    bad, drawn = rng.binomial(9, rng.beta(0.5, 3, 25)), rng.integers(9, 20, 25)
    weights = rng.exponential(size=(400_000, 26))
    for extra, end in ((20, 1), (0, 0)):
        most = drawn.max()
        share = (weights @ np.append(bad, min(extra, most))) / (weights @ np.append(drawn, most))
        found = cluster_bounds(bad, drawn)[end]
        assert np.quantile(share, 0.975 if end else 0.025) == pytest.approx(found, abs=2e-3)


@settings(max_examples=150, deadline=None)
@given(counted, st.data())
def test_more_hits_never_lower_a_bound(pairs, data):
    bad, drawn = split(pairs)
    low, high = cluster_bounds(bad, drawn)
    assert 0 <= low <= high <= 1
    if drawn.sum():
        assert low - 1e-9 <= bad.sum() / drawn.sum() <= high + 1e-9
    place = data.draw(st.integers(0, len(bad) - 1))
    if bad[place] < drawn[place]:
        bad[place] += 1
        more = cluster_bounds(bad, drawn)
        assert more[0] >= low - 1e-7 and more[1] >= high - 1e-7


@settings(max_examples=60, deadline=None)
@given(counted, st.sampled_from([0.9, 0.975]))
def test_hits_and_misses_mirror_each_other(pairs, level):
    bad, drawn = split(pairs)
    low, high = cluster_bounds(bad, drawn, level)
    assert cluster_bounds(drawn - bad, drawn, level) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_one_bad_draw_says_more_than_none():
    """What was wrong before: of 20 images, one bad draw gave a lower upper bound than none."""
    drawn = np.full(20, 32)
    none, one = np.zeros(20, np.int64), np.arange(20) // 19
    assert cluster_bounds(one, drawn)[1] > cluster_bounds(none, drawn)[1] == pytest.approx(beta.ppf(0.975, 1, 20))


def test_the_test_and_the_bound_agree():
    rng = np.random.default_rng(1)
    bad, drawn = rng.binomial(8, 0.2, 15), np.full(15, 8)
    high = cluster_bounds(bad, drawn, 0.95)[1]
    assert p_at_least(bad, drawn, high) == pytest.approx(0.05, abs=1e-6)
    assert p_at_least(bad, drawn, high + 0.01) < 0.05 < p_at_least(bad, drawn, high - 0.01)


def test_clusters_that_are_independent_inside_lose_little():
    bad = np.random.default_rng(1).binomial(32, 0.3, 300)
    exact = binomtest(int(bad.sum()), 300 * 32).proportion_ci(0.95, method="exact")
    assert np.ptp(cluster_bounds(bad, np.full(300, 32))) < 1.4 * np.ptp(exact)


def test_no_small_distribution_breaks_it():
    """By enumeration: three or four kinds of cluster, every sample."""
    assert worst(60) <= 1


def test_the_search_would_see_a_bound_that_is_too_low(monkeypatch):
    """Negative control: all draws taken for independent."""
    kinds = Kinds((0, 20, 60), (0.6, 0.3, 0.1), 4)
    assert kinds.misses()[0.95] <= 0.05
    monkeypatch.setattr(
        "benchmarks.coverage.worst.p_at_least",
        lambda hits, sizes, rate: binomtest(int(hits.sum()), int(sizes.sum()), rate, alternative="less").pvalue,
    )
    assert kinds.misses()[0.95] > 0.1


def test_groups_of_one_image_are_images():
    events = np.random.default_rng(0).random((40, 3)) < 0.2
    low, high = grouped_bounds(events, np.arange(40))
    for k, hits in enumerate(events.sum(axis=0)):
        assert low[k] == pytest.approx(binomtest(int(hits), 40, alternative="greater").proportion_ci(0.95).low)
        assert high[k] == pytest.approx(binomtest(int(hits), 40, alternative="less").proportion_ci(0.95).high)


def test_copies_in_a_group_are_worth_one_image():
    events = np.random.default_rng(0).random((100, 2)) < 0.4
    one = grouped_bounds(events, np.arange(100))
    copies = grouped_bounds(np.repeat(events, 5, axis=0), np.repeat(np.arange(100), 5))
    np.testing.assert_allclose(copies, one, atol=1e-9)
    alone = grouped_bounds(np.repeat(events, 5, axis=0), np.arange(500))
    assert (alone[1] - alone[0] < 0.6 * (one[1] - one[0])).all()
