"""Intervals over images of which several draws were made: they cover the rate, and the naive ones do not."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.guards.clusters import cluster_interval
from augsafe.guards.content import content_findings
from augsafe.guards.shrink import clopper_pearson
from augsafe.objects import inspect


def outcomes(rng: np.random.Generator, images: int, draws: int) -> np.ndarray:
    """Bad draws of each image: one image in five nearly always, the others nearly never."""
    chance = np.where(rng.random(images) < 0.2, 0.95, 0.01)
    return rng.binomial(draws, chance)


@pytest.mark.parametrize("images", [10, 60, 400])
def test_the_interval_covers_and_the_naive_one_does_not(images: int) -> None:
    rng, draws, truth, rounds = np.random.default_rng(0), 32, 0.2 * 0.95 + 0.8 * 0.01, 200
    covered = naive = 0
    for _ in range(rounds):
        bad = outcomes(rng, images, draws)
        low, high = cluster_interval(bad, np.full(images, draws))
        covered += low <= truth <= high
        low, high = clopper_pearson(int(bad.sum()), images * draws)
        naive += low <= truth <= high
    assert covered / rounds >= 0.9
    assert naive / rounds < 0.5


def test_one_draw_an_image_is_exact() -> None:
    bad = np.array([1, 0, 0, 1, 0, 0, 0, 0])
    exact = pytest.approx(clopper_pearson(2, 8))
    assert cluster_interval(bad, np.ones(8, np.int64)) == exact
    assert cluster_interval(np.append(bad, 0), np.append(np.ones(8, np.int64), 0)) == exact


def test_where_all_agree_images_count_and_not_draws() -> None:
    assert cluster_interval(np.zeros(50, np.int64), np.full(50, 32)) == pytest.approx(clopper_pearson(0, 50))
    assert cluster_interval(np.full(50, 32), np.full(50, 32)) == pytest.approx(clopper_pearson(50, 50))
    assert cluster_interval(np.zeros(0, np.int64), np.zeros(0, np.int64)) == (0.0, 1.0)


def test_draws_that_are_independent_lose_little() -> None:
    rng = np.random.default_rng(1)
    bad = rng.binomial(32, 0.3, 300)
    ours, exact = cluster_interval(bad, np.full(300, 32)), clopper_pearson(int(bad.sum()), 300 * 32)
    assert np.ptp(ours) == pytest.approx(np.ptp(exact), rel=0.25)


def test_findings_count_images_and_groups() -> None:
    """Two of four images lose their object in every draw: no certainty about half of the class."""
    images = np.zeros((4, 32, 32), np.uint8)
    images[:2, 12:20, 1:6] = 255  # leaves to the left
    images[2:, 12:20, 20:25] = 255
    compose = aug.Compose([aug.Shift((-0.3, -0.25), (0, 0))], border="constant")

    def interval(groups: list[int] | None = None) -> tuple[float, float]:
        labels, objects = np.zeros(4, np.int64) - 1, inspect(images)
        found = content_findings(compose, images, labels, objects, None, groups=groups)
        (finding,) = [f for f in found if f.code == "AS201"]
        assert finding.probability == pytest.approx(0.5)
        assert finding.interval is not None
        return finding.interval

    assert np.ptp(interval()) >= np.ptp(clopper_pearson(2, 4)) > 2 * np.ptp(clopper_pearson(64, 128))
    assert np.ptp(interval([0, 0, 1, 1])) > np.ptp(interval())
