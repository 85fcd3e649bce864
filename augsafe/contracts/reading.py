"""Reading a contract's plain values, with the lines where relations stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from augsafe.errors import ContractError

TOP = ("name", "classes", "relations", "limits", "accept")
LIMITS = ("rotation", "zoom", "visible", "min_pixels")
ACCEPT = ("code", "steps", "classes", "reason")


def locate(text: str) -> tuple[Any, dict[tuple[str, str], int]]:
    """Plain values of YAML text, and the line of each relation. Raises ContractError."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContractError(f"this is not valid YAML: {error}") from error
    if node is not None:
        _refuse_twice(node)
    lines: dict[tuple[str, str], int] = {}
    for key, value in _pairs(node):
        if key.value == "relations":
            for cls, symmetries in _pairs(value):
                for symmetry, _ in _pairs(symmetries):
                    lines[str(cls.value), str(symmetry.value)] = symmetry.start_mark.line + 1
    return body, lines


def _pairs(node: Any) -> list[Any]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _refuse_twice(node: Any) -> None:
    seen: dict[str, int] = {}
    for key, value in _pairs(node):
        line = key.start_mark.line + 1
        if str(key.value) in seen:
            raise ContractError(f"line {line}: {key.value!r} already stands in line {seen[str(key.value)]}")
        seen[str(key.value)] = line
        _refuse_twice(value)
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _refuse_twice(entry)


def read(body: Any, lines: Mapping[tuple[str, str], int]) -> tuple[Any, ...]:
    """Check plain values: classes, relations, limits, accept, name. Raises ContractError."""
    if not isinstance(body, Mapping):
        raise ContractError(f"a contract is a mapping with 'classes' and 'relations', got {body!r}")
    _refuse(body, TOP, "the contract")
    classes = body.get("classes") or []
    if not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
        raise ContractError(f"classes must be a list of texts (put numbers in quotes), got {classes!r}")
    relations = {}
    for cls, symmetries in _mapping(body.get("relations"), "relations").items():
        for symmetry, value in _mapping(symmetries, f"relations of {cls!r}").items():
            line = lines.get((str(cls), str(symmetry)))
            where = f"class {cls!r} under {symmetry}" + (f" (line {line})" if line else "")
            relations[str(cls), str(symmetry)] = _relation(value, where)
    limits = {
        str(cls): _limits(given, f"limits of {cls!r}") for cls, given in _mapping(body.get("limits"), "limits").items()
    }
    accept = body.get("accept") or []
    if not isinstance(accept, list):
        raise ContractError(f"accept must be a list, got {accept!r}")
    return tuple(classes), relations, limits, [_accept(entry) for entry in accept], str(body.get("name") or "")


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ContractError(f"{where} must be 'name: value' pairs, got {value!r}")
    return value


def _refuse(body: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in body:
        if key not in known:
            raise ContractError(f"{where} has an unknown key {key!r}; known are {', '.join(known)}")


def _relation(value: Any, where: str) -> tuple[str, str | None]:
    if value in ("same", "ambiguous", "invalid"):
        return str(value), None
    if isinstance(value, Mapping) and list(value) == ["to"] and isinstance(value["to"], str):
        return "to", value["to"]
    raise ContractError(f"{where} must be same, ambiguous, invalid or {{to: class}}, got {value!r}")


def _limits(value: Any, where: str) -> dict[str, Any]:
    given: dict[str, Any] = dict(_mapping(value, where))
    _refuse(given, LIMITS, where)
    for key, entry in given.items():
        numbers = entry if key == "zoom" else [entry]
        good = isinstance(numbers, (list, tuple)) and len(numbers) == (2 if key == "zoom" else 1)
        if not good or any(isinstance(v, bool) or not isinstance(v, (int, float)) or v < 0 for v in numbers):
            form = "a pair (least, largest)" if key == "zoom" else "a number of at least 0"
            raise ContractError(f"{where}: {key} must be {form}, got {entry!r}")
    if "zoom" in given:
        given["zoom"] = (float(given["zoom"][0]), float(given["zoom"][1]))
        if given["zoom"][0] > given["zoom"][1]:
            raise ContractError(f"{where}: zoom has its least above its largest: {given['zoom']}")
    if given.get("visible", 0) > 1:
        raise ContractError(f"{where}: visible is a share from 0 to 1, got {given['visible']!r}")
    return given


def _accept(entry: Any) -> dict[str, Any]:
    entry = dict(_mapping(entry, "accept"))
    _refuse(entry, ACCEPT, "accept")
    for key in ACCEPT:
        if key not in entry:
            raise ContractError(f"accept: an entry needs {', '.join(ACCEPT)}; {key} is missing in {entry!r}")
    for key in ("steps", "classes"):
        if not isinstance(entry[key], list):
            raise ContractError(f"accept: {key} must be a list, got {entry[key]!r}")
        entry[key] = tuple(str(v) for v in entry[key])
    return {**entry, "code": str(entry["code"]), "reason": str(entry["reason"])}
