"""The HTML report in Chromium: filters, pictures, no complaint, no request, accessible in both themes."""

from __future__ import annotations

import pytest

from tests.browsing import opened


def visible(page, selector):
    return page.locator(f"{selector}:visible").count()


def test_filters_leave_what_matches(browser, page, report):
    with opened(browser, page) as seen:
        tab = seen.page
        assert visible(tab, ".finding") == len(report.findings)
        tab.select_option("#by-class", label="8")
        about = [f for f in report.findings if "8" in f.classes]
        assert visible(tab, ".finding") == len(about) < len(report.findings)
        assert visible(tab, "tbody tr") == 1
        tab.select_option("#by-step", label="Rotate")
        assert visible(tab, ".finding") == sum("Rotate" in f.steps for f in about)
        assert tab.locator("thead th:visible").all_inner_texts() == ["class", "whole policy", "Rotate"]
        assert visible(tab, "tbody td") == 2
        tab.click("button[type=reset]")
        tab.locator(".finding[hidden]").first.wait_for(state="detached")
        tab.select_option("#by-severity", "warning")
        assert visible(tab, ".finding") == report.count("warning")
        assert tab.inner_text("#count") == f"{report.count('warning')} of {len(report.findings)} findings"
        tab.select_option("#by-severity", "info")
        guesses = report.count("info")  # at where the digits are
        assert 0 < guesses < len(report.findings) and visible(tab, ".finding") == guesses
        tab.select_option("#by-class", label="8")
        tab.select_option("#by-step", label="HorizontalFlip")
        assert visible(tab, ".finding") == 0 and visible(tab, "#none") == 1
        assert seen.complaints == seen.outside == []


def test_a_verdict_leads_to_its_finding_although_it_was_filtered(browser, page):
    with opened(browser, page) as seen:
        tab = seen.page
        tab.select_option("#by-severity", "warning")
        link = tab.locator("tbody tr[data-class='6'] td.bad a").first
        target = link.get_attribute("href")
        link.click()
        tab.locator(target).wait_for(state="visible")


def test_witnesses_open(browser, page):
    with opened(browser, page) as seen:
        tab = seen.page
        assert tab.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        detail = tab.locator("details.witness").first
        assert not detail.locator("p").first.is_visible()
        detail.locator("summary").click()
        assert "HorizontalFlip" in detail.locator("p").first.inner_text()
        pictures = tab.locator(".witness-pictures").first
        for open_it in (pictures.click, lambda: pictures.press("Enter")):
            open_it()
            assert tab.locator("#closer img").count() == 3
            assert tab.locator("#closer img").first.bounding_box()["width"] > 250
            tab.keyboard.press("Escape")
            assert not tab.locator("#closer").is_visible()
        assert seen.complaints == seen.outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["page", "evil"])
def test_everybody_can_read_it(browser, request, which, scheme):
    with opened(browser, request.getfixturevalue(which), scheme) as seen:
        dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 22)"
        assert dark == (scheme == "dark")
        assert seen.accessibility() == []
        assert seen.complaints == seen.outside == []


def test_a_phone_need_not_scroll_sideways(browser, page, evil):
    for path in (page, evil):
        with opened(browser, path, width=360) as seen:
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_names_are_text(browser, evil):
    with opened(browser, evil) as seen:
        asked = []
        seen.page.on("dialog", lambda d: (asked.append(d.message), d.dismiss()))
        seen.page.reload()
        assert "<script>alert(1)</script>" in seen.page.inner_text("main")
        assert asked == [] and seen.complaints == seen.outside == []


def test_it_works_without_a_script(browser, page, report):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.locator(".finding:visible").count() == len(report.findings)
    assert not tab.locator("#filters").is_visible()
    tab.locator("details.witness summary").first.click()
    assert tab.locator("details.witness p").first.is_visible()
    context.close()


def test_it_prints(browser, page):
    with opened(browser, page, "dark", width=794) as seen:
        assert len(seen.page.pdf()) > 10_000
        assert seen.page.locator("details:not([open])").count() == 0  # printing opened them
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert not seen.page.locator("#filters").is_visible()
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 794  # the width of an A4 page


def test_what_the_harness_looks_for_is_caught(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><html lang=en><title>x</title><body style='background:#fff'>"
        "<p style='color:#ccc'>hard to read</p><img src='http://127.0.0.1:9/x.png'>"
        "<script>console.error('broken'); missing()</script>",
        encoding="utf-8",
    )
    with opened(browser, bad) as seen:
        found = {line.split(":")[0] for line in seen.accessibility()}
        assert {"color-contrast", "image-alt"} <= found
        assert seen.outside == ["http://127.0.0.1:9/x.png"]
        assert any("broken" in c for c in seen.complaints) and any("missing" in c for c in seen.complaints)
