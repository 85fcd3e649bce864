"""A contract as YAML with a comment beside each entry."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Notes = Mapping[tuple[str, ...], str]
WIDTH = 110


def commented(body: Mapping[str, Any], notes: Notes) -> str:
    """Plain values of a contract as YAML. A note whose entry is not there stands on a line of its own."""
    return "\n".join(_lines(body, notes)) + "\n"


def _lines(body: Mapping[str, Any], notes: Notes) -> Iterator[str]:
    for part, value in body.items():
        yield from _above(notes.get((part,), ""), "")
        if not isinstance(value, Mapping) or not (value or _under((part,), notes)):
            yield f"{part}: {_flow(value)}"
            continue
        yield f"{part}:"
        names = dict.fromkeys([*value, *_under((part,), notes)])
        for name in names:
            given = value.get(name)
            note = notes.get((part, name), "")
            if given is None:
                yield from _above(f"{name}: {note}", "  ")
            elif _under((part, name), notes):
                yield from _above(note, "  ")
                yield f"  {_flow(name)}:"
                for key, entry in given.items():
                    yield _beside(f"    {_flow(key)}: {_flow(entry)}", notes.get((part, name, key), ""))
            else:
                yield _beside(f"  {_flow(name)}: {_flow(given)}", note)


def _under(path: tuple[str, ...], notes: Notes) -> list[str]:
    """The names right under a path that have notes."""
    return list(dict.fromkeys(key[len(path)] for key in notes if len(key) > len(path) and key[: len(path)] == path))


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _above(note: str, indent: str) -> Iterator[str]:
    for line in note.splitlines():
        yield from textwrap.wrap(line, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ")


def _beside(line: str, note: str) -> str:
    return f"{line}  # {' '.join(note.split())}" if note else line
