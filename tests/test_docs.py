"""What the documents and examples show works: their blocks and files are run.

In *.md and docs/, the blocks of one file run in order, in one empty folder and one namespace. A ```yaml block
that begins with `# name.yaml` is written to that file. In ```console and ```bash blocks the lines that begin with
`$ augsafe` are run and must exit with 0, or with N where the line ends with `# exit N`. What must run and not be seen,
such as making the data that a command reads, stands in a block inside an HTML comment. The code of the notebooks in
examples/ is run too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
NOTEBOOKS = sorted(ROOT.glob("examples/*.ipynb"))

BLOCK = re.compile(r"^```(python|console|bash|yaml)[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (augsafe\b(?:.*\\\n)*.*)$", re.MULTILINE)
EXPECTED = re.compile(r"# exit (\d+)\s*$")
# The console script, without the need for an installed one.
SHELL = """augsafe() { "$AUGSAFE_PYTHON" -c 'import sys; sys.argv[0] = "augsafe"
from augsafe.cli import main
sys.exit(main())' "$@"; }
"""

# Places on the writer's own machine, and hosts that a mirror may stand in for.
PRIVATE = re.compile(
    r"(?<![\w.~-])/(?:home|root|work|Users)/\w|\b[A-Z]:\\Users\b"
    r"|\b(?:pypi|pythonhosted|anaconda|npmjs|crates)\.(?:org|com|io)\b"
)


# What a document or an example needs beside the core, in its first lines.
NEEDS = re.compile(r"^(?:<!--|#) needs: ([\w ]+?)(?: -->)?$", re.MULTILINE)


def parameters(paths: list[Path]) -> list[Any]:
    """The files as parameters; one that needs a framework is skipped where that is missing, but not in CI."""
    found = [(p, NEEDS.search(p.read_text(encoding="utf-8"))) for p in paths]
    return [pytest.param(p, marks=needs(*m[1].split()) if m else (), id=str(p.relative_to(ROOT))) for p, m in found]


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line its text begins on."""

    language: str
    text: str
    line: int


def blocks(document: str) -> list[Block]:
    """The blocks that are run, in order."""
    return [Block(m[1], m[2], document.count("\n", 0, m.start(2)) + 1) for m in BLOCK.finditer(document)]


def environment() -> dict[str, str]:
    """This process's environment, with the repository importable and the examples at full length."""
    kept = {k: v for k, v in os.environ.items() if k != "AUGSAFE_EXAMPLE_FAST"}
    return {**kept, "PYTHONPATH": str(ROOT), "AUGSAFE_PYTHON": sys.executable, "COLUMNS": "120"}


def run_command(command: str, folder: Path) -> None:
    """Run one command of a document; fail where it exits with another code than it says."""
    marked = EXPECTED.search(command)
    expected = int(marked[1]) if marked else 0
    done = subprocess.run(
        ["bash", "-c", SHELL + command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    said = f"{command}: exit {done.returncode}, expected {expected}\n{done.stdout}{done.stderr}"
    assert done.returncode == expected, said


def run_document(path: Path, folder: Path) -> int:
    """Run the blocks of a document in `folder`, the current one; return how many ran."""
    ran = 0
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.language == "python":
            # Blank lines before it make the traceback show the document's own line.
            code = compile("\n" * (block.line - 1) + block.text, str(path), "exec", dont_inherit=True)
            exec(code, namespace)
            ran += 1
        elif block.language == "yaml":
            if name := re.match(r"# ([\w-]+\.ya?ml)\s*$", block.text, re.MULTILINE):
                (folder / name[1]).write_text(block.text, encoding="utf-8")
        else:
            for command in COMMAND.findall(block.text):
                run_command(command, folder)
                ran += 1
    return ran


def tracked() -> list[Path]:
    """The files of the repository: what git holds or would add."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [p for name in done.stdout.split("\0") if name and (p := ROOT / name).is_file()]


def private(path: Path) -> list[str]:
    """The lines of a text file that name a private place."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []  # not text
    return [f"{path.name}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if PRIVATE.search(line)]


@pytest.mark.parametrize("path", parameters(DOCUMENTS))
def test_document(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_document(path, tmp_path)


def test_there_is_a_readme_and_it_shows_code():
    shown = {block.language for block in blocks((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {"python", "console"} <= shown or {"python", "bash"} <= shown


@pytest.mark.parametrize("path", parameters(EXAMPLES))
def test_example(path, tmp_path):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def cells(path: Path) -> str:
    """The code of a notebook as one program; a cell's last value is what the notebook would show."""
    body = json.loads(path.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in body["cells"]), f"{path.name}: clear the outputs"
    return "\n\n".join("".join(cell["source"]) for cell in body["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook(path, tmp_path):
    program = tmp_path / "notebook.py"
    program.write_text(cells(path), encoding="utf-8")
    beside = {**environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), str(path.parent)])}
    done = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, env=beside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_notebooks_and_they_are_whole():
    assert len(NOTEBOOKS) >= 2
    for path in NOTEBOOKS:
        body = json.loads(path.read_text(encoding="utf-8"))
        assert (body["nbformat"], {c["cell_type"] for c in body["cells"]}) == (4, {"code", "markdown"})
        assert len({c["id"] for c in body["cells"]}) == len(body["cells"])


def test_blocks_share_a_namespace_and_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n<!--\n```python\nopen('a.txt', 'w').close()\n```\n-->\n\n"
        "```yaml\n# policy.yaml\nsteps: []\n```\n\n```text\n1 / 0\n```\n\n"
        "```python\nimport os\nassert x == 1 and {'a.txt', 'policy.yaml'} <= set(os.listdir())\n```\n"
    )
    assert run_document(page, tmp_path) == 3


@pytest.mark.parametrize(
    ("block", "error"),
    [
        ("```python\nassert 1 == 2\n```\n", AssertionError),
        ("```python\nimport augsafe\naugsafe.Rotat()\n```\n", AttributeError),
        ("```console\n$ augsafe no-such-command\n```\n", AssertionError),
        ("```bash\n$ augsafe --help  # exit 1\n```\n", AssertionError),
        ("```console\n$ ls\n$ augsafe \\\n    no-such-command\n```\n", AssertionError),
    ],
)
def test_a_failing_block_is_caught(tmp_path, monkeypatch, block, error):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n" + block)
    with pytest.raises(error):
        run_document(page, tmp_path)


def test_a_command_may_say_how_it_exits(tmp_path):
    run_command("augsafe --help", tmp_path)
    run_command("augsafe no-such-command  # exit 2", tmp_path)


def test_a_traceback_shows_the_line_of_the_document(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nx = 1\n1 / 0\n```\n")
    with pytest.raises(ZeroDivisionError) as caught:
        run_document(page, tmp_path)
    assert caught.traceback[-1].lineno + 1 == 5


@pytest.mark.skipif(
    not (shutil.which("git") and (ROOT / ".git").exists()), reason="needs git and a clone to list the tracked files"
)
def test_no_file_names_a_private_place():
    files = tracked()
    assert Path(__file__).resolve() in files
    assert [line for path in files for line in private(path)] == []


@pytest.mark.parametrize(
    "words",
    [
        ("see /", "home/", "me/data"),
        ("/", "work/", "main"),
        ("https://", "pypi", ".org/simple"),
        ("C:", "\\Users", "\\me"),
    ],
)
def test_a_private_place_is_caught(tmp_path, words):
    page = tmp_path / "page.md"
    page.write_text("fine: https://example.org/x/work/y and data/home/x\n" + "".join(words) + "\n")
    assert len(private(page)) == 1
