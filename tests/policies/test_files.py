"""Policy files: what they hold, what they refuse, and their published schema."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augsafe as aug
from augsafe.errors import PolicyError
from augsafe.policies.schema import policy_schema
from tests.laws.cases import NAMES, transforms

SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FULL = """
augsafe: 1
border: constant
fill: 12
box_format: coco
min_visible: 0.25
keypoint_swaps: [[0, 1]]
steps:
- Shift: {x: [-0.1, 0.1]}
- HorizontalFlip
- OneOf:
    children: [{Rotate: {angle: [-5, 5]}}, {GaussianBlur: }]
    weights: [3, 1e-1]
output: {size: [32, 48], dtype: float32, layout: CHW, mean: [0.5, 0.5, 0.5]}
"""


def test_a_full_file_is_read_and_written_back() -> None:
    compose = aug.Compose.from_yaml(FULL)
    assert compose.output == aug.Output((32, 48), "float32", "CHW", mean=(0.5, 0.5, 0.5))
    assert compose.keypoint_swaps == ((0, 1),)
    assert compose.steps[2].weights == (3.0, 0.1)  # type: ignore[attr-defined]
    assert aug.Compose.from_yaml(compose.to_yaml()) == compose
    VALIDATOR.validate(compose.to_dict())


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_save_and_load(tmp_path: Path, ending: str) -> None:
    compose = aug.Compose.from_yaml(FULL)
    compose.save(tmp_path / f"policy.{ending}")
    assert aug.Compose.load(tmp_path / f"policy.{ending}") == compose


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [{Rotat: {}}]", "did you mean Rotate"),
        ("steps: [{Rotate: {angel: [1, 2]}}]", "did you mean angle"),
        ("steps: []\nbordr: reflect", "did you mean border"),
        ("steps: []\noutput: {sise: 3}", "did you mean size"),
        ("steps: [{Rotate: {angle: [9, 2]}}]", r"low > high"),
        ("steps: [{Rotate: {}, Shift: {}}]", "one transform"),
        ("steps: 3", "must be a list"),
        ("steps: []\naugsafe: 7", "format 7"),
        ("steps: []\nsteps: []", "line 2: the key 'steps' stands twice"),
        ("steps: [{Rotate: {p: 1, p: 0}}]", "stands twice"),
        ('{"steps": [], "steps": []}', "stands twice"),
        ("steps: [", "not valid YAML"),
        ("- Rotate", "mapping"),
        ("steps: [{OneOf: {children: 3}}]", "list of children"),
        ("steps: [Rotate]\nfill: {}", "fill"),
        ("", "mapping"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        aug.Compose.from_yaml(text)


@pytest.mark.parametrize(
    "attack",
    [
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{path}]]",
        "!!python/object/apply:os.mkdir [{path}]",
        "!!python/name:os.system",
    ],
)
def test_nothing_that_a_file_names_is_executed(tmp_path: Path, attack: str) -> None:
    target = tmp_path / "made"
    with pytest.raises(PolicyError):
        aug.Compose.from_yaml(f"steps: [{attack.format(path=target)}]")
    with pytest.raises(PolicyError):
        aug.Compose.from_yaml("steps: [{os.system: {command: ls}}]")
    assert not target.exists()


def test_a_record_of_another_policy_is_refused() -> None:
    record = aug.Compose([aug.Rotate()]).plan([(8, 8)], [0]).record()
    with pytest.raises(PolicyError, match="another policy"):
        aug.Compose([aug.Zoom()]).replay(record)


def test_the_published_schema_is_current() -> None:
    published = json.loads((files("augsafe.policies") / "policy.schema.json").read_text(encoding="utf-8"))
    assert published == SCHEMA, "write it again: json.dumps(policy_schema(), indent=2)"
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_every_policy_fulfils_the_schema(name: str, data: st.DataObject) -> None:
    step = data.draw(transforms(name))
    VALIDATOR.validate(json.loads(json.dumps(aug.Compose([step]).to_dict())))


@pytest.mark.parametrize(
    "body", [{"steps": [{"Rotat": {}}]}, {"steps": [{"Rotate": {"angel": 1}}]}, {"bordr": 1, "steps": []}, {}]
)
def test_the_schema_refuses_what_the_reader_refuses(body: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(body)


# As a person would write it

MADE = aug.Compose(
    [
        aug.Shift(),
        aug.Rotate((-10, 10)),
        aug.Rotate((-5, 5), p=0.5),
        aug.OneOf([aug.Brightness(), aug.Contrast((0.5, 1.5), name="flat")], weights=(1, 3)),
        aug.VerticalFlip(p=0.25),
    ],
    border="constant",
    fill=128.0,
    output=aug.Output(size=(32, 32), dtype="float32", std=(1, 1, 0.5)),
)
SHORT = """augsafe: 1
steps:
  - Shift
  - Rotate: {angle: [-10, 10]}
  - Rotate: {name: Rotate-2, angle: [-5, 5], p: 0.5}
  - OneOf:
      children:
        - Brightness
        - Contrast: {name: flat, factor: [0.5, 1.5]}
      weights: [1, 3]
  - VerticalFlip: {p: 0.25}
border: constant
fill: 128.0
output: {size: [32, 32], dtype: float32, std: [1, 1, 0.5]}
"""


def long(body: Any) -> Any:
    """A policy as earlier versions wrote it: with every name."""
    if isinstance(body, list):
        return [long(part) for part in body]
    if isinstance(body, str):
        return {body: {"name": body}}
    ((kind, fields),) = body.items()
    inner = {k: long(v) if k in ("child", "children") else v for k, v in fields.items()}
    return {kind: {"name": kind} | inner}


def test_a_file_is_short_and_says_all() -> None:
    assert MADE.to_yaml() == SHORT
    again = aug.Compose.from_yaml(SHORT)
    assert again == MADE
    assert json.dumps(again.to_dict()) == json.dumps(MADE.to_dict())  # to the byte: keys are made of it
    VALIDATOR.validate(MADE.to_dict())


def test_a_file_with_every_name_is_read_and_its_records_replay() -> None:
    body = MADE.to_dict()
    old = {**body, "steps": long(body["steps"])}
    assert old != body and old["steps"][0] == {"Shift": {"name": "Shift"}}
    assert aug.Compose.from_dict(old) == MADE
    plan = MADE.plan([(8, 8)] * 4, range(4))
    record = plan.record()
    replayed = MADE.replay({**record, "policy": old})
    assert (replayed.matrix == plan.matrix).all()
    wrong = {**body, "steps": long(body["steps"][:-1])}
    for policy in (wrong, None, {"steps": ["Rotat"]}):
        with pytest.raises(PolicyError, match="another policy"):
            MADE.replay({**record, "policy": policy})


def test_a_record_with_every_name_replays_beside_steps_that_no_file_holds() -> None:
    kept = aug.Foreign(step=lambda image: image[::-1], name="kept")
    policy = aug.Compose([aug.Rotate(), aug.OneOf([aug.HorizontalFlip(), kept])])
    plan = policy.plan([(8, 8)] * 4, range(4))
    record = plan.record()
    rotate, (one,) = {"Rotate": {"name": "Rotate"}}, record["policy"]["steps"][1:]
    flip, foreign = one["OneOf"]["children"]
    assert record["policy"]["steps"][0] == "Rotate" and "HorizontalFlip" in flip
    children = [{"HorizontalFlip": {"name": "HorizontalFlip", "p": 1.0}}, foreign]
    named = {"OneOf": {"name": "OneOf", "children": children}}
    old = {**record["policy"], "steps": [rotate, named]}
    assert (policy.replay({**record, "policy": old}).matrix == plan.matrix).all()
    children[1] = {"Foreign": {**foreign["Foreign"], "p": 0.5}}
    with pytest.raises(PolicyError, match="another policy"):
        policy.replay({**record, "policy": old})


def test_names_that_others_depend_on_stay_in_the_file() -> None:
    left = MADE.without("Rotate")
    text = left.to_yaml()
    assert "Rotate-2" in text and aug.Compose.from_yaml(text) == left
    swapped = aug.Compose([aug.Rotate(name="Shift"), aug.Shift()])
    assert [s.label for s in aug.Compose.from_yaml(swapped.to_yaml()).steps] == ["Shift", "Shift-2"]
    alone = aug.Compose([aug.Rotate()])
    assert aug.Compose.from_yaml(alone.to_yaml()) == alone and "name" not in alone.to_yaml()
