"""Rates against strength, intervals, and the n that would decide."""

from __future__ import annotations

import numpy as np
import pytest

from augsafe.errors import ArgumentError
from augsafe.guards.measured.example import arrows
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
