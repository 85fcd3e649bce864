"""The static guard: truth stated by hand, witnesses, probabilities, smallest sets, acceptance, examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from augsafe import Compose, HorizontalFlip, Perspective, Rotate, Rotate90, Shift, VerticalFlip, Zoom
from augsafe.checking import check
from augsafe.contracts import Contract
from augsafe.guards import GUARDS, static_check
from augsafe.guards.measured.example import DATA
from augsafe.guards.symmetry import bounds as reach_module
from benchmarks import static_table
from benchmarks.coverage import static as coverage
from benchmarks.static_table import ROWS, cells, scores

FLIPS = Compose([HorizontalFlip(), VerticalFlip()])


def find(report, code, cls, verdict=None):
    return [f for f in report.parts if f.code == code and cls in f.classes and verdict in (None, f.verdict)]


def test_the_table_of_truth():
    table = cells(draws=3000)
    assert len(table) >= 200
    assert [c for c in table if c[2] != c[3]] == []
    assert scores(table)[:2] == (1.0, 1.0)


def test_the_table_catches_a_guard_that_forgets_mirrors(monkeypatch):
    """Negative control: with flips taken for the identity the table must show it."""
    broken = static_table.judge

    def blind(plan):
        return replace(broken(plan.jacobian), symmetry=broken(plan.jacobian).symmetry * 0)

    monkeypatch.setattr("augsafe.guards.symmetry.static.judge_plan", blind)
    monkeypatch.setattr(static_table, "witnesses_hold", lambda row, result: True)
    assert scores(cells(ROWS[:8], draws=500))[1] < 0.5


def test_six_becomes_nine_by_the_combination():
    report = check(FLIPS, contract="mnist")
    (found,) = find(report, "AS102", "6", "changes")
    assert found.steps == ("HorizontalFlip", "VerticalFlip")
    assert found.becomes["6"] == "9"
    assert find(report, "AS102", "9", "changes")[0].becomes["9"] == "6"
    assert found.probability == pytest.approx(0.25, abs=0.01)
    assert found.interval[0] < 0.25 < found.interval[1]
    assert found.how == "proven"
    alone = [f for f in find(report, "AS101", "6", "invalid") if f.steps == ("HorizontalFlip",)]
    assert alone[0].per_class["6"] == pytest.approx(0.25, abs=0.01)
    # a 4 that is mirrored is none, whatever the other flip does
    assert alone[0].per_class["4"] == pytest.approx(0.5, abs=0.02)
    assert not report.ok


def test_witness_replays():
    report = check(FLIPS, contract="mnist")
    for finding in report.findings:
        plan = FLIPS.replay(finding.witness.record)
        assert (plan.matrix[0] == finding.witness.matrix).all()


def test_rare_violations_are_found_and_bounded():
    policy = Compose([Rotate((170, 190), p=1e-7)])
    (found,) = find(check(policy, contract="mnist", suggest=False), "AS101", "6", "changes")
    assert found.probability == 0.0
    assert 0 < found.interval[1] < 1e-3


@pytest.mark.parametrize(
    "policy", [[Rotate((-60, 60))], [Rotate((-30, 30)), Rotate((-30, 30))], [Zoom((0.9, 1.1)), Rotate((-60, 60))]]
)
def test_what_has_probability_zero_is_no_error(policy):
    """At 60 degrees to the bit a quarter turn is within the limit of 30: no sample comes there."""
    report = check(Compose(policy), contract="mnist", suggest=False)
    assert [(f.code, f.verdict) for f in report.findings] == [("AS106", "outside-limits")]
    (note,) = [note for note in report.notes if "very end of a range" in note]
    assert "rot90 and rot270" in note and "probability zero" in note


def test_a_fixed_angle_at_the_limit_is_reached():
    """The twin: an angle of 60 degrees that is not sampled from a range, however rarely it comes."""
    for policy in (Rotate((60, 60)), Rotate((60, 60), p=1e-7)):
        report = check(policy, contract="mnist", suggest=False)
        assert find(report, "AS101", "4", "invalid") and not any("very end" in note for note in report.notes)


def test_a_rare_witness_is_not_taken_from_the_limit():
    """Rotate90 brings quarter turns about, once in millions; the end of Rotate's range never does."""
    policy = Compose([Rotate((-60, 60)), Rotate90(p=1e-7)])
    found = [f for f in check(policy, contract="mnist", suggest=False).findings if f.code != "AS106"]
    assert found and all("Rotate90" in f.steps for f in found)


def test_rates_of_sets_are_as_sure_as_what_was_looked_at():
    """1,000 of 25,000 violating samples are looked at: the rate of one set of three is known from these."""
    true = coverage.flips()
    found = static_check(coverage.FLIPS, coverage.CONTRACT, content=False).findings
    assert {f.steps for f in found} == set(true)
    for finding in found:
        low, high = finding.interval
        assert low < true[finding.steps] < high
        share = true[finding.steps] / sum(true.values())
        assert high - low > 3.6 * sum(true.values()) * np.sqrt(share * (1 - share) / 1000)


def test_absence_is_proven_or_undecided():
    gentle = check(Compose([Rotate((-10, 10)), Zoom((0.9, 1.1))]), contract="mnist")
    assert gentle.ok
    assert set(gentle.verdicts.values()) == {"safe"}
    tilted = check(Compose([Shift(x=(-0.9, 0.9)), Perspective(x=(-0.5, 0.5))]), contract="cifar10")
    assert "safe" not in tilted.verdicts.values()


def test_verdicts_of_cells():
    report = check(Compose([HorizontalFlip(), VerticalFlip(), Rotate((-10, 10))]), contract="mnist")
    assert report.verdict(["HorizontalFlip", "VerticalFlip"], "6") == "changes"
    assert report.verdict("HorizontalFlip", "6") == "invalid"
    assert report.verdict(HorizontalFlip(), "8") == "safe"
    assert report.verdict("HorizontalFlip", "2") == "ambiguous"
    assert report.verdict(["Rotate"], 6) == "safe"
    assert report.verdict(None, "6") == "changes"


def test_accepted_findings_do_not_count():
    known = Contract.builtin("cifar10").to_dict()
    known["accept"] = [
        {"code": "AS101", "steps": ["VerticalFlip"], "classes": list(known["classes"]), "reason": "old policy"}
    ]
    report = check(Compose([VerticalFlip()]), contract=Contract.from_dict(known))
    assert report.ok
    assert {f.accepted for f in report.findings if f.code == "AS101"} == {"old policy"}


def test_fixed_policy_has_no_errors():
    careless = Compose([Shift((-0.3, 0.3), (-0.3, 0.3)), Zoom((0.5, 2)), Rotate((-40, 40)), *FLIPS.steps])
    report = check(careless, contract="mnist")
    assert report.fixed is not None
    assert check(report.fixed, contract="mnist").ok
    assert {"Shift", "Zoom", "Rotate"} <= {s.name for s in report.fixed.steps}


def test_without_a_contract_nothing_is_called_safe_or_wrong():
    report = check(Compose([HorizontalFlip()]), classes=["a", "b"])
    assert report.ok
    assert set(report.verdicts.values()) == {"unknown"}


def test_bounds_decide_what_is_proven(monkeypatch):
    """Negative control: without bounds, what is not seen is undecided and never safe."""
    monkeypatch.setattr(
        "augsafe.guards.symmetry.static.reach",
        lambda *a: replace(reach_module.reach(Compose(())), known=False),
    )
    result = static_check(Compose([Rotate((-10, 10))]), Contract.builtin("mnist"), draws=500)
    assert set(result.verdicts.values()) == {"undecided"}


def policy_of(example):
    if example.how == "torchvision":
        torch = pytest.importorskip("torch")
        v2 = pytest.importorskip("torchvision.transforms.v2")
        return eval(example.policy, {"torch": torch, "v2": v2})
    return Compose.from_yaml(example.policy)


def role_of(example):
    return "validation" if example.how == "validation" else "training"


@pytest.mark.parametrize("guard", GUARDS.values(), ids=lambda g: g.code)
def test_each_rule_fires_and_is_silent(guard):
    images = masks = None
    if guard.code.startswith("AS2"):
        masks = np.zeros((4, 64, 64), np.uint8)
        masks[:, 22:42, 22:42] = 1
        images = masks * 200
    for example, expected in ((guard.fires, True), (guard.silent, False)):
        if example.how == "words":
            continue  # tests/guards/pipelines/test_roles.py shows both
        policy, labels = policy_of(example), None
        contract = example.contract
        if contract and contract.startswith("{"):
            contract = Contract.from_yaml(contract)
        if example.data:
            images, labels = DATA[example.data]()
            masks = np.ones(np.shape(images)[:3], bool)  # the texture of the whole image is what matters
        if not guard.code.startswith(("AS1", "AS4")) and contract is None:
            labels = None  # measuring class change takes long, and has its own tests
        report = check(policy, images, labels, masks=masks, contract=contract, suggest=False, role=role_of(example))
        found = [f for f in report.findings if f.code == guard.code]
        assert bool(found) == expected, example
        guessed = example.data is None and masks is None and guard.code.startswith("AS2")
        assert all(f.severity == ("info" if guessed else guard.severity) for f in found)
