"""Docstrings of what a room shows have sections: each argument and each field is described by its name.

`pydoclint` holds sections to the signatures; it lets a docstring without any section pass. So this test asks for the
sections: of functions and methods with more than one argument, and of classes that are made with more than one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "augsafe"
ROOMS = (
    "ablation",
    "adapters",
    "calibration",
    "cnns",
    "errors",
    "foreign",
    "frameworks",
    "images",
    "loading",
    "pixels",
    "planning",
    "policies",
    "previews",
    "randomness",
    "testing",
    "transforms",
    "typicality",
)
SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$")

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def entries(docstring: str, *sections: str) -> set[str]:
    """The names that some sections describe."""
    found, inside = set(), False
    for line in docstring.splitlines():
        if heading := SECTION.match(line):
            inside = heading[1] in sections
        elif line and not line.startswith(" "):
            inside = False
        elif inside and (entry := re.match(r"    \*{0,2}(\w+): \S", line)):
            found.add(entry[1])
    return found


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of the arguments, without self and cls."""
    a = node.args
    given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    return [arg.arg for arg in given if arg.arg not in ("self", "cls")]


def fields(node: ast.ClassDef) -> list[str]:
    """The fields of a dataclass, or the arguments of `__init__`; constants of the class and private names apart."""
    own = [child for child in node.body if isinstance(child, ast.FunctionDef) and child.name == "__init__"]
    if own:
        return arguments(own[0])
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return []
    named = [child for child in node.body if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)]
    return [
        child.target.id
        for child in named
        if isinstance(child.target, ast.Name) and "ClassVar" not in ast.unparse(child.annotation)
    ]


def unsaid(node: Definition, owner: str = "") -> Iterator[str]:
    """What a definition takes and its docstring does not describe; what overrides another has no docstring."""
    said = ast.get_docstring(node)
    taken = fields(node) if isinstance(node, ast.ClassDef) else arguments(node)
    public = [name for name in taken if not name.startswith("_")]
    if len(public) > 1 and (said is not None or isinstance(node, ast.ClassDef)):
        missing = [name for name in public if name not in entries(said or "", "Args", "Attributes")]
        if missing:
            yield f"{owner}{node.name}: {', '.join(missing)}"
    for child in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not child.name.startswith("_"):
            yield from unsaid(child, f"{owner}{node.name}.")


def shown(room: Path) -> Iterator[Definition]:
    """The classes and functions that a room shows: those of its face, or the public ones of a module."""
    if room.with_suffix(".py").exists():
        body = ast.parse(room.with_suffix(".py").read_text(encoding="utf-8")).body
        yield from (n for n in body if isinstance(n, Definition) and not n.name.startswith("_"))
        return
    if not (room / "__init__.pyi").exists():  # each module of this room is a face of its own
        for path in sorted(room.glob("[!_]*.py")):
            yield from shown(path.with_suffix(""))
        return
    for node in ast.parse((room / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            home = room.joinpath(*(node.module or "").split("."))
            names = {alias.name for alias in node.names}
            if home.with_suffix(".py").exists():
                body = ast.parse(home.with_suffix(".py").read_text(encoding="utf-8")).body
                yield from (n for n in body if isinstance(n, Definition) and n.name in names)
            else:
                yield from (n for n in shown(home) if n.name in names)


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_shows_is_described(room):
    found = list(shown(PACKAGE / room))
    assert found
    assert [line for node in found for line in unsaid(node)] == []


GOOD = '''
def f(a: int, *, b: int = 0) -> int:
    """Add.

    Args:
        a: One.
        b: Another.

    Returns:
        The sum.
    """

@dataclass(frozen=True)
class C:
    """Both.

    Attributes:
        a: One.
        b: Another, in pixels,
            and more of it.
    """

    a: int
    b: int = field(default=0, kw_only=True)
    _c: int = 0

    constant: ClassVar = 3

    def m(self, a: int) -> int:
        """One argument needs no section."""

    def n(self, a: int, b: int) -> int:
        return 3
'''


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("        b: Another.\n", "", "f: b"),
        ("        b: Another.\n", "        b:\n", "f: b"),
        ("    Args:\n", "    Arguments are these.\n", "f: a, b"),
        ("    Attributes:\n", "    Returns:\n", "C: a, b"),
        ("        b: Another, in pixels,\n", "", "C: b"),
        ("def m(self, a: int)", "def m(self, a: int, d: int)", "C.m: a, d"),
    ],
)
def test_what_is_not_described_is_caught(tmp_path, old, new, expected):
    for text, lines in ((GOOD, []), (GOOD.replace(old, new, 1), [expected])):
        (tmp_path / "room.py").write_text(text, encoding="utf-8")
        assert [line for node in shown(tmp_path / "room") for line in unsaid(node)] == lines
    assert old in GOOD
