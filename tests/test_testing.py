"""The helper for other projects' tests, and the hook for their commits."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import augsafe as aug
from augsafe.demo import digits
from augsafe.errors import ContractError
from augsafe.testing import assert_safe

ROOT = Path(__file__).resolve().parent.parent
UNSAFE = aug.Compose([aug.Rotate((-10, 10)), aug.HorizontalFlip(), aug.VerticalFlip()], border="constant")
SAFE = aug.Compose([aug.Rotate((-10, 10))], border="constant")
WARNS = aug.Compose([aug.Rotate((-10, 10)), aug.Shift((0, 0), (0, 0))], border="constant")


def test_a_safe_policy_passes_and_gives_the_report():
    assert assert_safe(SAFE, contract="mnist", strict=True, draws=2000).ok
    assert assert_safe(WARNS, contract="mnist", draws=2000).count("warning") == 1


def test_an_unsafe_policy_fails_in_words():
    with pytest.raises(AssertionError) as caught:
        assert_safe(UNSAFE, contract="mnist", draws=4000)
    said = str(caught.value)
    assert said.startswith("Not safe: ")
    assert re.search(
        r"AS102 error +HorizontalFlip \+ VerticalFlip: 6 reads as 9, 9 reads as 6, in 2\d% of augmented images", said
    )
    assert "  - leave out HorizontalFlip" in said
    assert "AS107" not in said
    assert "html='report.html'" in said


def test_warnings_fail_where_asked():
    with pytest.raises(AssertionError, match="AS507 warning"):
        assert_safe(WARNS, contract="mnist", strict=True, draws=2000)


def test_what_a_contract_accepts_passes():
    text = (
        "classes: [a, b]\nrelations: {a: {hflip: invalid}, b: {hflip: same}}\n"
        "accept: [{code: AS101, steps: [HorizontalFlip], classes: [a], reason: looked at}]\n"
    )
    assert_safe(aug.HorizontalFlip(), contract=aug.Contract.from_yaml(text), draws=500)


def test_files_and_images(tmp_path):
    UNSAFE.save(tmp_path / "policy.yaml")
    aug.Contract.builtin("mnist").save(tmp_path / "digits.yaml")
    images, labels = digits()
    page = tmp_path / "report.html"
    with pytest.raises(AssertionError, match=re.escape(f"Report saved to {page}")):
        assert_safe(
            tmp_path / "policy.yaml",
            images[:100],
            labels[:100],
            contract=str(tmp_path / "digits.yaml"),
            html=page,
            draws=2000,
        )
    assert "6 reads as 9" in page.read_text(encoding="utf-8")
    with pytest.raises(ContractError):
        assert_safe(SAFE, contract="mnits")


def test_pytest_shows_the_line_of_the_test(tmp_path):
    test = tmp_path / "test_policy.py"
    test.write_text(
        "import augsafe as aug\nfrom augsafe.testing import assert_safe\n\n\n"
        "def test_policy():\n    assert_safe(aug.HorizontalFlip(), contract='mnist', draws=500)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(test)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "E       AssertionError: Not safe: " in done.stdout
    assert "test_policy.py:6: AssertionError" in done.stdout and "testing.py" not in done.stdout


@pytest.fixture
def hook(tmp_path):
    """The hook of this repository, run on files as pre-commit runs it: its entry, the user's arguments, the files."""
    (body,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = shlex.split(body["entry"])
    assert program == "augsafe"  # a console script of the package, which pre-commit installs
    start = "import sys; sys.argv[0] = 'augsafe'; from augsafe.cli import main; sys.exit(main())"

    def run(*args: str):
        files = sorted(p for p in tmp_path.rglob("*") if re.search(body["files"], str(p.relative_to(tmp_path))))
        named = [str(p.relative_to(tmp_path)) for p in files]
        command = [sys.executable, "-c", start, *words, *args, *named]
        env = {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "PATH": ""}
        return named, subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)

    return run


def test_the_hook_stops_an_unsafe_policy(hook, tmp_path):
    (tmp_path / "policies").mkdir()
    SAFE.save(tmp_path / "policies" / "policy_train.yaml")
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n")
    named, done = hook("--contract", "mnist")
    assert named == ["policies/policy_train.yaml"]
    assert done.returncode == 0, done.stdout + done.stderr
    UNSAFE.save(tmp_path / "policies" / "wild-policy.json")
    named, done = hook("--contract", "mnist")
    assert len(named) == 2
    assert done.returncode == 1
    assert "wild-policy.json" in done.stdout and "6 reads as 9" in done.stdout


def test_the_hook_stops_a_file_that_is_no_policy(hook, tmp_path):
    (tmp_path / "policy.yaml").write_text("steps: [Rotat]\n")
    _, done = hook()
    assert done.returncode == 2
    assert "policy.yaml" in done.stderr and "Rotate" in done.stderr
