"""The truth about pictures that others drew: frozen, independent, and scored as it says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from augsafe.contracts import Contract, Relation
from benchmarks import class_change, drawn, drawn_table, glyphs

# Frozen before the guard saw the untouched half; see docs/decisions. A change here must say so in the docs' table.
FROZEN = {
    "drawn_truth.yaml": "a874d3fe1446481012f8a18c96521c9ea3dec3b7f311e48f14073fa59ffa2587",
    "glyph_truth.yaml": "e00087195b864016f7f9cce51b4cf703668dbfbfc003554e4c1910027a486d5f",
}
FAMILIES = {family.name: family for family in drawn.families()}


@pytest.mark.parametrize("name", FROZEN)
def test_the_truth_is_frozen(name):
    body = (Path(drawn.__file__).parent / name).read_bytes()
    assert hashlib.sha256(body).hexdigest() == FROZEN[name]


def test_the_halves_share_no_family_and_each_has_sixty_independent_cells():
    for half in (drawn.TUNING, drawn.UNTOUCHED):
        assert sum(len(f.to) for f in FAMILIES.values() if f.half == half) >= 60
    sources = {
        half: {f.source for f in FAMILIES.values() if f.half == half} for half in (drawn.TUNING, drawn.UNTOUCHED)
    }
    assert not sources[drawn.TUNING] & sources[drawn.UNTOUCHED]


def independent(pairs):
    """Whether none of the pairs follows from others: no two classes are joined twice."""
    group = {}

    def top(cls):
        while group.get(cls, cls) != cls:
            cls = group[cls]
        return cls

    for _, a, b in pairs:
        if top(a) == top(b):
            return False
        group[top(a)] = top(b)
    return True


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_cells_that_are_counted_are_independent(family):
    assert independent(family.to)
    assert set(family.to) <= drawn.true(family)
    assert not drawn.true(family) & drawn.ambiguous(family)


def test_control_a_cell_that_follows_is_noticed():
    assert not independent([("hflip", "a", "b"), ("vflip", "b", "c"), ("rot180", "a", "c")])


def small(**changed):
    relations = {("left", "hflip"): Relation("to", "right"), ("left", "vflip"): Relation("same")}
    values = dict(
        name="arrows", half=drawn.TUNING, kind="icons", source="", classes=("left", "right", "heart"),
        to=(("hflip", "left", "right"),), contract=Contract(("left", "right", "heart"), relations),
    )  # fmt: skip
    return drawn.Family(**{**values, **changed})


def test_what_follows_is_true_but_counts_once():
    family = small()
    both = {("hflip", "left", "right"), ("hflip", "right", "left")}
    turned = {("rot180", "left", "right"), ("rot180", "right", "left")}
    assert drawn.true(family) == both | turned
    found = drawn_table.row(family, both | turned)
    assert (found.independent.hits, found.independent.false, found.independent.missed) == (1, 0, 0)
    assert (found.every.hits, found.every.missed) == (4, 0)


def test_a_false_claim_counts_once_and_a_missed_cell_is_named():
    wrong = {
        ("hflip", "left", "heart"),
        ("hflip", "heart", "left"),
        ("rot90", "left", "heart"),
        ("rot270", "heart", "left"),
    }
    found = drawn_table.row(small(), wrong)
    assert (found.independent.hits, found.independent.false, found.independent.missed) == (0, 2, 1)
    assert found.missed == [("hflip", "left", "right")]


def test_what_the_truth_calls_ambiguous_is_neither_right_nor_wrong():
    relations = {("left", "hflip"): Relation("to", "right"), ("heart", "vflip"): Relation("ambiguous")}
    family = small(contract=Contract(("left", "right", "heart"), relations))
    assert drawn_table.row(family, {("vflip", "heart", "left"), ("vflip", "right", "heart")}).independent.false == 0


def bar(to_right):
    """A half moon, opaque on a clear ground."""
    shape = np.zeros((drawn.DRAWN, drawn.DRAWN, 4), np.float32)
    y, x = np.mgrid[-1 : 1 : drawn.DRAWN * 1j, -1 : 1 : drawn.DRAWN * 1j]
    shape[(x**2 + y**2 < 0.7) & ((x > 0) == to_right)] = 1
    return shape


def test_samples_are_drawn_with_noise_and_in_place():
    rng = np.random.default_rng(0)
    for to_right in (False, True):
        image = drawn.draw(bar(to_right), False, rng)
        assert image.shape == (drawn.SIDE, drawn.SIDE) and image.dtype == np.uint8
        halves = image[:, : drawn.SIDE // 2].mean(), image[:, drawn.SIDE // 2 :].mean()
        assert (halves[1] > halves[0]) == to_right
    assert drawn.draw(bar(True), True, rng).shape == (drawn.SIDE, drawn.SIDE, 3)


def test_fonts_on_this_machine_are_told_from_those_that_are_missing():
    assert small(kind="fonts", faces=("NoSuchFont",)).missing() == ["NoSuchFont"]
    assert small(source="no-such-package/{}.svg").missing(Path("nowhere"))


CARLITO = FAMILIES["carlito"]


@pytest.mark.skipif(bool(CARLITO.missing()), reason="fonts-crosextra-carlito is not here")
def test_one_family_of_fonts():
    """A small part of the table: some letters of one family."""
    letters = tuple("bdpqhkt")
    to = tuple(cell for cell in CARLITO.to if cell[1] in letters)
    relations = {key: r for key, r in CARLITO.contract.relations.items() if key[0] in letters}
    family = small(kind="fonts", faces=CARLITO.faces, classes=letters, to=to, contract=Contract(letters, relations))
    found = drawn_table.rows(family, each=32)["changes"]
    assert found.independent.false == 0 and found.independent.hits == 3
    assert set(glyphs.GLYPHS) == set(CARLITO.classes)


def test_glyphs_are_counted_once():
    """All sixteen true cells are five independent ones; a false pair claimed in both directions is one."""
    true = glyphs.truth().changes
    assert len(true) == 16
    assert (class_change.independent(true).hits, class_change.independent(true).false) == (5, 0)
    wrong = {("hflip", "k", "x"), ("hflip", "x", "k"), ("rot90", "k", "x"), ("rot270", "x", "k")}
    found = class_change.independent(wrong | {("hflip", "b", "d")})
    assert (found.hits, found.false, found.missed) == (1, 2, 4)
    assert independent(glyphs.INDEPENDENT)


def test_a_rule_that_does_not_end_has_found_nothing(monkeypatch):
    def forever(*given, **named):
        while True:
            pass

    monkeypatch.setattr(drawn_table, "rows", forever)
    found = drawn_table.within(1, small(), 1, drawn.NODE)
    assert (found["changes"].independent.hits, found["changes"].independent.missed) == (0, 1)
