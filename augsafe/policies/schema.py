"""The JSON schema of policy files, made from the transforms themselves; `policy.schema.json` is its published copy."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any

from augsafe.pixels import BORDERS, INTERPOLATIONS
from augsafe.planning import DTYPES, Output
from augsafe.policies.compose import Compose
from augsafe.policies.files import FORMAT, plain
from augsafe.policies.options import BOX_FORMATS
from augsafe.transforms import MODES, TRANSFORMS, Transform

_CHOICES: dict[str, list[str]] = {
    "border": list(BORDERS),
    "interpolation": list(INTERPOLATIONS),
    "box_format": list(BOX_FORMATS),
    "layout": ["HWC", "CHW"],
    "mode": list(MODES),
}
_SIMPLE: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    type(None): {"type": "null"},
    Transform: {"$ref": "#/$defs/step"},
}


def policy_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) that every policy file fulfils."""
    steps = [
        {
            "type": "object",
            "properties": {name: {"$ref": f"#/$defs/{name}"}},
            "required": [name],
            "additionalProperties": False,
        }
        for name in TRANSFORMS
    ]
    options = _object(Compose, "A policy of augsafe.", ("output",))
    options["properties"]["steps"] = {"type": "array", "items": {"$ref": "#/$defs/step"}}
    options["properties"]["output"] = {"anyOf": [{"$ref": "#/$defs/Output"}, {"type": "null"}]}
    options["properties"]["augsafe"] = {"const": FORMAT, "description": "The format of the file."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "augsafe policy",
        **options,
        "required": ["steps"],
        "$defs": {
            "step": {"anyOf": [{"enum": list(TRANSFORMS)}, *steps]},
            "Output": _object(Output, _first_line(Output)),
            **{name: _transform(kind) for name, kind in TRANSFORMS.items()},
        },
    }


def _transform(kind: type[Transform]) -> dict[str, Any]:
    body = _object(kind, _first_line(kind))
    body["properties"]["p"].update(minimum=0, maximum=1)
    return {**body, "type": ["object", "null"]}


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _object(kind: type, description: str, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties = {}
    for item in fields(kind):
        if item.name in leave_out:
            continue
        entry = _value(hints[item.name])
        if item.name in _CHOICES:
            entry = {"enum": _CHOICES[item.name]}
        elif item.name == "dtype":
            entry = {"enum": [*DTYPES, None]}
        if item.default is not MISSING and item.default is not None and item.name != "steps":
            entry = {**entry, "default": plain(item.default)}
        properties[item.name] = entry
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _value(hint: Any) -> dict[str, Any]:
    """The schema of a field's type: numbers, texts, transforms, tuples and unions of them."""
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    inner = typing.get_args(hint)
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        return {"anyOf": [_value(part) for part in inner]}
    if typing.get_origin(hint) is Sequence:
        return {"type": "array", "items": _value(inner[0])}
    if typing.get_origin(hint) is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": _value(inner[0])}
        return {
            "type": "array",
            "prefixItems": [_value(part) for part in inner],
            "minItems": len(inner),
            "maxItems": len(inner),
        }
    raise TypeError(f"a policy field has a type that the schema does not know: {hint!r}")
