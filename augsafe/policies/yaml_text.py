"""Policy files as YAML that a person would write; duplicate keys are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from augsafe.errors import PolicyError


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    for position, key in enumerate(keys):
        if key in keys[:position]:
            line = node.value[position][0].start_mark.line + 1
            raise PolicyError(f"line {line}: the key {key!r} stands twice")
    return {k: loader.construct_object(v, deep=True) for k, (_, v) in zip(keys, node.value, strict=True)}


# YAML 1.1 reads 1e-05, as JSON writes it, as text; YAML 1.2 as the number that it is.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(text: str) -> object:
    """Plain values from YAML or JSON text. Raises PolicyError."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, TypeError) as error:
        raise PolicyError(f"this is not valid YAML: {error}") from error


class _Line(dict[str, Any]):
    """A mapping that fits on a line."""


class _Rows(list[Any]):
    """A list with a line for each entry."""


class _Dumper(yaml.SafeDumper):
    """YAML as a person writes it: lists are indented, a step and its ranges stand on one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _Line, lambda dumper, line: dumper.represent_mapping("tag:yaml.org,2002:map", line, flow_style=True)
)


_Dumper.add_representer(
    _Rows, lambda dumper, rows: dumper.represent_sequence("tag:yaml.org,2002:seq", rows, flow_style=False)
)


def write_yaml(value: Mapping[str, Any]) -> str:
    """Readable YAML, keys in their order, whole numbers without a point."""
    short = {k: v if isinstance(v, float) else _rows(k, _short(v)) for k, v in value.items()}
    made = yaml.dump(short, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    return str(made)


def _short(value: Any) -> Any:
    if isinstance(value, Mapping):
        parts = {k: _rows(k, _short(v)) for k, v in value.items()}
        return _Line(parts) if all(map(_flat, parts.values())) else parts
    if isinstance(value, list):
        return [_short(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _rows(key: str, value: Any) -> Any:
    """Steps stand one on a line, though their names alone would fit on one: so a difference shows which it is."""
    return _Rows(value) if key in ("steps", "children") and value else value


def _flat(value: Any) -> bool:
    """Whether a value may stand within a line: a number, a word, or a list of these."""
    if isinstance(value, list) and not isinstance(value, _Rows):
        return not any(isinstance(v, (Mapping, list)) for v in value)
    return not isinstance(value, (Mapping, list))
