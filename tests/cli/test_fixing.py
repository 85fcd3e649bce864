"""`augsafe check --fix`: the file is written, the diff is shown, and wrong use is one clear line."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from PIL import Image
from typer.testing import CliRunner

import augsafe as aug
from augsafe.cli.app import app
from augsafe.cli.fixing import write_fix
from augsafe.demo import digits
from augsafe.errors import ArgumentError
from augsafe.foreign import as_policy

UNSAFE = "# ours\nsteps:\n  - Rotate: {angle: [-180, 180]}  # any angle\n  - HorizontalFlip\nborder: constant\n"
FIXED = "# ours\nsteps:\n  - Rotate: {angle: [-30, 30]}  # any angle\nborder: constant\n"
DIFF = """\
 # ours
 steps:
-  - Rotate: {angle: [-180, 180]}  # any angle
-  - HorizontalFlip
+  - Rotate: {angle: [-30, 30]}  # any angle
 border: constant
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    images, labels = digits()
    for i in range(20):
        place = tmp_path / "digits" / str(labels[i])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(place / f"{i}.png")
    (tmp_path / "policy.yaml").write_text(UNSAFE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: str):
        command = ["check", *words, "digits", "--contract", "mnist", "--draws", "2000"]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    return call


def test_the_policy_file_is_fixed_and_the_diff_shown(run, tmp_path):
    done = run("policy.yaml", "--fix")
    assert done.exit_code == 1  # errors were found
    assert DIFF in done.stdout and "Fixed policy written to policy.yaml." in done.stdout
    assert (tmp_path / "policy.yaml").read_text() == FIXED
    again = run("policy.yaml", "--fix")
    assert again.exit_code == 0 and "Nothing to fix." in again.stdout
    assert (tmp_path / "policy.yaml").read_text() == FIXED


def test_without_the_option_nothing_is_written(run, tmp_path):
    assert "+++" not in run("policy.yaml").stdout
    assert (tmp_path / "policy.yaml").read_text() == UNSAFE


def test_another_file_and_json(run, tmp_path):
    done = run("policy.yaml", "--fix", "-o", "fixed.yaml", "--json")
    said = json.loads(done.stdout)["fix"]
    assert said["file"] == "fixed.yaml" and DIFF in said["diff"]
    assert (tmp_path / "policy.yaml").read_text() == UNSAFE
    assert (tmp_path / "fixed.yaml").read_text() == FIXED
    run("policy.yaml", "--fix", "-o", "fixed.json")
    assert aug.Compose.load("fixed.json") == aug.Compose.from_yaml(FIXED)


def test_wrong_use(run, tmp_path):
    (tmp_path / "pipeline.py").write_text("import augsafe as aug\npolicy = aug.Rotate((-90, 90))\n")
    for words, said in (
        (("policy.yaml", "-o", "fixed.yaml"), "add --fix"),
        (("pipeline:policy", "--fix"), "add --output FILE"),
        (("policy.yaml", "--fix", "-o", "fixed.txt"), "must end in .yaml or .yml or .json"),
    ):
        done = run(*words)
        assert done.exit_code == 2 and said in done.stderr
    assert run("pipeline:policy", "--fix", "-o", "fixed.yaml").exit_code == 1
    assert aug.Compose.load("fixed.yaml").step("Rotate").angle == (-30, 30)


def test_a_policy_of_another_library_fits_in_no_file(tmp_path):
    pytest.importorskip("torchvision")
    from torchvision.transforms import v2

    policy, _ = as_policy(v2.Compose([v2.ElasticTransform()]))
    with pytest.raises(ArgumentError, match="no steps of other libraries"):
        write_fix(SimpleNamespace(fixed=policy, policy=policy, ok=False), tmp_path / "a.yaml", tmp_path / "b.yaml")
