"""Reading a contract's plain values, with the lines on which they stand."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from augsafe.contracts.limits import Limits
from augsafe.contracts.relations import Key, Relation
from augsafe.errors import ContractError

TOP = ("name", "classes", "relations", "limits", "accept")
ACCEPT = ("code", "steps", "classes", "reason")
DEPTH = 5  # a contract nests no deeper; what does is refused when it is read

Path = tuple[str, ...]
Lines = Mapping[Path, int]


@dataclass(frozen=True)
class Acceptance:
    """A finding that a team has looked at and lives with. Raises ContractError when it would accept nothing."""

    code: str
    steps: tuple[str, ...]
    classes: tuple[str, ...]
    reason: str

    def __post_init__(self) -> None:
        for name in ("code", "reason"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise ContractError(f"{name} must be a text, got {getattr(self, name)!r}")
        for name in ("steps", "classes"):
            object.__setattr__(self, name, _texts(getattr(self, name), name))
        if not self.classes:
            raise ContractError("classes is empty, so nothing is accepted; name classes, or '*' for all")


@dataclass(frozen=True)
class Parts:
    """What a contract file says: the fields of a Contract."""

    classes: tuple[str, ...] = ()
    relations: Mapping[Key, Relation] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    name: str = ""


def at(lines: Lines, path: Path) -> str:
    """The beginning of a message about the value at a path, with its line where that is known."""
    nearest = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    return "" if nearest is None else f"line {nearest}: "


def parse(text: str) -> tuple[Any, dict[Path, int]]:
    """Plain values of YAML text, and the line of each path of keys. Raises ContractError."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        lines = dict(_lines(node, ()))
        return yaml.safe_load(text), lines
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(f"this is not valid YAML: {error}") from error


def _lines(node: Any, path: Path) -> Iterator[tuple[Path, int]]:
    if len(path) > DEPTH:
        return
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise ContractError(f"line {line}: {name!r} already stands in line {seen[name]}; keep one of them")
            seen[name] = line
            yield (*path, name), line
            yield from _lines(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for position, entry in enumerate(node.value):
            yield (*path, str(position)), entry.start_mark.line + 1
            yield from _lines(entry, (*path, str(position)))


def read(body: Any, lines: Lines) -> Parts:
    """The parts of a contract from plain values. Raises ContractError that names the line."""
    if not isinstance(body, Mapping):
        raise ContractError(f"a contract must be a mapping with 'classes' and 'relations', got {reprlib.repr(body)}")
    _refuse(body, TOP, (), lines)
    relations = {}
    for cls, symmetries in _pairs(body.get("relations"), ("relations",), lines):
        for symmetry, value in _pairs(symmetries, ("relations", cls), lines):
            relations[cls, symmetry] = _relation(value, ("relations", cls, symmetry), lines)
    limits = {}
    for cls, given in _pairs(body.get("limits"), ("limits",), lines):
        limits[cls] = _limits(dict(_pairs(given, ("limits", cls), lines)), ("limits", cls), lines)
    accept = body.get("accept") or []
    if not isinstance(accept, list):
        raise ContractError(f"{at(lines, ('accept',))}accept must be a list, got {reprlib.repr(accept)}")
    entries = tuple(_accept(entry, ("accept", str(i)), lines) for i, entry in enumerate(accept))
    return Parts(_classes(body.get("classes"), lines), relations, limits, entries, _name(body.get("name"), lines))


def _classes(value: Any, lines: Lines) -> tuple[str, ...]:
    try:
        return _texts([] if value is None else value, "classes")
    except ContractError as error:
        raise ContractError(f"{at(lines, ('classes',))}{error}") from error


def _name(value: Any, lines: Lines) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise ContractError(f"{at(lines, ('name',))}name must be a text, got {reprlib.repr(value)}")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ContractError(f"{where} must be a list, got {reprlib.repr(value)}")
    for entry in value:
        if not isinstance(entry, str):
            raise ContractError(f"{where} must hold texts (put numbers in quotes), got {reprlib.repr(entry)}")
    return tuple(value)


def _pairs(value: Any, path: Path, lines: Lines) -> list[tuple[str, Any]]:
    where = f"{at(lines, path)}{'.'.join(path)}"
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise ContractError(f"{where} must be 'name: value' pairs, got {reprlib.repr(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ContractError(f"{at(lines, (*path, str(key)))}{'.'.join(path)}: put the name {key!r} in quotes")
    return list(value.items())


def _refuse(body: Mapping[Any, Any], known: tuple[str, ...], path: Path, lines: Lines) -> None:
    for key in body:
        if key not in known:
            where = ".".join(path) or "the contract"
            raise ContractError(
                f"{at(lines, (*path, str(key)))}{where} has an unknown key {key!r}; known are {', '.join(known)}"
            )


def _relation(value: Any, path: Path, lines: Lines) -> Relation:
    if isinstance(value, str) and value in ("same", "ambiguous", "invalid", "unknown"):
        return Relation(value)
    if isinstance(value, Mapping) and list(value) == ["to"] and isinstance(value["to"], str):
        return Relation("to", value["to"])
    raise ContractError(
        f"{at(lines, path)}{'.'.join(path)} must be same, ambiguous, invalid, unknown or {{to: class}} with the class "
        f"in quotes where it is a number, got {reprlib.repr(value)}"
    )


def _limits(given: dict[str, Any], path: Path, lines: Lines) -> Limits:
    for key, value in given.items():
        try:
            Limits.from_dict({key: value})
        except ContractError as error:
            raise ContractError(f"{at(lines, (*path, key))}{'.'.join(path)}: {error}") from error
    return Limits.from_dict(given)


def _accept(entry: Any, path: Path, lines: Lines) -> Acceptance:
    given = dict(_pairs(entry, path, lines))
    _refuse(given, ACCEPT, path, lines)
    missing = [key for key in ACCEPT if key not in given]
    if missing:
        raise ContractError(
            f"{at(lines, path)}{'.'.join(path)} needs {', '.join(ACCEPT)}; missing: {', '.join(missing)}"
        )
    try:
        return Acceptance(**given)
    except ContractError as error:
        raise ContractError(f"{at(lines, path)}{'.'.join(path)}: {error}") from error
