"""`augsafe ablate` writes its files and refuses what it cannot use."""

import json

from typer.testing import CliRunner

from augsafe.cli.app import app


def test_it_writes_its_files(tmp_path):
    (tmp_path / "p.yaml").write_text("steps: [{Rotate: {angle: [-5, 5]}}]")
    done = CliRunner().invoke(
        app, ["ablate", "--policy", str(tmp_path / "p.yaml"), "--seeds", "2", "--json", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"][0]["verdict"] == "no evidence"
    names = {"table.csv", "result.json", "ablation.html", "best.yaml"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names


def test_an_unknown_model_is_wrong_use():
    done = CliRunner().invoke(app, ["ablate", "--model", "nothing"])
    assert done.exit_code == 2 and "lenet5" in done.stderr
