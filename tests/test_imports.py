"""The shape of the package: imports go one way, `import augsafe` is light, files and functions stay short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.import_time import BASE, OURS, alternate, output

PACKAGE = Path(__file__).resolve().parent.parent / "augsafe"

# Low to high: a module imports from earlier layers or from its own; see docs/decisions/0001.
LAYERS = (
    "errors",
    "frameworks",
    "blas",
    "decode",
    "sources",
    "randomness",
    "transforms",
    "output",
    "grid",
    "objects",
    "stages",
    "plan",
    "assembling",
    "extent",
    "permutation",
    "blocks",
    "warp",
    "sample",
    "targets",
    "aim",
    "covering",
    "lookup",
    "colors",
    "warps",
    "fused",
    "writing",
    "staged",
    "render",
    "policy",
    "naming",
    "compose",
    "schema",
    "perclass",
    "evaluation",
    "features",
    "typicality",
    "foreign",
    "contracts",
    "guards",
    "measured",
    "report",
    "check",
    "testing",
    "calibration",
    "joining",
    "mixing",
    "reading",
    "batches",
    "ahead",
    "loader",
    "repeats",
    "preview",
    "adapters",
    "cnns",
    "ablation",
    "__init__",
    "explain",
    "demo",
    "cli",
    "__main__",
)
# Layers that may use less than all that stand before them.
ONLY = {"errors": set(), "contracts": {"blas", "errors", "features", "typicality"}}

HEAVY = (
    "albumentations",
    "jinja2",
    "keras",
    "kornia",
    "matplotlib",
    "pandas",
    "rich",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
    "typer",
)
SLOWEST = 3.0  # `import augsafe` against `import numpy, cv2`, best of several rounds
MAX_FILE = 345
MAX_FUNCTION = 60


def layer_of(root: Path, path: Path) -> str:
    """The layer a file belongs to: the name of its module or folder right under the package."""
    return path.relative_to(root).parts[0].removesuffix(".py")


def imported(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    """(line, layer) of each import of the package's own modules, inside functions too."""
    package = (root.name, *path.relative_to(root).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = (*base, *(node.module or "").split(".")) if node.module else base
            targets = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for target in targets:
            if target[0] != root.name:
                continue
            name = target[1] if len(target) > 1 else "__init__"
            is_module = (root / f"{name}.py").exists() or (root / name).is_dir()
            yield node.lineno, name if is_module or len(target) > 2 else "__init__"


def wrong_imports(root: Path) -> list[str]:
    """Each import that goes the wrong way, and each module that has no place in LAYERS."""
    wrong = []
    for path in sorted(root.rglob("*.py")):
        layer = layer_of(root, path)
        if layer not in LAYERS:
            wrong.append(f"{path.relative_to(root)}: give {layer!r} its place in LAYERS")
            continue
        allowed = ONLY.get(layer, set(LAYERS[: LAYERS.index(layer)])) | {layer}
        wrong += [
            f"{path.relative_to(root)}:{line}: {layer} must not import {target}"
            for line, target in imported(root, path)
            if target not in allowed
        ]
    return wrong


def shapeless(root: Path) -> list[str]:
    """Each module or function that breaks the rules of shape."""
    folders = {path.parent for path in root.rglob("*.py")}
    bad = [f"{f.relative_to(root)}: no __init__.py" for f in sorted(folders) if not (f / "__init__.py").exists()]
    for path in sorted(root.rglob("*.py")):
        text, where = path.read_text(encoding="utf-8"), path.relative_to(root)
        tree = ast.parse(text)
        if path.stem == "utils":
            bad.append(f"{where}: name it after what it does")
        if not ast.get_docstring(tree):
            bad.append(f"{where}: a module begins with a docstring")
        if (lines := len(text.splitlines())) > MAX_FILE:
            bad.append(f"{where}: {lines} lines, at most {MAX_FILE}")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and node.args.kwarg:
                bad.append(f"{where}:{node.lineno}: **{node.args.kwarg.arg}: name the arguments")
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    bad.append(f"{where}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION}")
    return bad


def heavy_after(statement: str, *paths: Path) -> set[str]:
    """The heavy packages that a fresh interpreter holds after `statement`."""
    return set(output(f"import sys\n{statement}\nprint(*sys.modules)", *paths).split()) & set(HEAVY)


def ratio(statement: str, rounds: int, *paths: Path) -> float:
    """How much longer `statement` takes than the base, best against best."""
    times, base = alternate([statement, BASE], rounds, *paths)
    return min(times) / min(base)


def tree(root: Path, **files: str) -> Path:
    """A package named augsafe with the given modules; a double underscore in a name is a folder."""
    package = root / "augsafe"
    for name, text in files.items():
        path = package / f"{name if name == '__init__' else name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package that loads a heavy one when imported."""
    folder = tmp_path_factory.mktemp("careless")
    (folder / "careless.py").write_text("import numpy, cv2\nimport sklearn.linear_model\n", encoding="utf-8")
    return folder


def test_imports_go_one_way():
    assert wrong_imports(PACKAGE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from augsafe.checking.checks import check",
        "from augsafe import check",
        "import augsafe.checking.checks",
        "from .check import check",
        "from . import check",
        "def late():\n    from augsafe.checking.checks import check",
    ],
)
def test_a_wrong_import_is_caught(tmp_path, statement):
    right = "from augsafe.errors import AugsafeError"
    assert wrong_imports(tree(tmp_path, errors="", plan=right, check="from augsafe import plan")) == []
    found = wrong_imports(tree(tmp_path, plan=statement))
    assert len(found) == 1
    assert "plan must not import check" in found[0]


def test_a_wrong_import_in_a_folder_is_caught(tmp_path):
    package = tree(
        tmp_path, plan="", contracts__reading="from ..plan import Plan", contracts__more="from . import reading"
    )
    assert wrong_imports(package) == ["contracts/reading.py:1: contracts must not import plan"]


def test_a_module_without_a_layer_is_caught(tmp_path):
    assert wrong_imports(tree(tmp_path, helpers="")) == ["helpers.py: give 'helpers' its place in LAYERS"]


def test_the_page_on_architecture_gives_the_order():
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]*) \|", page.split("## The order of imports")[1], re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(cells).replace("`augsafe`", "`__init__`"))
    assert named == [layer for layer in LAYERS if layer != "__main__"]


def test_the_shape_of_the_package():
    assert shapeless(PACKAGE) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("utils", '"""Doc."""', "name it after what it does"),
        ("plan", "x = 1", "docstring"),
        ("plan", '"""Doc."""\n' + "x = 1\n" * MAX_FILE, "lines, at most"),
        ("plan", '"""Doc."""\ndef f():\n' + "    x = 1\n" * MAX_FUNCTION, "f has"),
        ("plan", '"""Doc."""\ndef f(**rest): ...', "**rest"),
        ("plan", '"""Doc."""\nf = lambda **rest: rest', "**rest"),
        ("guards__base", '"""Doc."""', "no __init__.py"),
    ],
)
def test_a_wrong_shape_is_caught(tmp_path, name, text, reason):
    assert shapeless(tree(tmp_path, __init__='"""Doc."""')) == []
    found = shapeless(tree(tmp_path, **{name: text}))
    assert len(found) == 1
    assert reason in found[0]


def test_importing_loads_nothing_heavy():
    assert heavy_after(OURS) == set()


def test_loading_something_heavy_is_caught(careless):
    assert {"sklearn", "scipy"} <= heavy_after("import careless", careless)


def test_importing_is_quick():
    assert ratio(OURS, rounds=5) <= SLOWEST


def test_a_slow_import_is_caught(careless):
    assert ratio("import careless", 2, careless) > SLOWEST
