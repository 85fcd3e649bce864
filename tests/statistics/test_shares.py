"""Rates over images, with several draws of each: intervals cover, errors are rarely wrong, and naive ones often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

import augsafe as aug
from augsafe.contracts import Limits
from augsafe.guards import content_findings, counted_codes
from augsafe.objects import inspect
from augsafe.statistics import clopper_pearson, cluster_bounds, shares_by_class

LOOSE = aug.Contract(("a",), {}, {"*": Limits(rotation=44)})


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
        low, high = cluster_bounds(bad, np.full(images, draws))
        covered += low <= truth <= high
        low, high = clopper_pearson(int(bad.sum()), images * draws)
        naive += low <= truth <= high
    assert covered / rounds >= 0.9
    assert naive / rounds < 0.5


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


# What the rates decide


def shares(bad: np.ndarray, draws: int = 1, **more: object) -> dict:
    n = len(bad)
    options = {"clusters": np.arange(n), "labels": np.zeros(n, np.int64)} | more
    return shares_by_class(np.asarray(bad, np.int64), np.full(n, draws), **options)


def test_draws_of_one_image_are_not_independent() -> None:
    bad = np.zeros(30, np.int64)
    bad[:4] = 16  # 4 of 30 images, in each of 16 draws
    assert shares(bad, 16)[0].status == "warning" and "independent images" in shares(bad, 16)[0].more
    assert shares(np.repeat(bad > 0, 16))[0].status == "error"  # what would be wrong


@pytest.mark.parametrize("draws", [1, 4])
def test_a_rate_at_the_limit_is_rarely_called_an_error(draws: int) -> None:
    rng = np.random.default_rng(0)
    # some images are lost in every draw, others in none
    wrong = sum(shares(draws * (rng.random(200) < 0.05), draws)[0].status == "error" for _ in range(300))
    assert binomtest(wrong, 300, 0.05, alternative="greater").pvalue > 0.01


def test_rates_far_from_the_limit_are_decided() -> None:
    rng = np.random.default_rng(1)
    for rate, status in ((0.2, "error"), (0.01, "info")):
        assert shares(rng.random(2000) < rate)[0].status == status


def test_a_report_is_rarely_wrong_over_all_its_rules_and_classes() -> None:
    """All rates are exactly at the limit: a report with any error is wrong, which may happen in 5 % of reports."""
    rules, classes, each, reports = 6, 5, 60, 2000
    labels = np.repeat(np.arange(classes), each)

    def is_error(count: int, comparisons: int) -> bool:
        lost = np.arange(classes * each) < count  # all in the first class; the others are there
        return shares(lost, labels=labels, comparisons=comparisons)[0].status == "error"

    counts = np.random.default_rng(0).binomial(each, 0.05, (reports, rules, classes))
    wrong = {}
    for claims in (rules, 1):
        table = np.array([is_error(k, claims) for k in range(counts.max() + 1)])
        assert table.any()
        wrong[claims] = int(table[counts].any(axis=(1, 2)).sum())
    assert binomtest(wrong[rules], reports, 0.05, alternative="greater").pvalue > 0.01
    assert binomtest(wrong[1], reports, 0.05, alternative="greater").pvalue < 1e-6  # each rule for itself


def test_rules_that_a_policy_cannot_break_are_not_counted() -> None:
    def codes(*steps: object, border: str = "constant", contract: aug.Contract | None = None) -> set[str]:
        return set(counted_codes(aug.Compose(steps, border=border), contract))

    assert codes() == set()
    assert codes(aug.Rotate()) == {"AS201", "AS202", "AS204"}
    assert codes(aug.Rotate(), border="reflect") == {"AS201", "AS202", "AS204", "AS205"}
    assert codes(aug.Erase(), aug.Rotate(p=0)) == {"AS203"}
    assert codes(aug.Brightness(), aug.Hue()) == {"AS301", "AS302"}
    assert codes(aug.Hue(), contract=aug.Contract(("a",), {}, {"*": Limits(hue=30)})) == {"AS301", "AS302", "AS303"}
    resized = aug.Compose((), output=aug.Output(size=(8, 8)))
    assert "AS202" in counted_codes(resized, None)


def test_a_check_shares_the_error_among_its_rules() -> None:
    """8 of 60 images lose half of their object in every draw: over 5 % by one rule of three, not by one of six."""
    images = np.zeros((60, 32, 32), np.uint8)
    images[:, 12:20, 20:25] = 255
    images[:8] = 0
    images[:8, 12:20, 1:6] = 255  # leaves to the left
    for steps, severity in (((), "error"), ((aug.Brightness((0.9, 1.1)), aug.Erase((0, 0.01))), "warning")):
        policy = aug.Compose([aug.Shift((-0.3, -0.25), (0, 0)), *steps], border="constant")
        found = aug.check(policy, images, np.zeros(60, int), contract=LOOSE, masks=images > 0, suggest=False)
        assert {f.code: f.severity for f in found.findings}["AS201"] == severity
