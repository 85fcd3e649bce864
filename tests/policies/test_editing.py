"""A policy file is edited in place: what a person wrote stays, and the text reads as the new policy."""

from __future__ import annotations

import json

import pytest

import augsafe as aug
from augsafe.policies import edited_text

COMMENTED = """\
# our digits
steps:
  # they move a little
  - Shift: {x: [-0.1, 0.1], y: [-0.1, 0.1]}  # a tenth
  - Rotate:  # turned
      angle: [-40, 40]
      p: 0.5
  - HorizontalFlip   # who wrote this?
  # and zoom
  - Zoom
  - OneOf:
      children:
        - VerticalFlip
        - Brightness: {factor: [0.5, 2]}
        - Rotate:
            name: second
            angle:
              - -90
              - 90
border: constant  # black
"""
EDITED = """\
# our digits
steps:
  # they move a little
  - Shift: {x: [-0.1, 0.1], y: [-0.1, 0.1]}  # a tenth
  - Rotate:  # turned
      angle: [-10, 10]
      p: 0.25
  # and zoom
  - {Zoom: {factor: [0.9, 1.1]}}
  - OneOf:
      children:
        - Brightness: {factor: [0.5, 2]}
        - Rotate:
            name: second
            angle:
              [-20, 20.5]
border: constant  # black
"""
WANTED = aug.Compose(
    [
        aug.Shift(),
        aug.Rotate((-10, 10), p=0.25),
        aug.Zoom((0.9, 1.1)),
        aug.OneOf([aug.Brightness((0.5, 2)), aug.Rotate((-20, 20.5), name="second")]),
    ],
    border="constant",
)


def test_comments_and_spelling_stay():
    policy = aug.Compose.from_yaml(COMMENTED)
    assert edited_text(COMMENTED, policy, WANTED) == EDITED
    assert aug.Compose.from_yaml(EDITED) == WANTED
    assert edited_text(COMMENTED, policy, policy) == COMMENTED


TURN, LESS = "{Rotate: {angle: [-90, 90]}}", "{Rotate: {angle: [-30, 30]}}"
LISTS = {
    "first": (f"[HorizontalFlip, {TURN}, Brightness]", f"[{LESS}, Brightness]"),
    "last": (f"[{TURN}, HorizontalFlip, VerticalFlip]", f"[{LESS}]"),
    "between": ("[Brightness, HorizontalFlip, Rotate]", "[Brightness, Rotate]"),
    "a new argument": ("[{Rotate: {p: 0.5}}]", "[{Rotate: {p: 0.5, angle: [-5, 5]}}]"),
    "a repeated one": (f"[{{Repeat: {{child: {TURN}}}}}]", f"[{{Repeat: {{child: {LESS}}}}}]"),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_on_one_line(case):
    before, after = (f"steps: {text}\n" for text in LISTS[case])
    assert edited_text(before, *map(aug.Compose.from_yaml, (before, after))) == after


def test_json_stays_json():
    before = aug.Compose([aug.HorizontalFlip(), aug.Rotate((-90, 90)), aug.Brightness()])
    after = aug.Compose([aug.Rotate((-30, 30)), aug.Brightness((0.9, 1.1))])
    text = edited_text(json.dumps(before.to_dict(), indent=2), before, after)
    assert aug.Compose.from_dict(json.loads(text)) == after


@pytest.mark.parametrize(
    "text",
    [
        "steps:\n  - HorizontalFlip\n  - VerticalFlip\n",  # nothing is left
        "steps:\n  - {Rotate: {angle: [-90, 90]}}\n  - {Rotate: {angle: [-5, 5]}}\n",  # the second keeps its name
        "wide: &wide [-90, 90]\nsteps:\n  - {Rotate: {angle: [-90, 90]}}\n",  # no policy at all
    ],
)
def test_what_cannot_be_edited_is_written_afresh(text):
    policy = aug.Compose.from_yaml(text.partition("\n")[2] if text.startswith("wide") else text)
    new = aug.Compose(policy.steps[2:] if len(policy.steps) == 2 and "Flip" in text else policy.steps[1:])
    assert edited_text(text, policy, new) == new.to_yaml()
