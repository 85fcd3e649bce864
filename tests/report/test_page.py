"""The HTML report: what stands on it, that nothing gets out of its place, and that it stays small."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import augsafe as aug
from augsafe.contracts import Limits, Relation
from augsafe.errors import ArgumentError
from augsafe.guards import judge
from augsafe.objects import inspect
from augsafe.report import Evidence, headline, thumb
from augsafe.report.curves import WHOLE, curves, lost_rates
from augsafe.report.evidence import drawn
from augsafe.report.pictures import Album, replayed, show
from augsafe.report.verdicts import MOST_ROWS, table
from augsafe.report.weakest import weakest
from tests.report.conftest import EVIL

VOID = {"meta", "img", "br", "line", "polyline", "polygon", "input"}


class Tree(HTMLParser):
    """Checks that tags nest; holds the elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def test_the_page_is_whole_and_loads_nothing(page):
    text = page.read_text(encoding="utf-8")
    tree = Tree(text)
    assert tree.open == []
    assert len(text) < 5_000_000
    assert not tree.all("link") and not tree.all("iframe")
    assert all(a["src"].startswith("data:image/") for a in tree.all("img"))
    assert all("src" not in a for a in tree.all("script"))
    assert all(a["href"].startswith("#") for a in tree.all("a"))
    assert not re.findall(r"url\(|@import|https?://", text)
    ids = [a["id"] for _, a in tree.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in tree.all("a")} <= set(ids)


def test_a_tag_that_is_not_closed_is_caught():
    assert Tree("<p><b>x</b></p>").open == []
    with pytest.raises(AssertionError):
        Tree("<p><b>x</p>")


def test_the_page_forbids_all_but_its_own_style_and_script(page):
    text = page.read_text(encoding="utf-8")
    policy = next(a["content"] for a in Tree(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        wanted = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{wanted}'" in policy
    assert not any("style" in a or any(k.startswith("on") for k in a) for _, a in Tree(text).elements)


def test_it_says_what_matters(report, page):
    text = page.read_text(encoding="utf-8")
    assert "Not safe: " in re.search(r"<h1>(.*?)</h1>", text)[1]
    assert "HorizontalFlip + VerticalFlip: 6 reads as 9, 9 reads as 6" in text
    assert text.count('class="finding ') == len(report.findings)
    for words in ("a real 9", "The fixed policy", "whole policy", "The weakest images", "How it was measured"):
        assert words in text
    assert re.search(r'class="gone">- +- Rotate: \{angle: \[-40, 40\]\}', text)
    assert re.search(r'class="new">\+ +- Rotate: \{angle: ', text)
    assert all(note.split("'")[0] in text for note in report.notes)


def test_names_are_shown_and_not_run(evil):
    text = evil.read_text(encoding="utf-8")
    tree = Tree(text)
    assert len(tree.all("script")) == len(tree.all("style")) == 1
    assert all(a["src"].startswith("data:") for a in tree.all("img"))
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 3
    assert EVIL not in text


def test_a_safe_policy_is_called_safe(tmp_path):
    report = aug.check(aug.Compose([aug.Shift((-0.05, 0.05), (-0.05, 0.05))]), contract="mnist", draws=1000)
    report.to_html(tmp_path / "safe.html")
    text = (tmp_path / "safe.html").read_text(encoding="utf-8")
    assert "<h1>Safe for all 10 classes" in text
    assert "Nothing was found." in text and "The fixed policy" not in text


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (None, "Nothing harmful was found, but no contract states what is true of the classes."),
        (aug.Contract(("a",), {("a", "hflip"): Relation("same")}), "Safe for a, as far as the contract says."),
        ("mnist", "Safe for all 10 classes, as far as the contract says."),
    ],
)
def test_the_headline_claims_no_more_than_is_known(contract, words):
    assert headline(aug.check(aug.Shift((-0.05, 0.05), (-0.05, 0.05)), contract=contract, draws=500)) == words


def test_no_class_is_called_class_any_class():
    report = aug.check(aug.HorizontalFlip(), draws=500)
    assert "HorizontalFlip: any class, in" in str(report)


def test_images_have_names(report, tmp_path):
    report.to_html(tmp_path / "named.html", [f"<{i}>.png" for i in range(300)])
    text = (tmp_path / "named.html").read_text(encoding="utf-8")
    assert "&lt;" in text and re.search(r"<small>&lt;\d+&gt;\.png</small>", text)
    with pytest.raises(ArgumentError, match="300"):
        report.to_html(tmp_path / "named.html", ["a"])


def test_a_place_that_cannot_be_written(report, tmp_path):
    with pytest.raises(ArgumentError, match="cannot be written"):
        report.to_html(tmp_path / "none" / "report.html")


def pixels(picture):
    raw = base64.b64decode(picture.uri.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(raw)))


def test_the_pictures_show_the_finding(report):
    finding = next(f for f in report.findings if f.becomes)
    shown = {s.cls: s for s in show(finding, report.policy, report.evidence, Album(10**6))}
    assert set(shown) == {"6", "9"} and shown["6"].becomes == "9"
    before, after = pixels(shown["6"].original), pixels(shown["6"].augmented)
    # these steps alone: a half turn to the bit, although the draw also shifts, zooms and turns
    assert np.array_equal(after, before[::-1, ::-1])
    images = report.evidence.images
    assert np.array_equal(before[..., 0], images[shown["6"].index])
    assert any(np.array_equal(pixels(shown["6"].example)[..., 0], images[i]) for i in report.evidence.of_class(9))


def test_a_replayed_draw_with_all_steps_is_the_draw(report):
    finding = next(f for f in report.findings if f.code == "AS201" and f.witness.augmented is not None)
    names = tuple(leaf.label for leaf in report.policy.leaves)
    again = replayed(report.policy, finding.witness.record, finding.witness.original, names)
    assert np.array_equal(again, finding.witness.augmented)


def test_a_finding_shows_itself(report):
    finding = next(f for f in report.findings if f.becomes)
    grid = report.picture(finding)
    assert grid.rows == ("6", "9") and grid.columns == ("original", "augmented", "looks like")
    assert [cell.reasons for cell in grid.cells[0]] == [(), ("reads as 9",), ()]
    assert grid.cells[0][2].caption == "a real 9"
    assert np.array_equal(grid.cells[0][1].image, grid.cells[0][0].image[::-1, ::-1])
    assert grid._repr_png_().startswith(b"\x89PNG")
    undrawn = replace(finding, witness=None)
    with pytest.raises(ArgumentError, match="AS102"):
        report.picture(undrawn)


def test_without_images_letters_are_drawn():
    policy = aug.Compose([aug.HorizontalFlip()])
    report = aug.check(policy, contract="mnist", draws=500)
    shown = show(report.findings[0], report.policy, None, Album(10**6))
    assert np.array_equal(pixels(shown[0].augmented)[..., 0], drawn(shown[0].cls)[:, ::-1])
    assert not np.array_equal(drawn("6"), drawn("9"))
    assert np.array_equal(drawn("temple"), drawn("R"))


def test_pictures_stop_at_their_budget():
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    album = Album(60_000)
    got = [album.add(noise) for _ in range(8)]
    assert got[0] is not None and got[-1] is None
    assert album.left_out == sum(p is None for p in got)
    assert sum(len(p.uri) for p in got if p) <= 60_000
    assert max(pixels(got[0]).shape[:2]) == 224


def test_the_nearest_example_is_the_nearest():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 40), dtype=np.uint8) for _ in range(12)]
    labels = np.array([0] * 6 + [1] * 6)
    evidence = Evidence(images, labels, inspect(images), aug.Contract(("a", "b")))
    assert evidence.nearest(1, images[9]) == 9
    assert evidence.nearest(0, images[9]) in range(6)
    mean = np.mean([thumb(images[i]) for i in range(6)], axis=0)
    by_hand = min(range(6), key=lambda i: float(((thumb(images[i]) - mean) ** 2).sum()))
    assert evidence.typical(0) == by_hand
    assert Evidence(images, labels, inspect(images), aug.Contract(("a", "b", "c"))).typical(2) is None


def test_the_table_agrees_with_the_report(report):
    made = table(report)
    assert made.columns[0] == () and ("HorizontalFlip", "VerticalFlip") in made.columns
    for cls, cells in made.rows:
        assert cells[0].verdict == report.verdicts[cls]
        rotate = cells[made.columns.index(("Rotate",))]
        assert (rotate.verdict, rotate.tone) == ("outside-limits", "bad")
    by_class = dict(made.rows)
    six = by_class["6"][made.columns.index(("HorizontalFlip", "VerticalFlip"))]
    assert six.verdict == "changes" and report.findings[six.finding].becomes["6"] == "9"
    assert by_class["8"][made.columns.index(("HorizontalFlip",))].tone == "good"
    assert by_class["2"][made.columns.index(("HorizontalFlip",))].tone == "open"


def test_the_table_of_very_many_classes_lists_the_harmed_ones():
    names = tuple(f"c{k}" for k in range(MOST_ROWS + 50))
    harmed = names[-3:]
    relations = {(c, "hflip"): Relation("invalid" if c in harmed else "same") for c in names}
    contract = aug.Contract(names, relations)
    made = table(aug.check(aug.HorizontalFlip(), contract=contract, draws=200))
    assert len(made.rows) == MOST_ROWS and made.left_out == 50
    assert [cls for cls, _ in made.rows[:3]] == list(harmed)


def test_the_lost_rates_are_those_counted_one_by_one():
    contract = aug.Contract(
        ("a", "b", "c"),
        {("a", "hflip"): Relation("invalid"), ("b", "hflip"): Relation("same"), ("c", "hflip"): Relation("same")},
        {"c": Limits(rotation=10.0)},
    )
    plan = aug.Compose([aug.Rotate((-20, 20)), aug.HorizontalFlip()]).plan(np.full((500, 2), 32), np.arange(500))
    judged = judge(plan.jacobian)
    flipped = plan.draws.active["HorizontalFlip"]
    far = np.abs(plan.draws.values["Rotate"]["angle"]) > 10
    assert lost_rates(contract, judged) == pytest.approx([flipped.mean(), 0, far.mean()])


def test_the_curves_begin_at_the_image_as_it_is(report):
    made = {c.name: c for c in curves(report.policy, report.contract, report.evidence, report.size)}
    assert set(made) == {WHOLE, "Shift", "Zoom", "Rotate"}
    for curve in made.values():
        assert curve.visible[0] == pytest.approx(1) and curve.lost[0] == 0
        assert all(w <= v + 1e-9 for w, v in zip(curve.weakest, curve.visible, strict=True))
    # turned by up to 40 degrees, where 30 are allowed: a quarter of the draws, and none at three quarters of the range
    assert made["Rotate"].lost[-1] == pytest.approx(0.25, abs=0.05)
    assert made["Rotate"].lost[6] == 0
    assert made["Shift"].visible[-1] < 0.99


def test_the_weakest_images_are_those_at_the_edge():
    images = np.zeros((8, 32, 32), np.uint8)
    boxes = [[[12, 12, 20, 20]]] * 8
    boxes[2] = [[0, 12, 8, 20]]  # at the left edge: less than 0.7 of it is left once it moves by 2.4 pixels
    evidence = Evidence(list(images), np.zeros(8, np.int64), inspect(images, boxes=boxes), aug.Contract(("a",)))
    policy = aug.Compose([aug.Shift(x=(-0.15, 0.15), y=(0, 0))], border="constant")
    found = weakest(policy, evidence, Album(10**6))
    assert [w.index for w in found] == [2]
    assert 0 < found[0].lost < 1 and 0.1 < found[0].visible < 0.7
    assert weakest(aug.Compose([aug.HorizontalFlip()]), evidence, Album(10**6)) == []


def test_what_is_erased_is_not_left():
    images = np.zeros((4, 32, 32), np.uint8)
    boxes = [[[12, 12, 20, 20]]] * 4
    evidence = Evidence(list(images), np.zeros(4, np.int64), inspect(images, boxes=boxes), aug.Contract(("a",)))
    found = weakest(aug.Compose([aug.Erase((0.4, 0.5))]), evidence, Album(10**6))
    assert found and all(w.visible < 0.5 < w.lost * 10 for w in found)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_images_of_any_kind_with_a_normalising_output(tmp_path, dtype):
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    rng = np.random.default_rng(0)
    images = [(rng.random((40 + 4 * (k % 3), 48, 3)) * top).astype(dtype) for k in range(9)]
    output = aug.Output(size=(32, 32), dtype="float32", layout="CHW", mean=(0.5,) * 3, std=(0.2,) * 3)
    policy = aug.Compose([aug.Shift((-0.6, 0.6)), aug.HorizontalFlip()], output=output)
    boxes = [[[4, 4, 20, 20]]] * 9
    aug.check(policy, images, boxes=boxes, contract=None, draws=300).to_html(tmp_path / "page.html")
    tree = Tree((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert len(tree.all("img")) > 4
    assert {(a["width"], a["height"]) for a in tree.all("img")} >= {("32", "32"), ("48", "40")}
