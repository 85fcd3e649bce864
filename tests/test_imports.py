"""The shape of the package: rooms on floors, walls between them, light imports, short files and functions.

A room is a module or a folder right under the package. What a folder shows is its face, the names of its
`__init__.pyi`. Others import from the face alone, from lower floors alone, and folders never import in a circle.
"""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.import_time import OURS, USED, output

PACKAGE = Path(__file__).resolve().parent.parent / "augsafe"

# Low to high: a room imports from rooms on lower floors; see docs/decisions/0019.
FLOORS = (
    ("errors", "typing"),
    ("frameworks", "randomness", "images", "statistics"),
    ("transforms", "objects"),
    ("planning",),
    ("pixels",),
    ("policies",),
    ("typicality", "foreign"),
    ("contracts",),
    ("guards",),
    ("report", "loading"),
    ("checking", "adapters"),
    ("calibration", "previews", "testing", "cnns"),
    ("ablation", "demo"),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# What is true of the classes does not depend on how images are changed.
ONLY = {"contracts": {"errors", "typing", "statistics", "typicality"}}
OWN_FACES = {"adapters"}  # each module of these imports a framework of its own, and is a face of its own
ABOVE_ALL = {"__init__", "__main__"}  # the public names, and `python -m augsafe`

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
NAMES_ONLY = {"augsafe", "augsafe.errors"}  # what `import augsafe` may hold of the package
MOST_MODULES = 140  # of the package, once a policy and a loader were made
MAX_FILE = 345
MAX_FUNCTION = 60  # its docstring apart

Module = tuple[str, ...]  # the dotted name without the package's own, such as ("guards", "content", "rules")


def modules_of(root: Path) -> dict[Module, Path]:
    """Each module of a package; a folder stands for its `__init__.py`."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).with_suffix("").parts
        found[name[:-1] if name[-1] == "__init__" and len(name) > 1 else name] = path
    return found


def imported(root: Path, own: Module, path: Path, modules: dict[Module, Path]) -> Iterator[tuple[int, Module]]:
    """(line, module) of each import of the package's own modules, inside functions too."""
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
            inner = target[1:]
            # the last part is a module, or a name in the module before it
            yield node.lineno, inner if inner in modules else inner[:-1] or ("__init__",)


def wrong(own: Module, target: Module) -> str | None:
    """What is wrong with one import, None where it is right."""
    room, other = own[0], target[0]
    if other in ABOVE_ALL:
        return None if room in ("cli", *ABOVE_ALL) else f"{room} must not import the public names"
    if room == other:
        own_folders = {own[:k] for k in range(1, len(own) + 1)}
        if target in own_folders and target != own:
            return f"imports the face of its own folder {'.'.join(target)}; name the module"
    elif other not in FLOOR_OF:
        return f"give {other!r} its floor in FLOORS"
    elif room not in ABOVE_ALL and (FLOOR_OF[other] >= FLOOR_OF[room] or other not in ONLY.get(room, {other})):
        return f"{room} must not import {other}"
    for k in range(1, len(target)):  # the first folder on the way that the importer does not stand in
        if own[:k] != target[:k] or len(own) == k:
            if target[0] in OWN_FACES and k == 1:
                return None
            return f"reaches past the face of {'.'.join(target[:k])} to {'.'.join(target)}"
    return None


def wrong_imports(root: Path) -> list[str]:
    """Each import that breaks a wall, each room without a floor, and each circle of folders."""
    modules, bad = modules_of(root), []
    edges: dict[Module, dict[str, set[str]]] = {}
    folders = {name for name, path in modules.items() if path.stem == "__init__"}
    for own, path in modules.items():
        where = path.relative_to(root)
        if own[0] not in FLOOR_OF and own[0] not in ABOVE_ALL:
            bad.append(f"{where}: give {own[0]!r} its floor in FLOORS")
            continue
        for line, target in imported(root, own, path, modules):
            if reason := wrong(own, target):
                bad.append(f"{where}:{line}: {reason}")
            shared = next((k for k, (a, b) in enumerate(zip(own, target, strict=False)) if a != b), 0)
            if shared and own[: shared + 1] in folders and target[: shared + 1] in folders:
                edges.setdefault(own[:shared], {}).setdefault(own[shared], set()).add(target[shared])
    for parent, graph in edges.items():
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            bad.append(f"{'.'.join(parent)}: folders import in a circle: {' -> '.join(error.args[1])}")
    return bad


def wrong_faces(root: Path) -> list[str]:
    """Each face that does more than name things, and each name on one that hides a module or leads nowhere."""
    bad = []
    for path in sorted(root.rglob("__init__.py")):
        where = path.relative_to(root)
        body = ast.parse(path.read_text(encoding="utf-8")).body[1:]
        simple = all(isinstance(node, (ast.Import, ast.Assign)) for node in body)
        if not simple:
            bad.append(f"{where}: a face only names things; put code into a module")
        stub = path.with_suffix(".pyi")
        names = re.findall(r"^from \.[\w.]* import \w+ as (\w+)$", stub.read_text(), re.M) if stub.exists() else []
        hidden = {p.stem for p in path.parent.glob("*.py")} | {p.parent.name for p in path.parent.glob("*/__init__.py")}
        bad += [f"{where}: {name} is a module's name, too" for name in names if name in hidden]
        package = import_module(".".join((root.name, *where.parent.parts))) if root == PACKAGE else None
        bad += [f"{where}: {name} leads nowhere" for name in names if package and not hasattr(package, name)]
    return bad


def lines_said(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines the docstring takes: to say more must not mean to do less."""
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0


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
                length = (node.end_lineno or node.lineno) - node.lineno + 1 - lines_said(node)
                if length > MAX_FUNCTION:
                    bad.append(f"{where}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION}")
    return bad


def held_after(statement: str, *paths: Path) -> set[str]:
    """The modules that a fresh interpreter holds after `statement`."""
    return set(output(f"import sys\n{statement}\nprint(*sys.modules)", *paths).split())


def tree(root: Path, **files: str) -> Path:
    """A package named augsafe with the given modules; a double underscore in a name is a folder."""
    package = root / "augsafe"
    for name, text in files.items():
        path = package / f"{name if name == '__init__' else name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for folder in path.parent.relative_to(package).parents if path.parent != package else ():
            (package / folder / "__init__.py").touch()
        (path.parent / "__init__.py").touch()
    return package


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package that loads a heavy one when imported."""
    folder = tmp_path_factory.mktemp("careless")
    (folder / "careless.py").write_text("import numpy, cv2\nimport sklearn.linear_model\n", encoding="utf-8")
    return folder


def test_the_walls_hold():
    assert wrong_imports(PACKAGE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from augsafe.checking import check",
        "from augsafe import checking",
        "import augsafe.checking",
        "from .checking import check",
        "from . import checking",
        "def late():\n    from augsafe.checking import check",
    ],
)
def test_an_upward_import_is_caught(tmp_path, statement):
    right = "from augsafe.errors import AugsafeError"
    assert wrong_imports(tree(tmp_path, errors="", planning=right, checking="from augsafe import planning")) == []
    found = wrong_imports(tree(tmp_path, planning=statement))
    assert len(found) == 1
    assert "planning must not import checking" in found[0]


@pytest.mark.parametrize("statement", ["from augsafe.pixels.warping import warp", "import augsafe.pixels.warping"])
def test_reaching_past_a_face_is_caught(tmp_path, statement):
    room = {"pixels__warping": "warp = 1", "pixels__staged": "from augsafe.pixels.warping import warp"}
    assert wrong_imports(tree(tmp_path, **room, policies="from augsafe.pixels import warp")) == []
    found = wrong_imports(tree(tmp_path, policies=statement))
    assert found == ["policies.py:1: reaches past the face of pixels to pixels.warping"]


def test_walls_inside_a_room_are_held(tmp_path):
    inner = {"guards__base": "", "guards__tone__rules": "from augsafe.guards.base import Guard"}
    assert wrong_imports(tree(tmp_path, **inner, guards__registry="from augsafe.guards.tone import rules_of")) == []
    past = {
        "guards__fix__nearest": "from augsafe.guards.tone.rules import x",
        "guards__late": "from augsafe.guards import x",
    }
    found = wrong_imports(tree(tmp_path, **past))
    assert found == [
        "guards/fix/nearest.py:1: reaches past the face of guards.tone to guards.tone.rules",
        "guards/late.py:1: imports the face of its own folder guards; name the module",
    ]


def test_a_circle_of_folders_is_caught(tmp_path):
    one = {"guards__tone__rules": "from augsafe.guards.fix import nearest_name"}
    assert wrong_imports(tree(tmp_path, **one, guards__fix__nearest="")) == []
    (found,) = wrong_imports(tree(tmp_path, guards__fix__nearest="from augsafe.guards.tone import rule"))
    assert "guards: folders import in a circle" in found


def test_contracts_know_nothing_of_images(tmp_path):
    package = tree(tmp_path, planning="", errors="", contracts__reading="from augsafe.planning import Plan")
    assert wrong_imports(package) == ["contracts/reading.py:1: contracts must not import planning"]


def test_a_room_without_a_floor_is_caught(tmp_path):
    assert wrong_imports(tree(tmp_path, helpers="")) == ["helpers.py: give 'helpers' its floor in FLOORS"]


def test_faces_only_name_things():
    assert wrong_faces(PACKAGE) == []


@pytest.mark.parametrize(
    ("face", "stub", "reason"),
    [
        ('"""Doc."""\n\n\ndef f():\n    pass\n', "", "only names things"),
        ('"""Doc."""\n', "from .inner import inner as inner\n", "is a module's name"),
    ],
)
def test_a_wrong_face_is_caught(tmp_path, face, stub, reason):
    package = tree(tmp_path, room__inner="")
    assert wrong_faces(package) == []
    (package / "room" / "__init__.py").write_text(face, encoding="utf-8")
    (package / "room" / "__init__.pyi").write_text(stub, encoding="utf-8")
    (found,) = wrong_faces(package)
    assert reason in found


def test_the_page_on_architecture_draws_the_rooms():
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    graph = re.search(r"```mermaid\n(.*?)```", page, re.DOTALL)
    assert graph is not None
    drawn = [re.findall(r"(\w+)\[", line) for line in graph[1].splitlines() if "[" in line and "subgraph" not in line]
    assert [room for line in drawn for room in line] == [room for floor in reversed(FLOORS) for room in floor]
    arrows = set(re.findall(r"(\w+) --> (\w+)", graph[1]))
    assert arrows == closest_imports(PACKAGE), "the arrows are the imports that no other path of arrows says"


def closest_imports(root: Path) -> set[tuple[str, str]]:
    """(room, room it imports) without those that follow from others: the transitive reduction of the imports."""
    modules = modules_of(root)
    uses: dict[str, set[str]] = {room: set() for room in FLOOR_OF}
    for own, path in modules.items():
        if own[0] in FLOOR_OF:
            uses[own[0]] |= {t[0] for _, t in imported(root, own, path, modules) if t[0] in FLOOR_OF} - {own[0]}
    reach: dict[str, set[str]] = {}
    for room in FLOOR_OF:  # from the lowest floor on
        reach[room] = uses[room] | {far for near in uses[room] for far in reach[near]}
    return {
        (room, near)
        for room, nears in uses.items()
        for near in nears
        if not any(near in reach[other] for other in nears - {near})
    }


def test_the_shape_of_the_package():
    assert shapeless(PACKAGE) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("utils", '"""Doc."""', "name it after what it does"),
        ("planning", "x = 1", "docstring"),
        ("planning", '"""Doc."""\n' + "x = 1\n" * MAX_FILE, "lines, at most"),
        ("planning", '"""Doc."""\ndef f():\n' + "    x = 1\n" * MAX_FUNCTION, "f has"),
        ("planning", '"""Doc."""\ndef f(**rest): ...', "**rest"),
        ("planning", '"""Doc."""\ndef f():\n    """Doc."""\n' + "    x = 1\n" * MAX_FUNCTION, "f has"),
        ("planning", '"""Doc."""\nf = lambda **rest: rest', "**rest"),
    ],
)
def test_a_wrong_shape_is_caught(tmp_path, name, text, reason):
    package = tree(tmp_path, errors='"""Doc."""')
    (package / "__init__.py").write_text('"""Doc."""')
    assert shapeless(package) == []
    (package / f"{name}.py").write_text(text)
    found = shapeless(package)
    assert len(found) == 1
    assert reason in found[0]


def test_a_long_docstring_makes_no_long_function(tmp_path):
    text = '"""Doc."""\ndef f():\n    """Doc.' + "\n    Doc." * MAX_FUNCTION + '\n    """\n    return 1\n'
    assert shapeless(tree(tmp_path, errors='"""Doc."""', planning=text)) == [
        "__init__.py: a module begins with a docstring"
    ]


def test_a_folder_without_a_face_is_caught(tmp_path):
    package = tree(tmp_path, guards__base='"""Doc."""')
    (package / "__init__.py").write_text('"""Doc."""')
    (package / "guards" / "__init__.py").unlink()
    assert shapeless(package) == ["guards: no __init__.py"]


def test_importing_holds_names_only():
    held = held_after(OURS)
    assert {name for name in held if name.split(".")[0] == "augsafe"} <= NAMES_ONLY
    assert not {"numpy", "cv2", "PIL", "yaml", *HEAVY} & held


def test_a_policy_and_a_loader_hold_nothing_heavy():
    held = held_after(USED)
    assert not set(HEAVY) & held
    assert len([name for name in held if name.split(".")[0] == "augsafe"]) <= MOST_MODULES


def test_loading_something_heavy_is_caught(careless):
    assert {"sklearn", "scipy", "numpy"} <= held_after("import careless", careless)
