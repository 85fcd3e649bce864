"""The page of an ablation in a browser: accessible in both themes, on a phone too, without a request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from learners import Broken, Planted, problem

import augsafe as aug
from augsafe.ablation.page import heat
from tests.browsing import opened

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A table of pairs and of strengths with planted effects, one whose runs failed, and one with names like HTML."""
    folder = tmp_path_factory.mktemp("ablation")
    steps = [aug.Rotate((-9, 9)), aug.Shift()]
    train = Planted({"Rotate": 0.2, "Shift": -0.2})
    for name, how in (
        ("pairs", {"design": "pairs", "seeds": 8}),
        ("strengths", {"design": "strengths", "seeds": 2}),
        ("broken", {"train": Broken(), "seeds": 2}),
        ("evil", {"steps": [aug.Rotate((-9, 9), name=EVIL)], "seeds": 2, "finals": True}),
    ):
        made = {"steps": steps, "train": train, "finals": False, **how}
        data = problem(1200 if name == "pairs" else 300)
        result = aug.ablate(made.pop("steps"), made.pop("train"), data, progress=False, **made)
        result.to_html(folder / f"{name}.html")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["pairs", "strengths", "broken", "evil"])
def test_everybody_can_read_it(browser, pages, name, scheme):
    with opened(browser, pages / f"{name}.html", scheme) as seen:
        assert seen.accessibility() == []
        assert seen.complaints == seen.outside == []


def test_a_phone_need_not_scroll_sideways(browser, pages):
    for path in sorted(pages.glob("*.html")):
        with opened(browser, path, width=360) as seen:
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360, path.name


def test_it_shows_what_was_planted(browser, pages):
    with opened(browser, pages / "pairs.html") as seen:
        text = seen.page.inner_text("main")
        assert "helps" in text and "harms" in text
        marks = seen.page.locator("svg circle.helps, svg circle.harms")
        assert marks.count() >= 2
    with opened(browser, pages / "evil.html") as seen:
        assert EVIL in seen.page.inner_text("main")


@pytest.mark.parametrize(("effects", "outlined"), [((-0.2, -0.1), ["a"]), ((0.0, 0.1), [])])
def test_only_a_class_that_loses_is_outlined(effects, outlined):
    row = SimpleNamespace(name="Rotate", per_class={c: (e, e, e) for c, e in zip("ab", effects, strict=True)})
    ((_, cells),) = heat((row,), ("a", "b"))["lines"]
    assert [c for c, cell in zip("ab", cells, strict=True) if cell["worst"]] == outlined
