"""`ablate` as a whole: planted truth, failures, the store, parallel runs, files."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from learners import Broken, Logged, Planted, problem

import augsafe as aug
from augsafe.ablation import Light
from augsafe.ablation.run import Run, key_of
from augsafe.demo import digits

DATA = problem()
STEPS = [aug.Rotate((-10, 10)), aug.Shift(), aug.Zoom()]


def quick(steps=STEPS, train=Planted(), **more):  # noqa: B008
    return aug.ablate(steps, train, DATA, **{"finals": False, "progress": False, **more})


def test_planted_truth_and_finals():
    train = Planted({"Rotate": 0.12, "Shift": -0.12}, ((("Rotate", "Zoom"), 0.08),))
    result = aug.ablate(STEPS, train, DATA, design="factorial", progress=False)
    assert {r.name: r.verdict for r in result.rows if r.name in ("Rotate", "Shift", "Rotate x Zoom")} == {
        "Rotate": "helps", "Shift": "harms", "Rotate x Zoom": "helps",
    }  # fmt: skip
    assert result.row("Shift x Zoom").verdict == "no evidence"
    assert result.best == "Rotate + Zoom"
    total = result.accuracy["Rotate + Shift + Zoom"] - result.accuracy["none"]
    assert sum(v[0] for v in result.shares.values()) == pytest.approx(total)
    assert result.final.rows[0].verdict == "helps" and "random search" in result.final.accuracy
    effects = [v[0] for v in result.rows[0].per_class.values()]
    assert effects == sorted(effects)


def test_too_few_seeds_carry_no_claim():
    train = Planted({"Rotate": 0.2, "Shift": -0.2})
    assert {r.verdict for r in quick(train=train, seeds=6).rows} == {"no evidence"}
    assert quick(train=train, seeds=7).row("Shift").verdict == "harms"


@pytest.mark.parametrize("design", ["one-at-a-time", "leave-one-out", "pairs", "screen", "strengths"])
def test_each_design_finds_a_large_effect(design):
    result = quick(train=Planted({"Rotate": 0.15}), design=design)
    verdicts = {r.name: r.verdict for r in result.rows}
    assert "helps" in {v for k, v in verdicts.items() if k.startswith("Rotate")}
    assert "harms" not in verdicts.values()


def test_the_test_labels_never_reach_the_learner():
    seen = []

    def spy(policy, seed, split):
        seen.append((split.part, len(split.targets), sorted(vars(split))))
        return np.zeros(len(split.targets), int)

    aug.ablate(STEPS[:1], spy, DATA, seeds=2, progress=False)
    assert {s[0] for s in seen} == {"validation", "test"}
    assert all(s[2] == ["classes", "images", "indices", "labels", "part", "targets"] for s in seen)
    assert [s[0] for s in seen] == sorted((s[0] for s in seen), reverse=True)  # all of validation before any of test


def test_failed_runs_are_stored_and_the_others_go_on(tmp_path):
    result = quick(train=Broken(), seeds=3, store=tmp_path / "runs.sqlite")
    assert [(r.seeds, r.failed) for r in result.rows] == [(0, 3), (2, 1), (2, 1)]
    assert "out of memory, said the card" in result.failures["Rotate, seed 0"]
    assert "must return class indices" in result.failures["Shift, seed 0"] and "NaN" in result.failures["Zoom, seed 1"]
    with sqlite3.connect(tmp_path / "runs.sqlite") as db:
        assert db.execute("select state, count(*) from runs group by state").fetchall() == [("done", 7), ("failed", 5)]
    assert "5 runs failed" in result.words() and "3 failed" in str(result)
    json.loads(result.to_json())
    result.to_html(tmp_path / "page.html")


def test_started_again_it_repeats_nothing(tmp_path):
    train, store = Logged(str(tmp_path)), tmp_path / "runs.sqlite"
    first = quick(train=train, seeds=3, store=store)
    more = quick(train=train, seeds=5, store=store)
    begun = (tmp_path / "begun.txt").read_text().splitlines()
    assert len(begun) == len(set(begun)) == 4 * 5
    assert first.row("Rotate").seeds == 3 and more.row("Rotate").seeds == 5


def test_other_data_under_the_same_store_is_refused(tmp_path):
    quick(seeds=2, store=tmp_path / "runs.sqlite")
    images, labels = DATA
    changed = images.copy()
    changed[5, 3, 3] ^= 1
    with pytest.raises(aug.InputError, match="other data"):
        aug.ablate(STEPS, Planted(), (changed, labels), seeds=2, store=tmp_path / "runs.sqlite", progress=False)


def test_a_key_holds_all_that_determines_a_run():
    policy = aug.Compose(STEPS)
    base = (policy, 0, "validation", "data", "train")
    keys = {
        key_of(Run("x", p, s, part), d, t)
        for p, s, part, d, t in (
            base, (policy.without("Zoom"), *base[1:]), (policy, 1, *base[2:]), (*base[:2], "test", *base[3:]),
            (*base[:3], "more", "train"), (*base[:4], "other"),
        )
    }  # fmt: skip
    assert len(keys) == 6
    assert key_of(Run("y", *base[:3]), "data", "train") in keys


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import augsafe as aug
from learners import Logged, problem
aug.ablate([aug.Rotate((-10, 10)), aug.Shift(), aug.Zoom()], Logged({folder!r}, 0.05), problem(), seeds=6,
           finals=False, progress=False, store={folder!r} + "/runs.sqlite")
"""


def start(folder):
    here = Path(__file__).resolve().parent
    text = SCRIPT.format(root=str(here.parent.parent), here=str(here), folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", text])


def counted(folder):
    return Counter((folder / "begun.txt").read_text().splitlines()) if (folder / "begun.txt").exists() else Counter()


def test_two_processes_share_a_store(tmp_path):
    both = [start(tmp_path), start(tmp_path)]
    assert [p.wait(600) for p in both] == [0, 0]
    assert set(counted(tmp_path).values()) == {1} and len(counted(tmp_path)) == 24


def test_killed_and_started_again_it_goes_on(tmp_path):
    first = start(tmp_path)
    end = time.monotonic() + 60
    while len(counted(tmp_path)) < 5 and time.monotonic() < end:
        time.sleep(0.02)
    first.kill()
    first.wait()
    assert start(tmp_path).wait(600) == 0
    begun = counted(tmp_path)
    assert len(begun) == 24 and sum(begun.values()) <= 25  # the run that was cut off may stand there twice


def test_dask_loses_nothing_when_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    import joblib

    store = tmp_path / "runs.sqlite"
    train = Logged(str(tmp_path), 0.02, ("Rotate", 2))
    here = str(Path(__file__).resolve().parent)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(lambda: sys.path.insert(0, here))
        with joblib.parallel_config(backend="dask"):
            result = quick(train=train, seeds=7, store=store, jobs=2)
    assert (tmp_path / "killed").exists()
    assert not result.failures and all(r.seeds == 7 for r in result.rows)
    alone = quick(train=train, seeds=7)
    assert [r.effect for r in result.rows] == [r.effect for r in alone.rows]
    with sqlite3.connect(store) as db:
        assert db.execute("select count(*), count(distinct key) from runs where state = 'done'").fetchone() == (28, 28)


def test_processes_give_what_one_gives():
    assert quick(train=Planted(), seeds=2, jobs=2).table == quick(train=Planted(), seeds=2).table


def test_optuna_searches_strengths(tmp_path):
    pytest.importorskip("optuna")
    result = quick(
        train=Light(copies=1, features=50), design="strengths", strengths=(1.0,), search="optuna", trials=4, seeds=2
    )
    assert any(n.startswith("optuna") for n in result.accuracy)


def test_the_guard_stands_beside_the_row():
    images, labels = digits()
    steps = [aug.Rotate((-5, 5)), aug.VerticalFlip(p=1)]
    result = aug.ablate(
        steps, Light(copies=1), (images[:500], labels[:500]), contract="mnist", finals=False, progress=False
    )
    flip = result.row("VerticalFlip")
    assert flip.verdict == "harms" and "AS101" in flip.guard and "and it harms" in flip.remark
    assert result.row("Rotate").guard == "safe"


def test_files(tmp_path):
    name = '<b>Turn & "more"</b>'
    result = quick([aug.Rotate((-9, 9), name=name), aug.Shift(), aug.Zoom()], seeds=2, design="pairs")
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [r["name"] for r in rows] == [r.name for r in result.rows] and rows[0]["verdict"] == "no evidence"
    result.to_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert name not in text and "&lt;b&gt;Turn" in text and "http:" not in text and "https:" not in text
    result.save_best(tmp_path / "best.yaml")
    assert aug.Compose.load(tmp_path / "best.yaml") == result.policy


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"seeds": 0}, aug.ArgumentError, "whole number"),
        ({"design": "x"}, aug.ArgumentError, "one-at-a-time"),
        ({"search": "x"}, aug.ArgumentError, "grid or optuna"),
        ({"jobs": 0}, aug.ArgumentError, "jobs"),
        ({"shares": (0.5, 0.5)}, aug.ArgumentError, "shares"),
        ({"train": 3}, aug.ArgumentError, "function"),
        ({"steps": "x"}, aug.ArgumentError, "list of transforms"),
        ({"groups": [1]}, aug.InputError, "groups"),
        ({"also": {"none": aug.Compose()}}, aug.ArgumentError, "another name"),
    ],
)
def test_bad_input(change, error, words):
    with pytest.raises(error, match=words):
        quick(**change)
