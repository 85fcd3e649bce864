"""Rates against strength, intervals, and the n that would decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from augsafe.errors import ArgumentError
from augsafe.guards.measured.example import arrows
from augsafe.statistics import bounds, effective, exceeds, needed
from augsafe.transforms import Brightness
from augsafe.typicality import excess, fit, rotated, zoomed
from augsafe.typicality.strengths import against_strength


@pytest.fixture(scope="module")
def arrow_reference():
    images, labels = arrows()
    return fit(images, labels, alpha=0.05), images


def test_a_turn_harms_arrows_the_more_the_further_it_goes(arrow_reference):
    reference, images = arrow_reference
    curve = rotated(reference, images, (2.0, 30.0, 90.0, 180.0))
    harmed = curve.changed.rate + curve.unfamiliar.rate
    assert (harmed[0] < 0.15).all() and (harmed[2:] > 0.8).all()
    assert (curve.changed.rate[3] > 0.8).all()  # half round, left is right
    assert curve.largest(0.1, 0.3) in ((2.0, 2.0), (30.0, 30.0), (2.0, 30.0), (30.0, 2.0))
    assert (curve.changed.low <= curve.changed.rate).all() and (curve.changed.rate <= curve.changed.high).all()


def test_a_neutral_strength_has_no_excess(arrow_reference):
    reference, images = arrow_reference
    for curve in (zoomed(reference, images, (1.0,)), against_strength(reference, images, dim, (1.0,))):
        assert (curve.changed.rate == 0).all() and (curve.unfamiliar.rate == 0).all()


def dim(factor: float) -> list[Brightness]:
    return [Brightness((factor, factor))]


def test_black_images_are_unfamiliar(arrow_reference):
    reference, images = arrow_reference
    curve = against_strength(reference, images, dim, (1.0, 0.001))
    assert (curve.unfamiliar.rate[1] > 0.9).all()


def test_no_strengths_are_refused(arrow_reference):
    with pytest.raises(ArgumentError, match="values"):
        rotated(*arrow_reference, ())


def test_what_clean_images_lose_counts_against_what_is_gained(arrow_reference):
    reference, _ = arrow_reference
    n = len(reference.own)
    before = np.random.default_rng(0).random(n) < 0.3
    gone = excess(reference, np.zeros((1, n), bool), before)
    assert (gone.rate < 0).all() and (gone.low < gone.rate).all() and (gone.high < 0).all()


@given(st.integers(1, 300), st.floats(0, 1))
def test_bounds_are_those_of_scipy(n, share):
    hits = round(n * share)
    low, high = bounds(np.array([hits / n]), np.array([float(n)]))
    over = binomtest(hits, n, alternative="greater").proportion_ci(0.95)
    under = binomtest(hits, n, alternative="less").proportion_ci(0.95)
    assert low[0] == pytest.approx(over.low, abs=1e-9) and high[0] == pytest.approx(under.high, abs=1e-9)
    p = binomtest(hits, n, 0.25, alternative="greater").pvalue
    assert exceeds(np.array([hits / n]), np.array([float(n)]), 0.25)[0] == pytest.approx(p, abs=1e-9)


def test_copies_in_a_group_are_worth_one_image():
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


def test_the_number_needed_decides_and_one_fewer_does_not():
    for rate in (0.0, 0.1, 0.4, 0.9):
        n = needed(rate, 0.25)
        for count, decides in ((n, True), (n - 1, False)):
            low, high = bounds(np.array([rate]), np.array([float(count)]))
            assert (low[0] > 0.25 or high[0] < 0.25) == decides
    assert needed(0.25, 0.25) is None
