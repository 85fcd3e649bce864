"""Fixing choices: a branch that breaks the contract goes, the others stay; and a fix looks at each image once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from skimage import data

import augsafe as aug
from augsafe.guards import Finding, fixed_policy
from augsafe.guards.tone import levels
from augsafe.guards.tone import rules as tone
from augsafe.guards.tone.levels import by_pixels

MNIST = aug.Contract.builtin("mnist")
FLIP, TURN, BRIGHT = aug.HorizontalFlip(p=1.0), aug.Rotate((-10, 10)), aug.Brightness()
CHOICES = {
    "OneOf": aug.OneOf([TURN, FLIP, BRIGHT]),
    "SomeOf": aug.SomeOf([TURN, FLIP, BRIGHT], n=(1, 2)),
    "AllOf in OneOf": aug.OneOf([aug.AllOf([TURN, FLIP]), BRIGHT]),
    "Repeat": aug.Repeat(aug.OneOf([aug.Rotate((-5, 5)), FLIP]), times=2),
}


def labels_of(policy: aug.Compose) -> set[str]:
    return {leaf.label.partition("/")[0] for leaf in policy.leaves}


@pytest.mark.parametrize("kind", CHOICES)
def test_only_the_branch_that_breaks_the_contract_is_left_out(kind):
    policy = aug.Compose([aug.Shift((-0.05, 0.05), (0, 0)), CHOICES[kind]], border="constant")
    report = aug.check(policy, contract="mnist")
    assert not report.ok and report.fixed is not None
    assert labels_of(report.fixed) == labels_of(policy) - {"HorizontalFlip"}
    assert type(report.fixed.steps[1]) is type(policy.steps[1])
    assert report.changes == (f"{policy.steps[1].label}: leave out HorizontalFlip",)
    assert aug.check(report.fixed, contract="mnist").ok
    assert aug.Compose.from_yaml(report.fixed.to_yaml()) == report.fixed


def test_a_choice_without_a_good_branch_is_left_out_whole():
    policy = aug.Compose([aug.OneOf([FLIP, aug.VerticalFlip()]), TURN], border="constant")
    report = aug.check(policy, contract="mnist")
    assert labels_of(report.fixed) == {"Rotate"} and report.changes == ("leave out OneOf",)


def test_the_chances_of_the_branch_go_to_the_others():
    policy = aug.Compose([aug.OneOf([TURN, FLIP, BRIGHT], weights=(1, 2, 3), p=0.5)], border="constant")
    (choice,) = aug.check(policy, contract="mnist").fixed.steps
    assert choice.weights == (0.25, 0.75) and choice.p == 0.5


def test_branches_that_are_left_equally_likely_have_no_weights():
    policy = aug.Compose([aug.OneOf([TURN, FLIP, BRIGHT], p=0.5)], border="constant")
    (choice,) = aug.check(policy, contract="mnist").fixed.steps
    assert choice.weights is None and [child.label for child in choice.children] == ["Rotate", "Brightness"]


@dataclass(frozen=True)
class Words:
    """A trial that only repeats findings: those of the check, or none."""

    findings_of: Callable[[aug.Compose], Sequence[Finding]]
    contract: aug.Contract = MNIST
    size: tuple[int, int] = (224, 224)

    def broken(self, policy: aug.Compose) -> list[Any]:
        return []

    def rates(self, policy: aug.Compose, codes: frozenset[str]) -> dict[str, dict[int, float]]:
        return {}

    def findings(self, policy: aug.Compose, codes: frozenset[str] | None = None) -> Sequence[Finding]:
        return self.findings_of(policy)


def test_the_last_word_has_the_check():
    wide = aug.Compose([aug.Rotate((-40, 40))], border="constant")

    def found(policy: aug.Compose) -> Sequence[Finding]:
        return aug.check(policy, contract="mnist", suggest=False).findings

    blind, _ = fixed_policy(wide, found(wide), Words(lambda policy: ()))
    assert blind == wide and not aug.check(blind, contract="mnist").ok  # the negative control
    fixed, _ = fixed_policy(wide, found(wide), Words(found))
    assert aug.check(fixed, contract="mnist").ok and fixed.step("Rotate").angle[1] > 29
    assert fixed_policy(wide, found(wide), Words(lambda policy: found(wide))) == (None, ())


def test_histograms_are_taken_once_for_all_policies_that_a_fix_tries(monkeypatch):
    images = [data.astronaut()[y : y + 64, :64] for y in range(0, 400, 10)]
    taken = []
    true = levels.object_histograms

    def counted(some, *given):
        taken.append(len(some))
        return true(some, *given)

    monkeypatch.setattr(tone, "object_histograms", counted)
    policy = aug.Compose([aug.Contrast((0.02, 1))])
    whole = np.ones((len(images), 64, 64), bool)
    report = aug.check(policy, images, masks=whole, draws=2000)
    assert report.changes and len(taken) >= 2 and sum(taken) == len(images)


def test_large_images_are_measured_on_a_part_of_their_pixels(monkeypatch):
    photo = data.astronaut()
    bright = np.minimum(photo.astype(int) * 3, 255).astype(np.uint8)

    def measured(most: int) -> list[float]:
        monkeypatch.setattr(levels, "MOST_PIXELS", most)
        found = by_pixels([photo], [bright], None)
        return [float(found.clipped[0]), float(found.contrast[0])]

    whole, part, few = measured(10**9), measured(65_536), measured(4)
    assert part == pytest.approx(whole, abs=0.01) and part != whole
    assert few != pytest.approx(whole, abs=0.01)  # the negative control: four pixels are no measure
