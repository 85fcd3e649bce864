"""The command `augsafe train`: what it prints and writes, and that wrong use is one clear line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from augsafe.cli.app import app
from augsafe.demo import digits
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
POLICY = "border: constant\nsteps: [{Rotate: {angle: [-10, 10]}}, HorizontalFlip, VerticalFlip]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of digits as files, the same as an archive, and policies."""
    root = tmp_path_factory.mktemp("train")
    images, labels = digits()
    for i in range(60):
        place = root / "digits" / str(labels[i])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(place / f"{i}.png")
    np.savez(root / "digits.npz", images=images[:60], labels=labels[:60])
    np.savez(root / "test.npz", images=images[900:940], labels=labels[900:940])
    (root / "policy.yaml").write_text(POLICY)
    (root / "layout.yaml").write_text("steps: [Rotate]\noutput: {size: [32, 32], dtype: float32}\n")
    (root / "classes.yaml").write_text("per_class:\n  '8': {steps: [HorizontalFlip]}\n  '*': {steps: []}\n")
    return root


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command in the folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "120")
    runner = CliRunner()
    common = ("--model", "lenet5", "--workers", "0", "--device", "cpu", "--epochs", "2", "--batch-size", "16")
    return lambda *words: runner.invoke(app, ["train", *words, *common], catch_exceptions=False)


def test_a_folder_of_files(run, folder):
    done = run("digits", "-p", "policy.yaml", "-c", "mnist", "-o", "files", "--test", "test.npz")
    assert done.exit_code == 0, done.output
    for words in (
        "lenet5 in torch, 10 classes: 48 training and 12 validation images",
        "AS102 HorizontalFlip + VerticalFlip",
        "The loader's guards handle these images (redraw).",
        "2/2",
        "Accuracy on 40 test images",
        "Saved to files: results.json, model.pt",
    ):
        assert words in done.stdout.replace("\n", " "), words
    body = json.loads((folder / "files" / "results.json").read_text())
    assert body["complete"] and body["settings"]["options"]["epochs"] == 2
    taken = run("digits", "-p", "policy.yaml", "-c", "mnist", "-o", "files")
    assert taken.exit_code == 2 and taken.stdout == "" and "contains a run" in taken.stderr
    again = run("digits", "-p", "policy.yaml", "-c", "mnist", "-o", "files", "--test", "test.npz", "--resume", "--json")
    assert json.loads(again.stdout) == body


def test_guards_off_is_said(run):
    done = run("digits.npz", "-p", "policy.yaml", "-c", "mnist", "-o", "off", "--on-violation", "off", "--json")
    assert done.exit_code == 0, done.output
    assert "The guards are off" in done.stderr
    assert json.loads(done.stdout)["guards"]["images"] == 0


def test_a_policy_for_each_class(run):
    done = run("digits.npz", "-p", "classes.yaml", "-c", "mnist", "-o", "classes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["guards"]["changed"] == 0  # an 8 mirrored is an 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("digits.npz", "-o", "x", "-p", "layout.yaml"), "layout is 'HWC'"),
        (("digits.npz", "-o", "x", "--model", "resnet"), "did you mean"),
        (("digits.npz", "-o", "x", "-p", "missing.yaml"), "missing.yaml"),
        (("digits.npz", "-o", "x", "--blocks", "1"), "--weights"),
        (("digits.npz", "-o", "x", "--weights", "policy.yaml", "--blocks", "many"), "many"),
        (("digits.npz", "-o", "x", "--weights", "policy.yaml"), "cannot be read as weights"),
        (("digits.npz", "-o", "x", "--framework", "jax"), "'jax'"),
        (("nowhere", "-o", "x"), "nowhere"),
        (("digits.npz", "-o", "x", "--validation-share", "2"), "validation_share"),
        (("digits.npz", "-o", "x", "--on-violation", "shout"), "shout"),
    ],
)
def test_wrong_use_is_one_clear_line(run, folder, words, said):
    done = CliRunner().invoke(app, ["train", *words], catch_exceptions=False) if "--model" in words else run(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "x").exists()
