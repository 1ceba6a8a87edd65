"""Imports run down one list of floors: who may import whom is what keeps the house simple."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import glassbench

ROOT = Path(glassbench.__file__).parent
# From the roof down: a room imports only rooms of the floors below its own.
FLOORS = (
    ("__main__.py",),
    ("cli",),
    ("cluster", "pages"),
    ("experiments", "submission"),
    ("tracking", "explain"),
    ("record", "figures", "conformance"),
    ("trial", "simulation"),
    ("datasets", "plugins", "training", "regression"),
    ("home",),
    ("contract",),
    ("metrics", "structure", "potentials"),
    ("model.py",),
)
FLOOR = {room: len(FLOORS) - place for place, rooms in enumerate(FLOORS) for room in rooms}
# The public face hands on what a notebook needs, and imports it when it is asked for.
FACE = "__init__.py"
HEAVY = {"torch", "ray", "mlflow", "xarray", "zarr", "scipy", "sklearn", "matplotlib", "pandas"}
LIGHT = ("__init__", "model", "contract/task", "contract/model_card", "contract/trial_plan")
LIGHT += ("record/record", "experiments/words", "plugins/registry")


def imported(path: Path, top_level_only: bool = False) -> set[str]:
    """Return the dotted names that a file imports, those of the house as `glassbench.…`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["glassbench", *path.relative_to(ROOT).parts[:-1]]
    names = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            names |= {start} if node.module else {f"{start}.{alias.name}" for alias in node.names}
    return names


def sources() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms of the house that a file imports, its own left out."""
    names = (name.split(".") for name in imported(path))
    tops = {parts[1] for parts in names if parts[0] == "glassbench" and len(parts) > 1}
    rooms = {f"{top}.py" if (ROOT / f"{top}.py").is_file() else top for top in tops}
    return rooms & set(FLOOR) - {room_of(path)}


def test_every_room_has_a_floor():
    there = {p.name for p in ROOT.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert there - {FACE} == set(FLOOR)
    assert len(FLOORS) <= 12
    names = [path for path in ROOT.iterdir() if path.name not in ("__pycache__", "_content")]
    assert len(names) <= 25


@pytest.mark.parametrize("room", FLOOR)
def test_imports_run_down(room):
    wrong = {
        f"{path.relative_to(ROOT)} imports {other}"
        for path in sources()
        if room_of(path) == room
        for other in rooms_imported(path)
        if FLOOR[other] >= FLOOR[room]
    }
    assert not wrong


def test_no_two_files_import_each_other_in_a_circle():
    files = {
        ".".join(("glassbench", *p.relative_to(ROOT).with_suffix("").parts)) for p in sources()
    }
    graph = {}
    for path in sources():
        name = ".".join(("glassbench", *path.relative_to(ROOT).with_suffix("").parts))
        graph[name] = {n if n in files else f"{n}.__init__" for n in imported(path)} & files
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above[above.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*above, name))
            done.add(name)

    for name in sorted(graph):
        walk(name, ())


def test_every_folder_says_its_idea_in_one_line():
    for folder in sorted({path.parent for path in sources()} - {ROOT}):
        words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert words, f"{folder.relative_to(ROOT)} says nothing"


@pytest.mark.parametrize(("library", "home"), [("ray", "cluster"), ("mlflow", "tracking")])
def test_one_folder_alone_imports_a_framework(library, home):
    users = {
        room_of(path)
        for path in sources()
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users == {home}


@pytest.mark.parametrize("name", LIGHT)
def test_contracts_import_nothing_heavy(name):
    tops = {n.split(".")[0] for n in imported(ROOT / f"{name}.py", top_level_only=True)}
    assert not tops & HEAVY


def test_no_code_names_a_task():
    tasks = {path.parent.name for path in (ROOT.parent / "tasks").glob("*/task.toml")}
    assert tasks
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        # A string that stands alone is a docstring, which may give an example.
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
        named = {s.value for s in strings if isinstance(s.value, str) and id(s) not in alone}
        assert not any(task in text for text in named for task in tasks), path


def test_no_generator_imports_in_a_circle():
    for folder in (ROOT.parent / "tasks").glob("*/generate"):
        graph = {}
        for path in folder.glob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            local = (n for n in nodes if isinstance(n, ast.ImportFrom) and n.level == 1)
            graph[path.stem] = {node.module for node in local}
        list(TopologicalSorter(graph).static_order())
