"""The evidence beside each line of the built-in contracts, recomputed from fonts and handwriting."""

from __future__ import annotations

import re

import pytest

from augsafe.contracts import SYMMETRIES, Contract, Relation
from benchmarks import contract_evidence as evidence

PRINT, HANDS = ("text", "svhn"), ("emnist-letters",)
SOURCES = ("aerial", "chest-xray", "cifar10", "fashion-mnist", "gtsrb", "laterality", "texture")
MEASURED = (*PRINT, *HANDS, "mnist")
fonts = pytest.mark.skipif(bool(evidence.missing()), reason=f"fonts are not here: {', '.join(evidence.missing())}")

# A reader decides otherwise than the overlap: (contract, class, symmetry); why is said at the top of each file.
READ_OTHERWISE = {
    *(("text", cls, "rot180") for cls in "MWAThi"),
    *(("text", cls, symmetry) for cls in "h" for symmetry in ("hflip", "vflip")),
    *(("text", cls, "vflip") for cls in "AFTi"),
    ("text", "Q", "hflip"),
}


@pytest.fixture(scope="module")
def measures():
    return evidence.measures()


def supported(relation: Relation, value: float, least: float = 0.58, most: float = 0.7) -> bool:
    """Whether an overlap agrees with a relation; what is ambiguous asks for nothing."""
    if relation.kind in ("same", "to"):
        return value >= least
    return relation.kind == "ambiguous" or value <= most


def facts(name, measures):
    """(class, symmetry, relation, fact) of each stated relation of a contract."""
    contract = Contract.builtin(name)
    for _, cls, _, _ in evidence.lines(name):
        for symmetry, each in evidence.evidence(measures[name], contract, cls).items():
            for fact in each:
                yield cls, symmetry, contract.relation(cls, symmetry), fact


@pytest.mark.parametrize("name", Contract.builtin_names())
def test_each_line_has_evidence(name):
    """Numbers where something measures them, else what the source says."""
    found = list(evidence.lines(name))
    stated = {cls for cls, _ in Contract.builtin(name).relations}
    assert {cls for _, cls, _, _ in found} == stated
    for _, cls, _, why in found:
        assert (re.match(rf"({'|'.join(SYMMETRIES)}) \S+ \d", why) is not None) == (name in MEASURED), (name, cls, why)
        assert len(why) > 15, (name, cls)
        assert name != "gtsrb" or re.match(r"sign \d{3}", why)


def test_every_contract_is_measured_or_rests_on_its_source():
    assert sorted((*MEASURED, *SOURCES)) == sorted(Contract.builtin_names())


@pytest.mark.parametrize("name", MEASURED)
def test_the_numbers_are_recomputed(name, measures):
    if name not in measures:
        pytest.skip(f"fonts are not here: {', '.join(evidence.missing())}")
    for _, cls, _, why in evidence.lines(name):
        again = evidence.written(evidence.evidence(measures[name], Contract.builtin(name), cls))
        there, here = (re.findall(r"(?<= |/)(\S+) (\d+)", text) for text in (why, again))
        assert len(there) == len(here), (cls, why, again)
        for (_, old), (_, new) in zip(there, here, strict=True):
            assert abs(int(old) - int(new)) <= 5, (cls, why, again)


@fonts
@pytest.mark.parametrize("name", PRINT)
def test_printed_relations_agree_with_the_overlap(name, measures):
    doubtful = {(name, cls, symmetry) for cls, symmetry, relation, fact in facts(name, measures)
                if not supported(relation, fact.value)}  # fmt: skip
    assert doubtful <= READ_OTHERWISE
    if name == "text":
        assert len(doubtful) > 8  # exceptions that are none any more go


@fonts
def test_letters_of_hands_agree_with_the_overlap(measures):
    """Hands lean and their strokes are thin, so less is asked; what is invalid is not near itself."""
    for cls, symmetry, relation, fact in facts("emnist-letters", measures):
        near_itself = relation.kind == "invalid" and fact.cls == cls
        assert supported(relation, fact.value, least=0.5, most=0.65 if near_itself else 1.0), (cls, symmetry, str(fact))


def test_handwritten_digits_agree_with_the_images(measures):
    """What keeps or swaps a digit brings most of its images nearest to it; what is invalid does not leave it there."""
    for cls, symmetry, relation, fact in facts("mnist", measures):
        lies_with_itself = relation.kind == "invalid" and fact.cls == cls
        assert supported(relation, fact.value, least=0.55, most=0.75 if lies_with_itself else 1.0), (cls, symmetry)


@fonts
@pytest.mark.parametrize(
    ("name", "cls", "symmetry", "wrong"),
    [
        ("text", "1", "rot180", Relation("same")),
        ("text", "2", "rot180", Relation("same")),
        ("text", "b", "hflip", Relation("invalid")),
        ("text", "n", "rot180", Relation("invalid")),
        ("text", "N", "hflip", Relation("same")),
        ("svhn", "5", "rot180", Relation("same")),
        ("svhn", "4", "transpose", Relation("invalid")),
    ],
)
def test_control_a_wrong_line_is_not_supported(name, cls, symmetry, wrong, measures):
    """Negative control: lines as they once stood, and lines turned on their head."""
    assert not all(supported(wrong, fact.value) for fact in measures[name].facts(cls, symmetry, wrong))


def test_control_a_wrong_line_on_handwriting_is_not_supported(measures):
    turned = measures["mnist"].facts("2", "rot180", Relation("same"))
    assert not any(supported(Relation("same"), fact.value, least=0.55) for fact in turned)
