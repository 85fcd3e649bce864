"""What users read is plain English with the field's terms: docs, notebooks, help texts, messages and docstrings.

Each pattern below was a habit of these pages once. Beside it stands what to write. Decisions are not held to it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if p.parent.name != "decisions" or p.name == "index.md"
)
NOTEBOOKS = sorted(ROOT.glob("examples/*.ipynb"))
TEMPLATES = sorted(ROOT.glob("augsafe/**/templates/*.html"))
MODULES = sorted(ROOT.glob("augsafe/**/*.py"))

# pattern, as it must not be written -> what to write
BANNED = {
    r"mend(s|ed|ing)?\b": "fix, fixed policy",
    r"(told|tell|tells) (\w+ ){0,3}right\b": "classified correctly, accuracy",
    r"(images|data) that judges?\b": "validation or test data",
    r"(may|can|would) be drawn\b": "random, must not be random",
    r"draws? (\w+ ){0,2}(again|anew)\b|drawn (again|anew)\b": "redraw, new random values",
    r"ways? out\b": "suggested fix, option",
    r"for nothing\b": "for free",
    r"none of the classes\b": "not a valid class",
    r"no (digit|letter|sign)\b": "not a digit",
    r"keeps? [^.]{0,30}of itself\b": "stays in the frame, leaves the frame",
    r"is silent on\b|reports on\b": "not reported, reported",
    r"(alone|it|which) always acts?\b|always acting\b": "applied on its own",
    r"unless (said|told|given)\b|enough unless\b": "default: ...",
    r"says? how sure|what is left over\b": "estimate, confidence interval, exact",
    r"(told|tell|tells) (\w+ ){0,4}from originals by\b|guessing gives\b": "chance is ...",
    r"(folders?|images|photographs|policy|row|rows|seeds|digits|lines?|font) a class\b": "per class, for each class",
    r"(one|number|entry|steps?|times|once|buffer|object|draws) an? (image|batch|epoch)\b": "per image, for each image",
    r"the grounds?\b": "the background",
    r"found by saliency\b(?! \(a guess\))": "by saliency (a guess)",
    r"as people write them\b": "a typical policy",
    r"all that it\b": "everything it",
    r"none seen\b": "seeing no violation",
    r"of which the contract says nothing\b": "the contract does not mention",
    r"stand-?ins?\b|stands? in for\b": "instead of, placeholder",
    r"reach(es|ed)? of which\b": "a symmetry the contract does not mention",
}


def wrong_words(text: str) -> list[str]:
    """Each place of a text that has words of the list, and what to write."""
    flat = re.sub(r"\s+", " ", text)
    hits = ((m, instead) for pattern, instead in BANNED.items() for m in re.finditer(rf"(?i)\b(?:{pattern})", flat))
    return [f"{flat[max(0, m.start() - 30) : m.end() + 30]!r}: write {instead!r}" for m, instead in hits]


def prose(page: str) -> str:
    """A page of Markdown without its code, which may show old names."""
    return re.sub(r"^```.*?^```\s*$|`[^`\n]*`", "", page, flags=re.MULTILINE | re.DOTALL)


def strings(source: str) -> Iterator[str]:
    """The texts of a module: docstrings, messages, help. Parts of an f-string are joined by a mark."""
    tree = ast.parse(source)
    inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


@pytest.mark.parametrize("page", [*PAGES, *TEMPLATES], ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_use_the_fields_words(page):
    assert wrong_words(prose(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_use_the_fields_words(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert wrong_words("\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")) == []


def test_messages_help_and_docstrings_use_the_fields_words():
    found = [
        f"{path.relative_to(ROOT)}: {hit}"
        for path in MODULES
        for text in strings(path.read_text(encoding="utf-8"))
        for hit in wrong_words(text)
    ]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "The mended policy leaves it out.",
        "33% of the signs were told right.",
        "Images that judge: nothing may be drawn.",
        "Such images are drawn\nagain.",
        "The finding has a way out.",
        "A folder with one folder a class.",
        "The label comes for nothing.",
        "A mirrored 6 is no digit.",
        "The network's own size unless said.",
        "The object keeps less than 70% of itself.",
        "An object found by saliency lies on even ground, the ground of the image.",
    ],
)
def test_wrong_words_are_caught(text):
    assert wrong_words(text)


def test_where_it_looks():
    assert wrong_words("The fixed policy removes the flip, and redraws images of each class. Recommend it.") == []
    assert wrong_words(prose("Fine.\n\n```python\nmend = 1  # told right\n```\n\nFine.\n")) == []
    source = 'def f(x):\n    """Mend it."""\n    raise ValueError(f"{x} is drawn " f"again {x}")  # mend\n'
    assert [bool(wrong_words(text)) for text in strings(source)] == [True, True]
    names = {p.name for p in PAGES}
    assert {"README.md", "tutorial.md", "ci.md", "codes.md"} <= names and NOTEBOOKS and TEMPLATES and MODULES
    assert not any(re.match(r"\d{4}-", name) for name in names)
