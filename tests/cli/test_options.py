"""What is wrong with an option is said before the data is touched: here the data is not even there."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from augsafe.cli.app import app

FLIPS = "steps: [HorizontalFlip, {Rotate: {angle: [-10, 10]}}]\n"
DATA = "nowhere"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in a folder with a policy, a file, and no data."""
    (tmp_path / "policy.yaml").write_text(FLIPS)
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *words: CliRunner().invoke(app, list(words), catch_exceptions=False)


TRAIN, ABLATE = ("train", DATA, "-o", "run"), ("ablate", DATA, "-o", "out")
PREVIEW = ("preview", "policy.yaml", DATA)
WRONG = [
    ((*TRAIN, "--on-violation", "foo"), "--on-violation='foo' must be one of raise, drop, relabel, identity, clamp"),
    ((*TRAIN, "--on-violation", "redaw"), "did you mean redraw?"),
    ((*TRAIN, "--framework", "jax"), "--framework='jax' must be one of torch, keras"),
    ((*TRAIN, "--model", "resnet"), "no network 'resnet'"),
    ((*TRAIN, "--device", "tpu"), "auto, cpu or gpu"),
    ((*TRAIN, "--validation-share", "2"), "validation_share"),
    ((*TRAIN, "--blocks", "1"), "--weights"),
    ((*TRAIN, "--weights", "missing.pt"), "--weights='missing.pt'"),
    ((*TRAIN, "--contract", "mnits"), "did you mean 'mnist'"),
    ((*TRAIN, "--policy", "missing.yaml"), "missing.yaml"),
    (("train", DATA, "-o", "file/run"), "--out='file/run' cannot be created"),
    ((*ABLATE, "--design", "pair"), "did you mean pairs?"),
    ((*ABLATE, "--search", "tpe"), "--search='tpe' must be one of grid, optuna"),
    ((*ABLATE, "--search", "optuna"), "design='strengths'"),
    ((*ABLATE, "--model", "nothing"), "no model 'nothing'"),
    ((*ABLATE, "--contract", "mnits"), "did you mean 'mnist'"),
    ((*ABLATE, "--jobs", "0"), "jobs"),
    ((*ABLATE, "--policy", "policy.yaml", "--design", "screen"), "at least 3 steps"),
    ((*ABLATE, "--store", "no/runs.sqlite"), "no folder 'no'"),
    (("ablate", DATA, "-o", "file"), "--out='file' cannot be created"),
    ((*PREVIEW, "--mode", "step"), "--mode='step' must be one of draws, steps, strength, sweep, classes, pairs"),
    ((*PREVIEW, "--mode", "strength"), "one of HorizontalFlip, Rotate"),
    ((*PREVIEW, "--mode", "strength", "--step", "Rotat"), "did you mean Rotate"),
    ((*PREVIEW, "--step", "Rotate"), "mode='strength'"),
    ((*PREVIEW, "--cell", "4"), "cell"),
    ((*PREVIEW, "-o", "p.txt"), "--output='p.txt' must end in .png"),
    ((*PREVIEW, "-o", "no/p.png"), "no folder 'no'"),
    ((*PREVIEW, "-c", "mnits"), "did you mean 'mnist'"),
    (("check", "policy.yaml", DATA, "--html", "no/r.html"), "--html='no/r.html' cannot be written"),
    (("check", "policy.yaml", DATA, "--html", "."), "it is a folder"),
    (("check", "policy.yaml", DATA, "-c", "mnits"), "did you mean 'mnist'"),
    (("learn", DATA, "-o", "no/c.yaml"), "no folder 'no'"),
    (("calibrate", DATA, "--epsilon", "2"), "epsilon"),
    (("calibrate", DATA, "-c", "mnits"), "did you mean 'mnist'"),
    (("calibrate", DATA, "-o", "policy.txt"), "must end in .yaml"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_it_is_refused_before_the_data(run, words, said):
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr and DATA not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [TRAIN, (*TRAIN, "--on-violation", "off"), (*TRAIN, "--on-violation", "clamp"), ABLATE, PREVIEW]
)
def test_with_right_options_the_data_is_missed(run, words):
    done = run(*words)
    assert done.exit_code == 2 and DATA in done.stderr


def test_optuna_is_missed_before_the_runs(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = run(*ABLATE, "--search", "optuna", "--design", "strengths")
    assert done.exit_code == 2 and "augsafe[ablate]" in done.stderr and DATA not in done.stderr
