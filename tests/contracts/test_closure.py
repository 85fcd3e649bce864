"""What follows from stated relations, and what contradicts them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsafe.contracts import SYMMETRIES, Contract, Relation
from augsafe.contracts.relations import close
from augsafe.contracts.symmetry import then
from augsafe.errors import ContractError

CLASSES = ("a", "b", "c")
SAME, AMBIGUOUS, INVALID = Relation("same"), Relation("ambiguous"), Relation("invalid")
CELLS = st.tuples(st.sampled_from(CLASSES), st.sampled_from(SYMMETRIES))
RELATIONS = st.sampled_from([SAME, AMBIGUOUS, INVALID, *(Relation("to", c) for c in CLASSES)])


def to(cls):
    return Relation("to", cls)


def closed(stated):
    return close(CLASSES, stated)


def outcome(stated):
    """The closure as (kind, target class), or None where it contradicts itself."""
    try:
        found = closed(stated).items()
        return {key: (r.kind, (r.to or key[0]) if r.kind in ("same", "to") else None) for key, r in found}
    except ContractError:
        return None


def tidy(stated):
    """`to` a class itself, as `same`."""
    return {key: SAME if r.to == key[0] else r for key, r in stated.items()}


STATED = st.dictionaries(CELLS, RELATIONS, max_size=5).map(tidy)


def true_world(turns, targets):
    """A group action on the classes: relations that can all hold."""
    world = {}
    for cls, symmetry in product(CLASSES, SYMMETRIES):
        mirrored = symmetry in ("hflip", "vflip", "transpose", "antitranspose")
        target = targets[cls] if mirrored and turns else cls
        world[cls, symmetry] = SAME if target == cls else to(target)
    return world


def test_composition_inverse_and_identity():
    found = closed({("a", "rot90"): to("b"), ("b", "hflip"): to("c")})
    assert found["a", "rot90"] == to("b")
    assert found["a", then("rot90", "hflip")] == Relation("to", "c", derived=True)
    assert found["b", "rot270"] == Relation("to", "a", derived=True)
    assert found["c", "hflip"] == Relation("to", "b", derived=True)
    assert found["a", "identity"] == Relation("same", derived=True)


def test_stated_relations_are_not_marked_derived():
    found = closed({("a", "hflip"): SAME, ("a", "vflip"): SAME})
    assert not found["a", "hflip"].derived
    assert found["a", "rot180"] == Relation("same", derived=True)


def test_ambiguity_propagates_and_gives_way_to_what_is_stated():
    stated = {("a", "rot180"): to("b"), ("b", "hflip"): AMBIGUOUS}
    assert closed(stated)["a", "vflip"] == Relation("ambiguous", derived=True)
    assert closed({**stated, ("a", "vflip"): INVALID})["a", "vflip"] == INVALID
    assert ("b", "vflip") not in closed(stated)


def test_invalid_is_never_composed():
    found = closed({("a", "hflip"): INVALID, ("a", "vflip"): INVALID, ("a", "rot180"): to("b")})
    assert found["a", "rot180"] == to("b")
    assert ("b", "hflip") not in found
    assert ("b", "vflip") not in found


@pytest.mark.parametrize(
    "stated",
    [
        {("a", "hflip"): to("b"), ("b", "hflip"): to("c")},
        {("a", "hflip"): to("b"), ("b", "hflip"): SAME},
        {("a", "hflip"): to("c"), ("b", "hflip"): to("c")},
        {("a", "hflip"): SAME, ("a", "vflip"): SAME, ("a", "rot180"): INVALID},
        {("a", "hflip"): SAME, ("a", "vflip"): SAME, ("a", "rot180"): AMBIGUOUS},
        {("a", "hflip"): to("b"), ("b", "hflip"): AMBIGUOUS},
        {("a", "rot90"): to("b"), ("b", "rot90"): to("c"), ("c", "rot90"): to("a")},
        {("a", "identity"): to("b")},
        {("a", "identity"): INVALID},
    ],
)
def test_contradictions_are_caught(stated):
    with pytest.raises(ContractError, match="correct one of them"):
        closed(stated)
    first = next(iter(stated))
    assert outcome({key: r for key, r in stated.items() if key != first}) is not None  # any harm is in the pair


@given(STATED)
def test_closing_twice_changes_nothing(stated):
    once = outcome(stated)
    if once is not None:
        assert outcome(closed(stated)) == once


@given(STATED, st.randoms())
def test_order_does_not_matter(stated, random):
    shuffled = list(stated.items())
    random.shuffle(shuffled)
    assert outcome(dict(shuffled)) == outcome(stated)


@given(STATED)
def test_closure_keeps_what_is_stated_and_is_a_partial_action(stated):
    found = outcome(stated)
    if found is None:
        return
    for key, relation in stated.items():
        assert found[key][0] == relation.kind
    moves = {key: target for key, (_, target) in found.items() if target is not None}
    for (a, g), b in moves.items():
        for h in SYMMETRIES:
            if (b, h) in moves:
                assert moves[a, then(g, h)] == moves[b, h]
            elif found.get((b, h), ("", None))[0] == "ambiguous":
                assert found[a, then(g, h)][0] in ("ambiguous", "invalid")


@given(st.booleans(), st.permutations(CLASSES), st.data())
def test_parts_of_a_true_world_never_contradict_and_stay_true(turns, order, data):
    targets = {order[0]: order[1], order[1]: order[0], order[2]: order[2]}
    world = true_world(turns, targets)
    cells = data.draw(st.lists(st.sampled_from(sorted(world)), unique=True))
    for key, relation in closed({key: world[key] for key in cells}).items():
        assert (relation.kind, relation.to) == (world[key].kind, world[key].to)


@given(st.permutations(CLASSES), CELLS)
def test_control_one_lie_in_a_true_world_is_caught(order, cell):
    """Negative control: the closure does not accept everything."""
    world = true_world(True, {order[0]: order[1], order[1]: order[0], order[2]: order[2]})
    for lie in (AMBIGUOUS, INVALID, *(to(c) for c in CLASSES if c != cell[0] and c != world[cell].to)):
        assert outcome({**world, cell: lie}) is None


def test_both_lines_are_named():
    text = """classes: ["6", "8", "9"]
relations:
  "6":
    rot180: {to: "9"}
  "9":
    rot180: {to: "8"}
"""
    with pytest.raises(ContractError, match=r"'9' under rot180 .* line 4.* line 6"):
        Contract.from_yaml(text)


def test_all_lines_of_a_composition_are_named():
    text = """classes: [a]
relations:
  a:
    hflip: same
    rot180: invalid
    vflip: same
"""
    with pytest.raises(ContractError, match=r"rot180 is invalid .*line 5.* same .*line 4.*line 6"):
        Contract.from_yaml(text)


def test_contradiction_with_the_rule_for_all_names_its_line():
    text = """classes: [left, right]
relations:
  "*": {hflip: same}
  left: {hflip: {to: right}}
"""
    with pytest.raises(ContractError, match=r"line 4.* line 3"):
        Contract.from_yaml(text)
