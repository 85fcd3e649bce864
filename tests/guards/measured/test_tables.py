"""A small, fixed part of the tables that the docs quote."""

from __future__ import annotations

import numpy as np
import pytest

from augsafe.contracts import SYMMETRIES
from augsafe.contracts.evidence import gather
from augsafe.contracts.rule import changes
from augsafe.typicality import Builtin, fit
from benchmarks import class_change, glyphs

MONO = tuple(f for f in glyphs.SETS["mono + oblique"] if f in glyphs.font_files())


@pytest.mark.skipif(len(MONO) < 4, reason="the fonts of the small table are not on this machine")
def test_glyphs_of_four_fonts():
    scores = class_change.glyph_scores(MONO, by_font=False, per_class=32)
    rule, naive = scores["changes"], scores["naive"]
    assert rule.precision >= 0.98 and rule.recall >= 0.85
    assert naive.precision < 0.3 and scores["flag everything"].recall == 1 and scores["flag nothing"].recall == 0


OBLIQUE = tuple(f for f in ("DejaVuSans-Oblique", "DejaVuSans-BoldOblique") if f in glyphs.font_files())


@pytest.fixture(scope="module")
def italics():
    """Slanted b, d, p and q, half of them from each font."""
    rng = np.random.default_rng(0)
    labels = np.repeat(list("bdpq"), 40)
    return [glyphs.draw(name, OBLIQUE[i % 2], rng) for i, name in enumerate(labels)], labels


@pytest.mark.skipif(len(OBLIQUE) < 2, reason="the slanted fonts are not on this machine")
def test_a_mirrored_italic_is_read_without_its_slant(italics):
    images, labels = italics
    found = {(c.symmetry, c.cls, c.to) for c in changes(gather(fit(images, labels, alpha=0.05), images))}
    turned = {"hflip": "dbqp", "rot180": "qpdb", "vflip": "pqbd"}
    true = {(s, a, b) for s, to in turned.items() for a, b in zip("bdpq", to, strict=True)}
    assert {(SYMMETRIES[s], "bdpq"[a], "bdpq"[b]) for s, a, b in found} == true
    # the same features given as the user's own: nothing takes the slant out, and mirror images are like no class
    leaning = gather(fit(images, labels, alpha=0.05, reference=Builtin(1)), images)
    assert {SYMMETRIES[c.symmetry] for c in changes(leaning)} == {"rot180"}


def test_handwritten_digits():
    images, labels = class_change.mnist()
    rows = np.concatenate([np.flatnonzero(labels == d)[:100] for d in ("1", "3", "6", "8", "9")])
    pooled = class_change.mnist_table(images[rows], labels[rows], seeds=1)
    assert pooled["changes"].false == 0 and pooled["changes"].missed == 0
    assert pooled["naive"].false > 2


def test_the_truth_is_closed_under_inverses_and_nothing_is_both():
    truth = glyphs.truth()
    assert not truth.changes & truth.ambiguous
    assert all((s, b, a) in truth.changes for s, a, b in truth.changes)  # flips and the half turn undo themselves


def test_a_rule_that_flags_too_much_is_scored_as_such():
    truth = glyphs.truth()
    worse = {*truth.changes, ("hflip", "n", "k")}
    assert class_change.score(worse, truth.changes, truth.ambiguous).false == 1
    assert class_change.score(set(), truth.changes, truth.ambiguous).missed == len(truth.changes)


def test_sets_without_fonts_are_left_out_and_named(capsys):
    there = class_change.drawable({"mono": glyphs.SETS["mono"], "none": ("NoSuchFont", "NorThis")})
    assert "none" not in there
    assert "left out, for want of fonts: " in capsys.readouterr().out
