"""The rule that turns evidence into claims: two symmetries that make the same of a class, and few groups."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from augsafe.contracts import SYMMETRIES, Evidence, rule
from augsafe.contracts.evidence import gather
from augsafe.contracts.rule import changes
from augsafe.guards.measured.example import arrows
from augsafe.typicality import CHANGED, KEPT, UNFAMILIAR, fit


@pytest.fixture(scope="module")
def evidence():
    """Arrows to the left and to the right: hflip and rot180 make one of the other, vflip keeps both."""
    images, labels = arrows()
    return gather(fit(images, labels, alpha=0.05), list(images))


def told(evidence: Evidence) -> set[str]:
    """The symmetries under which either class is said to change."""
    return {SYMMETRIES[c.symmetry] for c in changes(evidence)}


def with_outcomes(evidence: Evidence, symmetry: str, keep: float) -> Evidence:
    """The same where only so many images stay typical under a symmetry, evenly over the classes."""
    outcome = evidence.outcome.copy()
    s = SYMMETRIES.index(symmetry)
    for rows in evidence.members:
        outcome[s, rows] = np.where(np.arange(len(rows)) < keep * len(rows), KEPT, UNFAMILIAR)
    return Evidence(evidence.reference, evidence.p, evidence.closeness, outcome, evidence.to)


def test_both_are_believed_where_what_lies_between_keeps_the_class(evidence):
    assert told(evidence) == {"hflip", "rot180"}


@pytest.mark.parametrize(("keep", "count"), [(0.9, 2), (0.6, 1), (0.0, 1)])
def test_only_the_nearer_is_believed_where_it_does_not(evidence, keep, count):
    assert len(told(with_outcomes(evidence, "vflip", keep))) == count


def test_images_that_all_read_alike_say_no_less_than_those_of_which_one_does_not(evidence):
    groups = np.arange(len(evidence.reference.own)) // 2 % 4
    s, (a, b) = SYMMETRIES.index("hflip"), evidence.members
    lows = []
    for spared in (0, 1, 2):
        outcome = evidence.outcome.copy()
        outcome[s] = CHANGED
        outcome[s, a[:spared]] = KEPT
        to = evidence.to.copy()
        to[s, a], to[s, b] = 1, 0
        reference = evidence.reference
        few = type(reference)(**{**vars(reference), "groups": groups})
        lows.append(float(Evidence(few, evidence.p, evidence.closeness, outcome, to).reads.low[s, 0, 1]))
    assert lows == sorted(lows, reverse=True) and lows[0] > 0.8


def test_two_groups_never_claim(evidence):
    reference = evidence.reference
    two = type(reference)(**{**vars(reference), "groups": np.arange(len(reference.own)) % 2})
    assert told(Evidence(two, evidence.p, evidence.closeness, evidence.outcome, evidence.to)) == set()


def test_what_was_dropped_is_not_implied_anew(monkeypatch):
    """a -> b -> c -> d: what follows from two of them is denied by a third, again and again."""
    h, v = SYMMETRIES.index("hflip"), SYMMETRIES.index("vflip")
    high = np.ones((len(SYMMETRIES), 4, 4))
    high[v, 0, 3] = high[v, 3, 0] = 0  # a is certainly no d under vflip
    evidence = SimpleNamespace(
        reads=SimpleNamespace(high=high),
        kept=SimpleNamespace(rate=np.ones((len(SYMMETRIES), 4))),
        distance=np.ones(high.shape),
    )
    pairs = [(h, 0, 1), (h, 1, 0), (v, 1, 2), (v, 2, 1), (h, 2, 3), (h, 3, 2)]
    found = {key: rule.Claim(*key, 0.9) for key in pairs}
    rounds, original = [], rule._pairs

    def counted(held):
        rounds.append(len(held))
        assert len(rounds) < 50, "it does not end"
        return original(held)

    monkeypatch.setattr(rule, "_pairs", counted)
    held = rule._group(evidence, found)
    assert set(pairs) <= set(held) and len(rounds) > 2
