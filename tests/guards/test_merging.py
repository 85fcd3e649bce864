"""One finding a cause: what is merged, at which rates, and what must stay apart."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

import augsafe as aug
from augsafe.contracts import Contract
from augsafe.demo import careless, digits
from augsafe.guards import Finding, by_code
from augsafe.report import headline
from augsafe.report.text import plain_text

FLIPS = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip()])


@pytest.fixture(scope="module")
def demo():
    images, labels = digits()
    masks = [(image > 60).astype(np.uint8) for image in images]
    return aug.check(careless(), images, labels, masks=masks, contract="mnist")


def made(code: str, steps: tuple[str, ...], rate: float, **more: object) -> Finding:
    words = {"severity": "error", "how": "sampled", "evidence": "stated", "verdict": "content-lost", "message": "m"}
    words |= {"classes": ("a",), "help": "h", "per_class": {"a": rate}, "interval": (rate / 2, 2 * rate), **more}
    return Finding(code=code, steps=steps, probability=rate, **words)  # type: ignore[arg-type]


def test_the_careless_policy_has_six_findings_and_each_says_what_to_do(demo):
    shown = [f for f in demo.findings if not f.minor]
    assert len(shown) <= 6 and max(Counter(f.code for f in demo.findings).values()) == 1
    assert all(f.help and f.probability for f in shown)
    assert len(demo.parts) > len(demo.findings)
    assert "Do this first: leave out HorizontalFlip." in headline(demo)


def test_the_whole_is_as_severe_and_as_frequent_as_its_parts_together(demo):
    several = [f for f in demo.findings if f.parts]
    assert {"AS101", "AS106", "AS201"} <= {f.code for f in several}
    for f in several:
        assert f.severity == min((p.severity for p in f.parts), key=("error", "warning", "info").index)
        assert set(f.classes) == {c for p in f.parts for c in p.classes}
        assert set(f.steps) == {s for p in f.parts for s in p.steps}
        worst = max(f.per_class, key=lambda c: f.per_class[c])
        assert f.probability == f.per_class[worst] and f.interval[0] <= f.probability <= f.interval[1]
        added = sum(p.per_class.get(worst, 0.0) for p in f.parts)
        assert f.probability >= max(p.per_class.get(worst, 0.0) for p in f.parts) - 1e-3
        if f.how == "proven":  # else rare sets of steps are not listed, and the others are read off some samples
            assert f.probability <= added + 1e-3


def test_limits_that_are_passed_together_are_counted_once():
    """Zoom beyond 0.7 to 1.4 in half of the samples, rotation beyond 30 degrees in a quarter, both in an eighth."""
    policy = aug.Compose([aug.Zoom((0.5, 2)), aug.Rotate((-40, 40))])
    (limits,) = [f for f in aug.check(policy, contract="mnist").findings if f.code == "AS106"]
    assert [p.steps for p in limits.parts] == [("Zoom",), ("Rotate",)]
    assert limits.help.startswith("Narrow the range of Zoom and Rotate.")
    assert limits.probability == pytest.approx(0.5 + 0.25 - 0.125, abs=0.01)


def test_what_a_contract_accepts_by_steps_is_accepted_of_the_part():
    known = Contract.builtin("mnist").to_dict()
    every = ["3", "4", "6", "7", "9"]
    known["accept"] = [{"code": "AS101", "steps": ["HorizontalFlip"], "classes": every, "reason": "old policy"}]
    report = aug.check(FLIPS, contract=Contract.from_dict(known), suggest=False)
    accepted, other = sorted((f for f in report.findings if f.code == "AS101"), key=lambda f: f.accepted is None)
    assert (accepted.steps, accepted.accepted) == (("HorizontalFlip",), "old policy")
    assert (other.steps, other.accepted) == (("VerticalFlip",), None)
    assert other.probability == pytest.approx(0.25, abs=0.01)  # of a 4 that HorizontalFlip leaves as it is


def test_a_guess_does_not_become_an_error():
    fact = made("AS201", ("Shift",), 0.3)
    guess = made("AS201", ("Zoom",), 0.4, severity="info", evidence="guessed", verdict="undecided", classes=("b",))
    found = by_code([fact, guess], ("a", "b"), ("Shift", "Zoom"))
    assert [(f.severity, f.evidence, f.steps) for f in found] == [
        ("error", "stated", ("Shift",)),
        ("info", "guessed", ("Zoom",)),
    ]


def test_what_guards_counted_of_the_whole_goes_before_the_sum():
    whole = {"a": (0.35, 0.3, 0.4)}
    parts = [made("AS201", ("Shift",), 0.3, whole=whole), made("AS201", ("Zoom",), 0.1, whole=whole)]
    (counted,) = by_code(parts, ("a",), ("Zoom", "Shift"))
    assert (counted.probability, counted.interval, counted.steps) == (0.35, (0.3, 0.4), ("Zoom", "Shift"))
    (summed,) = by_code([made("AS201", ("Shift",), 0.3), made("AS201", ("Zoom",), 0.1)], ("a",), ("Zoom", "Shift"))
    assert summed.probability == pytest.approx(0.4) and summed.interval == pytest.approx((0.2, 0.8))
    assert by_code([made("AS201", ("Shift",), 0.3)], ("a",), ("Shift",))[0].parts == ()


def test_text_and_json_list_the_parts(demo):
    body = {f["code"]: f for f in json.loads(demo.to_json())["findings"]}
    assert [p["steps"] for p in body["AS101"]["parts"]] == [["HorizontalFlip"], ["VerticalFlip"]]
    assert body["AS204"]["parts"] == []
    text = " ".join(plain_text(demo, width=1000).split())
    assert "AS201 error Shift + Zoom, Zoom: all classes, in up to" in text
    assert "By Shift + Zoom in" in text
    assert "- VerticalFlip in 19%: mirrors the image upside down" in text


def test_what_is_under_its_limit_is_one_line():
    images = [np.kron(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4, np.ones((16, 16), np.uint8))] * 400
    masks = [np.ones((128, 128), np.uint8)] * 400
    report = aug.check(
        aug.Compose([aug.Brightness((0.5, 1.9)), aug.Zoom((0.7, 1.1))], border="constant"), images, masks=masks
    )
    minor = {f.code for f in report.findings if f.minor}
    assert "AS204" in minor and report.ok
    text = plain_text(report, width=1000)
    assert "Under their limits: " in text and "AS204 info" not in text
    assert "AS204 by Zoom in" in text


def test_the_headline_without_a_fix_says_what_the_finding_says():
    report = aug.check(FLIPS, contract="mnist", suggest=False)
    assert "Do this first: Remove HorizontalFlip or VerticalFlip" in headline(report)
    assert "first" not in headline(aug.check(aug.Rotate((-5, 5)), contract="mnist"))
