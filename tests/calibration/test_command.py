"""`augsafe calibrate`: files, exit codes, wrong use."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import augsafe as aug
from augsafe import calibration
from augsafe.cli.app import app
from benchmarks.calibrate import squares

CONTRACT = {"classes": ["a", "b"], "limits": {"*": {"rotation": 20, "zoom": [0.8, 1.25], "visible": 0.7}}}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in a folder with images, a policy and a contract."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    images = squares(np.random.default_rng(0).integers(9, 14, 400))
    np.savez("data.npz", images=images, labels=np.array(["a", "b"] * 200))
    np.savez("few.npz", images=images[:20], labels=np.array(["a", "b"] * 10))
    (tmp_path / "start.yaml").write_text("steps: [{Rotate: {angle: [-40, 40]}}]\nborder: constant\n")
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(CONTRACT))
    start = ["--policy", "start.yaml", "--contract", "contract.yaml"]
    return lambda data, *words: CliRunner().invoke(app, ["calibrate", data, *start, *words], catch_exceptions=False)


def test_it_writes_the_certified_policy(run, tmp_path):
    done = run("data.npz", "-o", "policy.yaml", "--figure", "f.png", "--report", "r.json")
    assert done.exit_code == 0 and "Certified: scale 0.5" in done.stdout
    assert aug.Compose.load("policy.yaml").steps[0].angle == (-20.0, 20.0)
    assert json.loads((tmp_path / "r.json").read_text())["scale"] == 0.5
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_json_alone_is_on_standard_output(run):
    assert json.loads(run("data.npz", "--json").stdout)["scale"] == 0.5


def test_policies_by_class(run, tmp_path):
    assert run("few.npz", "--per-class", "-o", "c.yaml").exit_code == 1
    assert run("data.npz", "--per-class", "-o", "c.yaml").exit_code == 0
    assert set(aug.PerClass.from_dict(yaml.safe_load((tmp_path / "c.yaml").read_text())).policies) == {"a", "b"}


def test_nothing_certified_exits_with_1(run):
    done = run("few.npz")
    assert done.exit_code == 1 and "Undecided" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "policy.txt"],
        ["-o", "nowhere/policy.yaml"],
        ["--figure", "f.svg"],
        ["--epsilon", "2"],
        ["--contract", "mnits"],
        ["--policy", "missing.yaml"],
    ],
)
def test_wrong_use_exits_with_2(run, words):
    done = run("data.npz", *words)
    assert done.exit_code == 2 and words[-1].split("/")[0] in done.stderr


def test_it_can_be_stopped(run, monkeypatch, tmp_path):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(calibration, "calibrate", stopped)
    done = run("data.npz", "-o", "policy.yaml")
    assert done.exit_code == 130 and "Nothing was saved" in done.stderr
    assert not (tmp_path / "policy.yaml").exists()
