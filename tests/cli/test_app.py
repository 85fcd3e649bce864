"""The command line: exit codes, what is printed where, and that wrong use is one clear line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import augsafe
from augsafe.cli.app import SAMPLE, app
from augsafe.cli.data import even_sample
from augsafe.demo import digits
from augsafe.guards import GUARDS
from augsafe.report import text_of
from augsafe.report.explain import codes_page

ROOT = Path(__file__).resolve().parents[2]
UNSAFE = "steps: [{Rotate: {angle: [-10, 10]}}, HorizontalFlip, VerticalFlip]\nborder: constant\n"
SAFE = "steps: [{Rotate: {angle: [-10, 10]}}]\nborder: constant\n"
ONLY_WARNINGS = "steps: [{Rotate: {angle: [-10, 10]}}, {Shift: {x: [0, 0], y: [0, 0]}}]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of digits, one folder a class, and policies beside it."""
    root = tmp_path_factory.mktemp("cli")
    images, labels = digits()
    for i in range(60):
        place = root / "digits" / str(labels[i])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(place / f"{i}.png")
    for name, text in (("unsafe", UNSAFE), ("safe", SAFE), ("warns", ONLY_WARNINGS)):
        (root / f"{name}.yaml").write_text(text)
    (root / "broken.yaml").write_text("steps: [Rotat]")
    return root


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command in the folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    runner = CliRunner()
    return lambda *words: runner.invoke(app, list(words), catch_exceptions=False)


def test_check_exits_with_1_on_findings(run):
    done = run("check", "unsafe.yaml", "digits", "--contract", "mnist", "--draws", "4000")
    assert done.exit_code == 1
    assert "6 reads as 9" in done.stdout


@pytest.fixture(scope="module")
def corners(tmp_path_factory):
    """Bright images whose objects, in the corner, only their masks tell."""
    root = tmp_path_factory.mktemp("masks")
    for i in range(12):
        image, mask = np.full((32, 32), 200, np.uint8), np.zeros((32, 32), np.uint8)
        image[12:20, 12:20], mask[1:9, 1:9] = 20, 1
        for folder, values, ending in (("data", image, "jpg"), ("masks", mask, "png")):
            place = root / folder / "thing" / f"{i}.{ending}"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(place)
    (root / "shift.yaml").write_text("steps: [{Shift: {x: [-0.2, -0.15], y: [0, 0]}}]\nborder: constant\n")
    return root


def test_masks_beside_a_folder_say_where_the_object_is(corners, monkeypatch):
    monkeypatch.chdir(corners)
    runner = CliRunner()

    def codes(*words: str) -> set[str]:
        done = runner.invoke(app, ["check", "shift.yaml", "data", "--json", "--draws", "200", *words])
        return {finding["code"] for finding in json.loads(done.stdout)["findings"]}

    assert "AS201" in codes("--masks", "masks")
    assert "AS201" not in codes()
    (corners / "other").mkdir(exist_ok=True)
    for wrong, words in (("other", "mask of no image"), ("nowhere", "not a folder")):
        done = runner.invoke(app, ["check", "shift.yaml", "data", "--masks", wrong])
        assert done.exit_code == 2 and words in done.stderr.replace("\n", " ")


def test_check_writes_a_page(run, folder):
    done = run(
        "check", "unsafe.yaml", "digits", "--contract", "mnist", "--draws", "1000", "--html", "out.html", "--json"
    )
    assert done.exit_code == 1
    assert json.loads(done.stdout)["counts"]["error"] > 0
    text = (folder / "out.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "6 reads as 9" in text
    assert re.search(r"<small>6/\d+\.png</small>", text)  # the file, so that it can be found
    done = run(
        "check", "safe.yaml", "digits", "--contract", "mnist", "--draws", "1000", "--html", "no/such/folder.html"
    )
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_lint_writes_a_page(run, folder):
    done = run("lint", "unsafe.yaml", "--contract", "mnist", "--html", "lint.html", "--json")
    assert done.exit_code == 1 and json.loads(done.stdout)["counts"]["error"] > 0
    text = (folder / "lint.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "6 reads as 9" in text and "no images" in text
    for words, said in (
        (("unsafe.yaml", "safe.yaml", "--html", "two.html"), "one page"),
        (("unsafe.yaml", "--html", "no/l.html"), "no folder 'no'"),
    ):
        done = run("lint", *words)
        assert done.exit_code == 2 and said in done.stderr and not (folder / "two.html").exists()


def test_check_exits_with_0_on_none(run):
    done = run("check", "safe.yaml", "digits", "--contract", "mnist", "--draws", "4000")
    assert done.exit_code == 0, done.output
    assert "error" not in done.stdout


def test_check_prints_json_alone(run):
    done = run("check", "unsafe.yaml", "digits", "-c", "mnist", "--draws", "4000", "--json")
    body = json.loads(done.stdout)
    assert done.exit_code == 1
    assert body["file"] == "unsafe.yaml"
    assert any(f["becomes"] == {"6": "9", "9": "6"} for f in body["findings"])


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_strict_counts_warnings(run, strict, code):
    done = run("lint", "warns.yaml", "--contract", "mnist", *["--strict"] * strict)
    assert "AS507" in done.stdout
    assert done.exit_code == code


def test_learn_writes_a_contract_that_check_reads(run, tmp_path):
    out = tmp_path / "learned.yaml"
    done = run("learn", "digits", "-o", str(out), "--no-limits")
    assert done.exit_code == 0, done.output
    assert "Confirm each line" in done.stdout
    assert "images, 20 are needed" in out.read_text()  # six images of a class are too few to say anything
    assert run("lint", "safe.yaml", "-c", str(out)).exit_code == 0


def test_lint_takes_several_policies(run):
    done = run("lint", "safe.yaml", "unsafe.yaml", "--contract", "mnist", "--json")
    assert done.exit_code == 1
    assert [(b["file"], b["ok"]) for b in json.loads(done.stdout)] == [("safe.yaml", True), ("unsafe.yaml", False)]
    assert run("lint", "safe.yaml", "safe.yaml", "--contract", "mnist").exit_code == 0


def test_a_contract_may_be_a_file(run, folder):
    (folder / "flat.yaml").write_text("classes: ['6', '9']\nrelations:\n  '*': {hflip: same, vflip: same}\n")
    assert run("lint", "unsafe.yaml", "--contract", "flat.yaml").exit_code == 0


def test_preview_writes_a_picture(run, folder):
    done = run("preview", "unsafe.yaml", "digits", "-o", "p.png", "-c", "mnist", "--rows", "4", "--columns", "3")
    assert done.exit_code == 0, done.output
    assert "4 rows, 3 columns" in done.stdout
    assert Image.open(folder / "p.png").size[0] > 4 * 112


def test_preview_by_class_reads_more_than_a_row_of_images(run, folder):
    done = run("preview", "unsafe.yaml", "digits", "-o", "c.gif", "-c", "mnist", "--mode", "classes", "--columns", "2")
    assert done.exit_code == 0
    assert "10 rows, 2 columns" in done.stdout
    with Image.open(folder / "c.gif") as moving:
        assert moving.n_frames == 2


def test_preview_in_json(run):
    done = run("preview", "unsafe.yaml", "digits", "-o", "q.png", "-c", "mnist", "--mode", "steps", "--json")
    body = json.loads(done.stdout)
    assert body["path"] == "q.png"
    assert {"row", "column", "reason"} == set(body["flags"][0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lint", "broken.yaml"), "did you mean"),
        (("lint", "missing.yaml"), "missing.yaml"),
        (("lint", "safe.yaml", "--contract", "mnst"), "did you mean"),
        (("lint", "safe.yaml", "--contract", "missing.yaml"), "missing.yaml"),
        (("check", "safe.yaml", "nowhere"), "nowhere"),
        (("check", "safe.yaml", "digits", "--contract", "cifar10"), "'cifar10' has no class '0'"),
        (("preview", "safe.yaml", "digits", "--mode", "all"), "mode"),
        (("preview", "safe.yaml", "digits", "-o", "p.nonsense"), "p.nonsense"),
        (("explain", "AS999"), "AS999"),
    ],
)
def test_wrong_use_is_one_clear_line(run, words, said):
    done = run(*words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("check",), ("no-such-command",), ("lint", "safe.yaml", "--nonsense")])
def test_usage_errors_exit_with_2(run, words):
    assert run(*words).exit_code == 2


def test_validation_policies_must_not_draw(run):
    done = run("lint", "safe.yaml", "--validation", "--json")
    assert done.exit_code == 1 and "AS501" in done.stdout
    assert "AS501" in run("check", "safe.yaml", "digits", "-c", "mnist", "--draws", "500", "--validation").stdout
    assert "AS501" not in run("lint", "safe.yaml").stdout


def test_realism_is_asked_for_and_needs_images(run):
    done = run("check", "safe.yaml", "digits", "-c", "mnist", "--draws", "500", "--realism")
    assert done.exit_code == 2 and "at least 80 images, got 60" in done.stderr


def test_explain_lists_and_explains(run):
    listed = run("explain")
    assert listed.exit_code == 0
    for code, rule in GUARDS.items():
        assert code in listed.stdout
        assert text_of(rule) in run("explain", code.lower()).stdout
    assert json.loads(run("explain", "AS102", "--json").stdout)["code"] == "AS102"


def test_every_rule_says_something():
    for rule in GUARDS.values():
        assert len(text_of(rule)) > 80, rule
        assert rule.title, rule


def test_the_page_of_codes_is_current():
    page = ROOT / "docs" / "codes.md"
    assert page.read_text(encoding="utf-8") == codes_page(), (
        "run: python -c \"from augsafe.report import codes_page; open('docs/codes.md', 'w').write(codes_page())\""
    )


def test_readme_lists_every_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in text.splitlines() if "| AS" in line}
    assert listed == {code: rule.severity for code, rule in GUARDS.items()}


def test_large_sets_are_sampled_evenly():
    labels = np.repeat([0, 1, 2], [5000, 30, 900])
    rows = even_sample(labels, SAMPLE)
    assert len(rows) == len(set(rows.tolist())) == SAMPLE
    assert np.bincount(labels[rows]).tolist() == [1070, 30, 900]
    assert (rows == even_sample(labels, SAMPLE)).all()
    assert even_sample(labels, None).tolist() == list(range(len(labels)))


def test_check_says_that_it_samples(run, monkeypatch):
    import augsafe.cli.app

    monkeypatch.setattr(augsafe.cli.app, "SAMPLE", 20)
    done = run("check", "safe.yaml", "digits", "--contract", "mnist", "--draws", "1000", "--json")
    assert "20 of 60 images" in done.stderr
    assert "20 images" in " ".join(json.loads(done.stdout)["notes"])
    everything = run("check", "safe.yaml", "digits", "--contract", "mnist", "--draws", "1000", "--json", "--all")
    assert "of 60 images" not in everything.stderr


def process(*words, cwd):
    """Run the command in a process of its own."""
    script = "import sys; sys.argv[0] = 'augsafe'; from augsafe.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", script, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_in_a_process(folder):
    version = process("--version", cwd=folder)
    assert (version.returncode, version.stdout.strip()) == (0, f"augsafe {augsafe.__version__}")
    wrong = process("lint", "broken.yaml", cwd=folder)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: broken.yaml")
    assert process("lint", "unsafe.yaml", "-c", "mnist", cwd=folder).returncode == 1


def test_help_is_quick():
    code = "import sys\nimport augsafe.cli\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {"sklearn", "scipy", "augsafe.demo", "rich.progress"} & set(done.stdout.split())
