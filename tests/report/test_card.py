"""The report in a notebook: a small part of a page, without a script, that says the worst."""

from __future__ import annotations

import re

import augsafe as aug
from augsafe.contracts import Relation
from augsafe.report import headline
from augsafe.report.page import CARD_BUDGET, CARD_FINDINGS
from tests.browsing import opened
from tests.report.conftest import EVIL
from tests.report.test_page import Tree


def test_it_says_the_worst_and_stays_small(report):
    text = report._repr_html_()
    tree = Tree(text)
    assert tree.open == [] and not tree.all("script") and not tree.all("link")
    assert len(text) < CARD_BUDGET + 20_000
    said = re.sub(r"\s+", " ", text)
    assert headline(report) in said and "6 reads as 9" in said and "leave out HorizontalFlip" in said
    shown = [attrs for attrs in tree.all("div") if attrs.get("class") == "one"]
    assert len(shown) == min(len(report.findings), CARD_FINDINGS) and len(tree.all("img")) >= 3
    assert all(attrs["src"].startswith("data:image/") and attrs["alt"] for attrs in tree.all("img"))
    left = len(report.findings) - CARD_FINDINGS
    assert (f"{left} more" in said) == (left > 0)


def test_without_findings_it_is_one_line():
    fine = aug.check(aug.Rotate((-5, 5)), contract="mnist")
    tree = Tree(fine._repr_html_())
    assert headline(fine) in fine._repr_html_() and not tree.all("img") and not tree.all("details")


def test_names_are_text():
    swap = {(EVIL, "hflip"): Relation("to", "b"), ("b", "hflip"): Relation("to", EVIL)}
    contract = aug.Contract((EVIL, "b"), swap, name=EVIL)
    text = aug.check(aug.Compose([aug.HorizontalFlip(name="</style>")]), contract=contract)._repr_html_()
    assert not Tree(text).all("script") and "&lt;script&gt;" in text and "</style>:" not in text


def test_it_is_readable_on_light_and_dark(browser, report, tmp_path):
    """In a page whose colours are a notebook's; the style of the card reaches nothing outside of it."""
    for scheme, paper, ink in (("light", "#fff", "#111"), ("dark", "#111", "#ddd")):
        path = tmp_path / f"{scheme}.html"
        body = f"<h1>Notebook</h1><p class='head bad' id='mine'>mine</p><main>{report._repr_html_()}</main>"
        head = "<!doctype html><html lang=en><meta charset=utf-8><title>n</title>"
        head += f"<body style='background:{paper};color:{ink}'>"
        path.write_text(head + body, encoding="utf-8")
        with opened(browser, path, scheme) as seen:
            assert seen.accessibility() == [] and seen.complaints == seen.outside == []
            assert seen.page.evaluate("getComputedStyle(document.querySelector('#mine')).borderLeftWidth") == "0px"
            seen.page.set_viewport_size({"width": 420, "height": 800})
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 420
