"""Files and values that a contract refuses, and labels and tables that it gives."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsafe.contracts import KINDS, SYMMETRIES, Contract, Limits, Relation
from augsafe.errors import ContractError

NAMES = st.text(min_size=1, max_size=6).filter(lambda text: text != "*" and text.isprintable())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes: [a]\nrelation: {}", "line 2: .*unknown key 'relation'"),
        ("classes: [a]\nrelations:\n  a:\n    hfilp: same", "line 4: .*'hfilp'; did you mean 'hflip'"),
        ("classes: [cat]\nrelations:\n  cats: {hflip: same}", "line 3: .*'cats'; did you mean 'cat'"),
        ("classes: [a]\nrelations:\n  a: {hflip: {to: b}}", "line 3: .*no class 'b'"),
        ("classes: [a]\nrelations:\n  a: {hflip: {to: 9}}", "line 3: .*quotes"),
        ("classes: [a]\nrelations:\n  a: {hflip: {to: a, or: b}}", "line 3: .*same, ambiguous"),
        ("classes: [a]\nrelations:\n  a: [hflip]", "line 3: relations.a must be 'name: value' pairs"),
        ("classes: ['6']\nrelations:\n  6: {hflip: same}", "line 3: .*put the name 6 in quotes"),
        ("classes: [a]\nrelations:\n  a:\n    hflip: same\n    hflip: invalid", "line 5: 'hflip' already .* line 4"),
        ("relations:\n  a: {hflip: same}", "line 2: .*classes is empty"),
        ("relations:\n  '*': {hflip: {to: a}}", "line 2: .*class by class"),
        ("classes: ['*']", "line 1: '\\*' stands for all"),
        ("classes: a", "line 1: classes must be a list"),
        ("classes: [a]\nlimits:\n  b: {rotation: 3}", "line 3: .*no class 'b'"),
        ("classes: [a]\nlimits:\n  a: {zoom: [2, 1]}", "line 3: .*zoom.*2, 1"),
        ("classes: [a]\nlimits:\n  a: {zoom: 2}", "line 3: .*zoom"),
        ("classes: [a]\nlimits:\n  a: {visible: 70}", "line 3: .*share.*70"),
        ("classes: [a]\nlimits:\n  a: {rotation: .nan}", "line 3: .*rotation.*nan"),
        ("classes: [a]\nlimits:\n  a: {rotation: yes}", "line 3: .*rotation.*True"),
        ("classes: [a]\nlimits:\n  a: {rotatoin: 3}", "line 3: .*'rotatoin'"),
        (
            "classes: [a]\naccept:\n  - {code: AS101, steps: [x], classes: [b], reason: known}",
            "line 3: .*no class 'b'",
        ),
        ("classes: [a]\naccept:\n  - {code: AS101, steps: [x], classes: [a]}", "line 3: .*missing: reason"),
        ("classes: [a]\naccept:\n  - {code: AS101, steps: x, classes: [a], reason: z}", "line 3: .*steps.*list"),
        ("classes: [a]\naccept:\n  - {code: AS101, steps: [x], classes: [], reason: z}", "line 3: .*nothing is accept"),
        ("- a", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("a: 2020-99-99", "not valid YAML"),
        ("classes: &a [*a]", "must hold texts"),
        ("[" * 5000, "not valid YAML"),
    ],
)
def test_mistakes_name_their_line(text, words):
    with pytest.raises(ContractError, match=words):
        Contract.from_yaml(text)


def test_mistakes_without_lines_are_named_all_the_same():
    with pytest.raises(ContractError, match=r"relations\.a\.hflip .*relations\.a\.vflip"):
        Contract.from_dict(
            {"classes": ["a"], "relations": {"a": {"hflip": "same", "vflip": "same", "rot180": "invalid"}}}
        )
    with pytest.raises(ContractError, match="kind='to'"):
        Relation("to")
    with pytest.raises(ContractError, match="'sane'"):
        Relation("sane")
    with pytest.raises(ContractError, match="-1"):
        Limits(min_pixels=-1)


def test_a_broken_file_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("classes: [a]\nrelations: {b: {hflip: same}}", encoding="utf-8")
    with pytest.raises(ContractError, match=r"mine\.yaml: line 2"):
        Contract.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="cannot be read"):
        Contract.load(path)


@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.dictionaries(st.sampled_from(SYMMETRIES[1:]), st.sampled_from(["ambiguous", "invalid", "unknown"]), max_size=4),
    st.fixed_dictionaries({}, optional={"rotation": st.floats(0, 90), "visible": st.floats(0, 1)}),
)
def test_round_trips(tmp_path_factory, classes, symmetries, limits):
    body = {
        "name": "x",
        "classes": classes,
        "relations": {classes[0]: symmetries} if symmetries else {},
        "limits": {classes[-1]: limits},
        "accept": [{"code": "AS101", "steps": ["HorizontalFlip"], "classes": classes[:1], "reason": "known"}],
    }
    contract = Contract.from_dict(body)
    assert contract.to_dict() == body
    path = tmp_path_factory.mktemp("contract") / "x.yaml"
    contract.save(path)
    for again in (Contract.from_yaml(contract.to_yaml()), Contract.load(path), pickle.loads(pickle.dumps(contract))):
        assert again == contract
        assert again.relations == contract.relations


def test_only_what_is_stated_is_written():
    contract = Contract.from_dict({"classes": ["a", "b"], "relations": {"a": {"hflip": {"to": "b"}}}})
    assert str(contract.relation("b", "hflip")) == "to a"
    assert contract.to_dict()["relations"] == {"a": {"hflip": {"to": "b"}}}


def test_star_is_a_rule_for_the_rest():
    contract = Contract.from_yaml("classes: [a, b]\nrelations:\n  '*': {hflip: same}\n  b: {hflip: unknown}")
    assert [str(contract.relation(c, "hflip")) for c in "ab"] == ["same", "unknown"]


def test_limits_of_a_class_go_over_those_of_all_field_by_field():
    contract = Contract.from_yaml("classes: [a, b]\nlimits: {'*': {rotation: 30, visible: 0.5}, a: {rotation: 0}}")
    assert contract.limits_for("a") == Limits(rotation=0, visible=0.5)
    assert contract.limits_for(1) == Limits(rotation=30, visible=0.5)


def test_tables_hold_the_closure_and_cannot_be_changed():
    contract = Contract.builtin("text")
    tables = contract.tables()
    assert tables is contract.tables()
    assert (tables.kind.dtype, tables.kind.shape) == (np.dtype(np.int8), (62, 8))
    for i, cls in enumerate(contract.classes):
        for j, symmetry in enumerate(SYMMETRIES):
            relation = contract.relation(cls, symmetry)
            assert KINDS[tables.kind[i, j]] == relation.kind
            assert tables.target[i, j] == (contract.index(relation.to) if relation.to else -1)
    with pytest.raises(ValueError, match="read-only"):
        tables.target[0, 0] = 1


def test_tables_where_there_is_no_limit():
    tables = Contract(("a",)).tables()
    values = [tables.rotation[0], tables.zoom_lo[0], tables.zoom_hi[0], tables.visible[0], tables.min_pixels[0]]
    assert values == [np.inf, 0, np.inf, 0, 0]
    assert Contract.builtin("texture").tables().kind.shape == (0, 8)


def test_what_is_passed_in_is_copied():
    relations = {("a", "hflip"): Relation("same")}
    contract = Contract(("a",), relations)
    before = copy.deepcopy(contract)
    relations["a", "vflip"] = Relation("invalid")
    assert contract == before


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_integer_arrays_are_indices(dtype):
    out = Contract.builtin("mnist").indices(np.array([3, 0, 9], dtype=dtype))
    assert (out.dtype, out.tolist()) == (np.dtype(np.int64), [3, 0, 9])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([1, 10]), r"labels\[1\]: label 10 is out of range"),
        (np.array([0, -1]), r"labels\[1\]: label -1 is out of range"),
        (np.array([0.0, 1.0]), r"labels\[0\].*0\.0"),
        (np.array([True, False]), r"labels\[0\].*True"),
        (np.zeros((2, 1), int), r"one axis.*\(2, 1\)"),
        ([0, float("nan")], r"labels\[1\].*nan"),
        (["6", "sixx"], r"labels\[1\]: the contract has no class 'sixx'"),
        ("6", "sequence"),
        (6, "sequence"),
    ],
)
def test_wrong_labels_name_their_place(labels, words):
    with pytest.raises(ContractError, match=words):
        Contract.builtin("mnist").indices(labels)


def test_near_names_are_offered():
    with pytest.raises(ContractError, match="did you mean 'airplane'"):
        Contract.builtin("cifar10").index("aeroplane")
    with pytest.raises(ContractError, match="did you mean 'rot180'"):
        Contract.builtin("mnist").relation("6", "rot18")


def test_labels_need_classes():
    with pytest.raises(ContractError, match="with_classes"):
        Contract.builtin("aerial").index("forest")


def test_for_classes_puts_the_order_of_the_data_first():
    mine = Contract.builtin("mnist").for_classes(["9", "6"])
    assert mine.classes[:2] == ("9", "6")
    assert sorted(mine.classes) == list("0123456789")
    assert mine.tables().target[0, SYMMETRIES.index("rot180")] == 1
    assert Contract.builtin("texture").for_classes(["sand"]).classes == ("sand",)
    with pytest.raises(ContractError, match="no class 'ten', 'eleven'"):
        Contract.builtin("mnist").for_classes(["1", "ten", "eleven"])


def test_acceptance_is_for_these_steps_and_classes():
    entry = {"code": "AS101", "steps": ["H", "V"], "classes": ["a"], "reason": "known"}
    contract = Contract.from_dict({"classes": ["a", "b"], "accept": [entry]})
    assert contract.accepts("AS101", ("V", "H"), "a") == "known"
    assert contract.accepts("AS101", ("H",), "a") is None
    assert contract.accepts("AS102", ("H", "V"), "a") is None
    assert contract.accepts("AS101", ("H", "V"), "b") is None
    anywhere = Contract.from_dict({"classes": ["a", "b"], "accept": [{**entry, "classes": ["*"]}]})
    assert anywhere.accepts("AS101", ("H", "V"), "b") == "known"
