"""The documentation site: all pages are in its contents (decisions apart), all public names in its reference."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import augsafe as aug

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(#[\w-]+)?\)|!\[[^\]]*\]\(([^)\s]+)\)")


def site() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def listed(nav: Any) -> Iterator[str]:
    """The files of a table of contents, in order."""
    if isinstance(nav, str):
        yield nav
    for entry in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from listed(entry)


def broken_links(page: Path) -> list[str]:
    """The links of a page that lead to no file, code left out."""
    fenced = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)
    text = re.sub(r"^    .*$", "", fenced.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    targets = [m[1] or m[3] for m in LINK.finditer(text)]
    return [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]


def documented(folder: Path = DOCS / "api") -> set[str]:
    """The full names that the reference pages ask for."""
    pages = [page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.md"))]
    return {name for page in pages for name in re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE)}


def faces(names: set[str]) -> set[str]:
    """The names that are packages. A face loads its names when they are used, so that the reference shows none."""
    return {name for name in names if (ROOT / name.replace(".", "/") / "__init__.py").exists()}


def test_every_page_is_in_the_contents_once():
    contents = list(listed(site()["nav"]))
    pages = [str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md") if not re.match(r"\d{4}-", p.name)]
    assert sorted(contents) == sorted(pages)


def test_the_site_loads_nothing_from_elsewhere():
    made = site()
    assert made["theme"]["font"] is False
    assert made["strict"] is True
    assert "extra_javascript" not in made and "extra_css" not in made and "analytics" not in str(made)


def test_every_public_name_is_in_the_reference():
    public = {f"{getattr(aug, n).__module__}.{getattr(aug, n).__qualname__}" for n in aug.__all__}
    assert public - documented() == set()


def test_the_reference_names_no_face():
    assert faces(documented()) == set()


def test_a_face_in_the_reference_is_caught(tmp_path):
    (tmp_path / "page.md").write_text("::: augsafe.transforms\n\n::: augsafe.transforms.tone.Gamma\n")
    assert faces(documented(tmp_path)) == {"augsafe.transforms"}


def test_every_name_in_the_reference_exists():
    for name in documented():
        module, _, attribute = name.rpartition(".")
        if module.startswith(("augsafe.adapters", "augsafe.cnns")) or name.startswith("augsafe.adapters"):
            continue  # they need their frameworks; their pages are built by `make docs`
        assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize(
    "page", sorted((*ROOT.glob("*.md"), *DOCS.rglob("*.md"))), ids=lambda p: str(p.relative_to(ROOT))
)
def test_links_lead_somewhere(page):
    assert broken_links(page) == []


def test_what_these_tests_look_for_is_caught(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("[a](page.md) [b](none.md#x) ![c](none.png) [d](https://example.org)\n\n```\n[e](code.md)\n```\n")
    assert broken_links(page) == ["none.md", "none.png"]
    assert list(listed(["a.md", {"B": [{"C": "c.md"}, "d.md"]}])) == ["a.md", "c.md", "d.md"]
