"""AS401: the two-sample test keeps its level, has power, and claims nothing from silence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from augsafe.guards.measured import distinguishing as realism_module
from augsafe.pixels import render
from augsafe.statistics import Scores, area, excess
from benchmarks.realism import MARGIN, Case, shares, textures, wrong

BORDERS = aug.Compose([aug.Rotate((-30, 30))], border="constant")


@pytest.fixture(scope="module")
def fields():
    return textures(400, seed=1)


def test_the_area_is_that_of_the_roc_curve():
    rng = np.random.default_rng(0)
    scores = Scores(np.round(rng.normal(0.7, 1, 80), 1), np.round(rng.normal(0, 1, 60), 1))  # with ties
    truth = np.repeat([1, 0], [80, 60])
    assert scores.area == pytest.approx(roc_auc_score(truth, np.concatenate([scores.ones, scores.zeros])))
    with_error = area(scores, np.arange(80), np.arange(60))
    redrawn = [
        roc_auc_score(truth, np.concatenate([rng.choice(scores.ones, 80), rng.choice(scores.zeros, 60)]))
        for _ in range(400)
    ]
    assert with_error.error == pytest.approx(np.std(redrawn), rel=0.15)


def test_a_classifier_exceeds_itself_by_nothing():
    """Ten images that agree do not show that all would: an eleventh may be told apart, or not."""
    scores = Scores(np.arange(10.0), np.arange(10.0) - 3)
    none = excess(scores, scores, np.arange(10), np.arange(10))
    assert none.value == 0 and none.bounds(0.95)[0] == 0 and none.bounds(0.95)[1] > 0.2
    more = Scores(np.arange(1000.0), np.arange(1000.0) - 3)
    assert excess(more, more, np.arange(1000), np.arange(1000)).bounds(0.95)[1] < 0.003


def test_the_interval_of_an_area_stays_on_its_scale():
    apart = Scores(np.arange(20.0) + 100, np.arange(20.0))
    low, high = area(apart, np.arange(20), np.arange(20)).interval()
    assert low == pytest.approx(binomtest(20, 20).proportion_ci(0.95, method="exact").low) and high == 1.0
    low, high = area(Scores(apart.zeros, apart.ones), np.arange(20), np.arange(20)).interval()
    assert low == 0.0 and high == pytest.approx(binomtest(0, 20).proportion_ci(0.95, method="exact").high)


@pytest.mark.parametrize("case", [Case(0.0), Case(MARGIN), Case(MARGIN, per_group=5)], ids=str)
def test_verdicts_that_the_truth_excludes_are_rare(case):
    count = wrong(case, shares(case, 300))
    assert binomtest(count, 300, 0.05, alternative="greater").pvalue > 0.01


def test_forgetting_the_groups_would_be_seen():
    """Negative control: with images of one group taken for independent, the claims come too often."""
    case = Case(MARGIN, per_group=25)
    blind = wrong(case, shares(case, 300, blind=True))
    assert binomtest(blind, 300, 0.05, alternative="greater").pvalue < 0.001


def test_there_is_power():
    assert shares(Case(0.1), 100)["distinguishable"] >= 90
    assert shares(Case(0.0, n=1000), 100)["indistinguishable"] >= 90


# From images


def test_black_corners_are_told(fields):
    found = aug.realism(BORDERS, fields)
    assert found.verdict == "distinguishable" and found.auc > 0.7 > found.control
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("AS401", "info")
    witness = finding.witness
    assert (witness.original == fields[witness.index]).all()
    assert (render([witness.original], BORDERS.replay(witness.record))[0] == witness.augmented).all()
    assert "AUC of" in str(found)


@pytest.mark.parametrize("policy", [aug.Compose([]), aug.HorizontalFlip(), aug.Brightness((0.99, 1.01))], ids=repr)
def test_what_textures_allow_is_not_told(policy, fields):
    found = aug.realism(policy, fields)
    assert found.verdict != "distinguishable" and found.findings == ()


def test_resampling_alone_is_not_held_against_a_policy(fields, monkeypatch):
    """Negative control: against originals that are not resampled, a shift by half a pixel is told."""
    sharp = np.random.default_rng(0).integers(0, 256, (400, 24, 24), dtype=np.uint8)
    policy = aug.Compose(
        [aug.Shift(x=(-0.5 / 24, 0.5 / 24), y=(-0.5 / 24, 0.5 / 24), name="by half")], border="replicate"
    )
    fair = aug.realism(policy, sharp)
    assert fair.verdict == "indistinguishable" and fair.control > 0.6 and fair.excess != 0
    monkeypatch.setattr(realism_module, "_resampled", lambda compose, images, rows, plan, seed: images)
    assert aug.realism(policy, sharp).verdict == "distinguishable"


def test_a_distortion_is_held_against_resampled_images():
    sharp = np.random.default_rng(0).integers(0, 256, (400, 24, 24), dtype=np.uint8)
    assert aug.realism(aug.ElasticDistortion((0.02, 0.02)), sharp).control > 0.6


def test_few_images_leave_it_undecided_and_say_how_many_would_not(fields):
    found = aug.realism(aug.Rotate90(), fields[:80])
    assert found.verdict == "undecided" and found.needed > 80
    assert f"{found.needed:,} images would decide" in str(found)


def test_groups_stay_together_and_the_seed_decides(fields):
    groups = np.arange(400) // 10
    parts = realism_module._parts(groups, 0)
    assert all(len(set(parts[groups == g])) == 1 for g in range(40))
    assert set(parts) == {0, 1, 2, 3}
    first, again = (aug.realism(BORDERS, fields, groups=groups, seed=3) for _ in range(2))
    assert (first.auc, first.bounds) == (again.auc, again.bounds)


def test_a_model_of_the_users_own(fields):
    found = aug.realism(BORDERS, fields, reference=lambda images: np.stack([i.reshape(-1)[:64] / 255 for i in images]))
    assert found.verdict == "distinguishable"


def test_within_a_check(fields):
    report = aug.check(BORDERS, fields[:200], realism=True, suggest=False)
    assert "AS401" in [f.code for f in report.findings] and report.ok
    assert any(note.startswith("Realism: distinguishable") for note in report.notes)
    assert "AS401" not in [f.code for f in aug.check(BORDERS, fields[:200], suggest=False).findings]
    with pytest.raises(ArgumentError, match="need images"):
        aug.check(BORDERS, realism=True)


def test_what_cannot_be_asked_is_refused(fields):
    with pytest.raises(InputError, match="at least 80 images, got 20"):
        aug.realism(BORDERS, fields[:20])
    with pytest.raises(InputError, match="at least 16 groups, got 4"):
        aug.realism(BORDERS, fields, groups=np.arange(400) % 4)
    with pytest.raises(ArgumentError, match="between 0 and"):
        aug.realism(BORDERS, fields, margin=0)
    for asked in (lambda: aug.realism(BORDERS, fields, seed=-1), lambda: aug.check(BORDERS, contract="mnist", seed=-1)):
        with pytest.raises(ArgumentError, match="seed must be"):
            asked()
