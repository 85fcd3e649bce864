"""Contracts: the built-in truths, what follows from them, contradictions, files, labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsafe import Contract, ContractError
from augsafe.contracts import KINDS, SYMMETRIES, Relation
from augsafe.contracts.relations import close
from augsafe.contracts.symmetry import then

MADE = """
classes: ["6", "9", "8"]
relations:
  "6": {rot180: {to: "9"}, hflip: invalid}
  "8": {hflip: same, vflip: same}
limits:
  "*": {rotation: 30, visible: 0.7}
  "8": {rotation: 10}
accept: [{code: AS101, steps: [HorizontalFlip], classes: ["6"], reason: known}]
"""


def kinds(name, symmetry, kind):
    contract = Contract.builtin(name)
    return {c for c in contract.classes if contract.relation(c, symmetry).kind == kind}


def targets(name, symmetry):
    contract = Contract.builtin(name)
    return {(c, contract.relation(c, symmetry).to) for c in kinds(name, symmetry, "to")}


def pairs(words):
    return {pair for a, b in (w.split("-") for w in words.split()) for pair in ((a, b), (b, a))}


def test_mnist():
    assert targets("mnist", "rot180") == pairs("6-9")
    assert kinds("mnist", "rot180", "same") >= {"0", "1", "8"}
    assert kinds("mnist", "vflip", "same") == {"0", "3", "8", "1"}
    assert kinds("mnist", "hflip", "same") == {"0", "8", "1"}
    assert kinds("mnist", "hflip", "ambiguous") == kinds("mnist", "vflip", "ambiguous") == {"2", "5"}


def test_letters():
    assert targets("text", "rot180") == pairs("b-q d-p n-u M-W 6-9")
    assert targets("text", "hflip") == pairs("b-d p-q")
    assert targets("text", "vflip") >= pairs("b-p d-q")
    assert kinds("text", "rot180", "same") >= set("osxzHINOSXZ")
    assert kinds("text", "hflip", "same") >= set("AHIMOTUVWXY")
    assert kinds("text", "vflip", "same") >= set("BCDEHIKOX")
    assert targets("text", "rot90") == pairs("N-Z")


def test_signs():
    ids = {str(i) for i in (11, 12, 13, 15, 17, 18, 22, 26, 30, 35)}
    assert kinds("gtsrb", "hflip", "same") == ids
    assert targets("gtsrb", "hflip") == pairs("19-20 33-34 36-37 38-39")
    assert kinds("gtsrb", "vflip", "same") == {"12", "15", "17"}
    assert kinds("gtsrb", "vflip", "ambiguous") == {"1", "5"}
    assert kinds("gtsrb", "rot180", "same") == {"12", "15", "17", "32"}
    assert Contract.builtin("gtsrb").relation("40", "hflip").kind == "invalid"


def test_contracts_for_any_classes():
    for name in ("aerial", "texture"):
        bound = Contract.builtin(name).with_classes(["coral", "sand"])
        assert all(bound.relation("sand", s).kind == "same" for s in SYMMETRIES)
    assert Contract.builtin("chest-xray").with_classes(["a"]).relation("a", "hflip").kind == "invalid"
    assert targets("laterality", "hflip") == pairs("left-right")


@pytest.mark.parametrize("name", Contract.builtin_names())
def test_built_in_files_go_round(name):
    contract = Contract.builtin(name)
    again = Contract.from_yaml(contract.to_yaml())
    assert again.to_dict() == contract.to_dict()
    if not contract.classes:
        contract = contract.with_classes(["x"])
    tables = contract.tables()
    for c, s in ((c, s) for c in range(len(contract.classes)) for s in range(8)):
        relation = contract.relation(c, SYMMETRIES[s])
        assert KINDS[tables.kind[c, s]] == relation.kind
        assert (tables.target[c, s] >= 0) == (relation.kind == "to")


def test_what_follows():
    contract = Contract.from_yaml(MADE)
    assert contract.relation("9", "rot180") == Relation("to", "6", derived=True)
    assert contract.relation("8", "rot180").kind == "same"
    assert contract.relation("6", "hflip").kind == "invalid"
    # invalid is never composed: a 9 mirrored is not known from a 6 mirrored
    assert contract.relation("9", "vflip").kind == "unknown"
    assert contract.relation("9", "identity").kind == "same"


def test_ambiguity_propagates():
    text = "classes: [a, b]\nrelations:\n  a: {rot180: {to: b}}\n  b: {hflip: ambiguous}\n"
    assert Contract.from_yaml(text).relation("a", then("rot180", "hflip")).kind == "ambiguous"


def test_limits_and_acceptance():
    contract = Contract.from_yaml(MADE)
    assert contract.limits_for("8").rotation == 10
    assert contract.limits_for("8").visible == 0.7
    assert contract.limits_for("6").zoom is None
    assert contract.tables().rotation.tolist() == [30, 30, 10]
    assert contract.accepts("AS101", ["HorizontalFlip"], "6") == "known"
    assert contract.accepts("AS101", ["HorizontalFlip"], "9") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes: [a, b]\nrelations:\n  a: {rot180: same}\n  b: {rot180: {to: a}}", "line 4"),
        ("classes: [a]\nrelations:\n  a: {hflip: same, vflip: same, rot180: invalid}", "line 3"),
        ("classes: [a]\nrelations:\n  a: {hflip: same}\n  a: {vflip: same}", "line 4"),
        ("classes: [a]\nrelations:\n  a: {hflip: sane}", "line 3"),
        ("classes: [a]\nrelations:\n  a: {flip: same}", "hflip"),
        ("classes: [a]\nrelations:\n  b: {hflip: same}", "'b'"),
        ("classes: [a]\nlimits: {a: {rotation: -3}}", "rotation"),
        ("classes: [a]\nlimits: {a: {turn: 3}}", "turn"),
        ("classes: [1, 2]", "quotes"),
        ("classes: [a, a]", "more than once"),
        ("classess: [a]", "classess"),
        ("classes: [a]\naccept: [{code: AS101}]", "reason|steps"),
        ("classes: [a\n", "YAML"),
    ],
)
def test_mistakes_are_named(text, words):
    with pytest.raises(ContractError, match=words):
        Contract.from_yaml(text)


def test_labels():
    contract = Contract.builtin("mnist")
    assert contract.indices(["6", 9, np.int64(3)]).tolist() == [6, 9, 3]
    for bad, words in ((10, "out of range"), ("six", "six"), (True, "True"), (1.0, "1.0"), (None, "None")):
        with pytest.raises(ContractError, match=rf"labels\[1\].*{words}"):
            contract.indices([0, bad])
    with pytest.raises(ContractError, match="mnist"):
        Contract.builtin("mnits")
    with pytest.raises(ContractError, match="'ten'"):
        contract.with_classes(["ten"])


def test_files(tmp_path):
    contract = Contract.builtin("mnist")
    contract.save(tmp_path / "mine.yaml")
    assert Contract.load(tmp_path / "mine.yaml").to_dict() == contract.to_dict()
    with pytest.raises(ContractError, match=r"none\.yaml"):
        Contract.load(tmp_path / "none.yaml")


@given(st.lists(st.permutations("abc"), min_size=1, max_size=2), st.sampled_from(["hflip", "rot180", "transpose"]))
def test_closing_is_idempotent_and_its_order_does_not_matter(actions, symmetry):
    """A symmetry that is its own inverse acts as swaps; other actions contradict, and are refused either way."""
    stated = {
        (a, symmetry): Relation("same" if a == b else "to", None if a == b else b)
        for a, b in zip("abc", actions[0], strict=True)
    }
    swapped = all(actions[0]["abc".index(b)] == a for a, b in zip("abc", actions[0], strict=True))
    if not swapped:
        with pytest.raises(ContractError, match="correct one"):
            close(("a", "b", "c"), stated)
        return
    closed = close(("a", "b", "c"), stated)
    turned = close(("a", "b", "c"), dict(reversed(stated.items())))
    again = close(("a", "b", "c"), {k: v for k, v in closed.items() if k[1] != "identity"})
    plain = [{k: (r.kind, r.to) for k, r in table.items()} for table in (closed, turned, again)]
    assert plain[0] == plain[1] == plain[2]


def test_limits_that_are_not_limits_are_refused_when_made():
    with pytest.raises(ContractError, match=r"limits\['\*'\] must be Limits, got \{'hue': 30\}"):
        Contract(("a",), limits={"*": {"hue": 30}})  # type: ignore[dict-item]
