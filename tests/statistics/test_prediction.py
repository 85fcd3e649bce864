"""The rate of all images by the masks of a few: exact where it can be, monotone, narrower where a finder helps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from augsafe.statistics import RateGuess, cluster_bounds, rate_of_all, share_of_all
from benchmarks.coverage.masks import guesses, normal, population, repeated


def guess_of(said, some):
    return RateGuess(said[some], float(said.mean()), (float(said.min()), float(said.max())))


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 20), (7, 40), (40, 40)])
def test_all_or_nothing_is_clopper_pearson(hits, n):
    found = rate_of_all(np.arange(n) < hits, np.arange(n))
    low = beta.ppf(0.025, hits, n - hits + 1) if hits else 0
    high = beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1
    assert (found.rate, found.weight) == (hits / n, 0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_between_all_and_nothing_it_is_narrower_and_a_higher_rate_never_lowers_an_end():
    rng = np.random.default_rng(0)
    rates = rng.beta(2, 6, 30)
    clusters = np.arange(30)
    found = rate_of_all(rates, clusters)
    exact = rate_of_all(np.arange(30) < 30 * rates.mean(), clusters)
    assert found.high - found.low < 0.7 * (exact.high - exact.low)
    for i in range(0, 30, 5):
        raised = rates.copy()
        raised[i] = min(1, rates[i] + 0.3)
        more = rate_of_all(raised, clusters)
        assert more.low >= found.low and more.high >= found.high


def test_images_of_one_group_count_as_far_as_they_differ():
    rates = np.repeat(np.random.default_rng(1).beta(0.5, 2, 10), 4)
    alone, together = rate_of_all(rates, np.arange(40)), rate_of_all(rates, np.repeat(np.arange(10), 4))
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


@pytest.mark.parametrize("masks", [40, 80])
def test_a_good_finder_narrows_the_interval_and_one_by_chance_is_left_out(masks):
    _, alone, _ = repeated(20, masks, 0.2, "all or nothing")
    _, helped, weight = repeated(20, masks, 0.2, "all or nothing", "near")
    _, same, none = repeated(20, masks, 0.2, "all or nothing", "chance")
    assert helped < 0.75 * alone and weight > 0.9
    assert same == pytest.approx(alone, rel=0.05) and none < 0.1


def test_a_finder_that_says_the_contrary_has_no_weight():
    rng = np.random.default_rng(0)
    rates = population("beta", 0.2, rng)
    some = rng.permutation(1000)[:60]
    with_it, alone = (
        rate_of_all(rates[some], np.arange(60), guess_of(1 - rates, some)),
        rate_of_all(rates[some], np.arange(60)),
    )
    assert with_it == alone


def test_it_is_the_difference_estimator_with_its_weight():
    rng = np.random.default_rng(3)
    rates = population("beta", 0.3, rng)
    said = guesses("mixed up", rates, rng)
    some = rng.permutation(1000)[:80]
    found = rate_of_all(rates[some], np.arange(80), guess_of(said, some))
    assert 0 < found.weight <= 1
    assert found.rate == pytest.approx(rates[some].mean() - found.weight * (said[some].mean() - said.mean()))
    # the whole range that such a difference may have
    least, most = found.weight * (said.mean() - said.max()), 1 + found.weight * (said.mean() - said.min())
    adjusted = rates[some] - found.weight * (said[some] - said.mean())
    ends = cluster_bounds((adjusted - least) / (most - least), np.ones(80), 0.975)
    assert (found.low, found.high) == pytest.approx([least + (most - least) * end for end in ends])


def test_a_finder_that_misses_what_is_rare_cannot_make_the_interval_too_short():
    """The sample shows no miss: a normal interval has no width at all, whatever the finder misses."""
    rng = np.random.default_rng(0)
    rates = population("all or nothing", 0.02, rng)
    said = np.where(rng.random(1000) < 0.6, rates, 0.0)
    some = np.flatnonzero(rates == said)[:30]
    guess = guess_of(said, some)
    found, wrong = rate_of_all(rates[some], np.arange(30), guess), normal(rates[some], guess)
    assert found.low <= rates.mean() <= found.high
    assert not wrong.low <= rates.mean() <= wrong.high


@pytest.mark.parametrize("some", [[1e-12] * 40, [0] * 39 + [1.5e-9], [0] * 39 + [1e-15], [0] * 20 + [1e-11] * 20])
def test_rates_next_to_nothing_are_bounded(some):
    found, other = rate_of_all(np.array(some), np.arange(40)), rate_of_all(1 - np.array(some), np.arange(40))
    assert found.low == pytest.approx(0, abs=1e-8) and found.high == pytest.approx(1 - 0.025 ** (1 / 40), abs=1e-6)
    assert (1 - other.high, 1 - other.low) == pytest.approx((found.low, found.high), abs=1e-8)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_masks_say_little(n):
    rates = np.full(n, 0.5)
    found = rate_of_all(rates, np.arange(n), RateGuess(rates, 0.5))
    assert found.low < 0.3 and found.high > 0.7


def test_a_share_of_all_says_what_it_decides():
    def asked(bad, n=40, **options):
        return share_of_all(np.full(n, bad), np.full(n, 100), np.arange(n), epsilon=0.05, **options)[0]

    assert asked(40).status == "error" and asked(0, n=200).status == "info"
    some = np.where(np.arange(40) < 8, 40, 0)
    undecided = share_of_all(some, np.full(40, 100), np.arange(40), epsilon=0.05)[0]
    assert undecided.status == "warning" and "masks would decide" in undecided.more
    few = np.where(np.arange(20) < 4, 100, 0)
    alone = share_of_all(few, np.full(20, 100), np.arange(20), epsilon=0.05)[0]
    one_of_many = share_of_all(few, np.full(20, 100), np.arange(20), epsilon=0.05, comparisons=200)[0]
    assert (alone.status, one_of_many.status) == ("error", "warning")
    assert (alone.low, alone.high) == (one_of_many.low, one_of_many.high)
