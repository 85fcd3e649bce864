"""Signatures say what they take and give: few public ones have a bare `Any`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import augsafe.typing

PACKAGE = Path(__file__).resolve().parent.parent / "augsafe"
MOST = 60  # public signatures with a bare Any; where another library's object comes in, nothing better can be said


def bare(annotation: ast.expr | None) -> bool:
    """Whether it is exactly Any."""
    return ast.unparse(annotation) in ("Any", "typing.Any") if annotation else False


def untyped(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """Each public function with an argument or a result that is Any."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from untyped(node.body, f"{owner}{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            a = node.args
            given = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
            names = [arg.arg for arg in given if bare(arg.annotation)] + ["return"] * bare(node.returns)
            if names:
                yield f"{owner}{node.name}({', '.join(names)})"


def untyped_in(root: Path) -> list[str]:
    """Each public signature of a package with a bare Any, and its module."""
    modules = [p for p in sorted(root.rglob("*.py")) if not any(part[0] == "_" for part in p.relative_to(root).parts)]
    return [f"{p.relative_to(root)}: {name}" for p in modules for name in untyped(ast.parse(p.read_text("utf-8")).body)]


def test_few_public_signatures_have_a_bare_any():
    found = untyped_in(PACKAGE)
    assert len(found) <= MOST, "\n".join(found)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("def f(x: Any) -> int: ...", ["f(x)"]),
        ("def f(*x: Any) -> Any: ...", ["f(x, return)"]),
        ("class C:\n    def f(self, *, x: typing.Any) -> None: ...", ["C.f(x)"]),
        ("async def f() -> Any: ...", ["f(return)"]),
        ("def f(x: list[Any], y: Any | None) -> dict[str, Any]: ...", []),
        ("def _f(x: Any) -> Any: ...", []),
        ("class _C:\n    def f(self, x: Any) -> Any: ...", []),
    ],
)
def test_a_bare_any_is_counted(tmp_path, signature, expected):
    (tmp_path / "room.py").write_text(signature, encoding="utf-8")
    (tmp_path / "_private.py").write_text(signature, encoding="utf-8")
    assert untyped_in(tmp_path) == [f"room.py: {name}" for name in expected]


def test_each_type_is_named_and_says_what_it_is():
    tree = ast.parse((PACKAGE / "typing.py").read_text(encoding="utf-8"))
    said = [
        node.target.id
        for node, after in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(after, ast.Expr)
    ]
    assert {name for name in augsafe.typing.__all__ if name.endswith("Like")} <= {*said, "ArrayLike"}
