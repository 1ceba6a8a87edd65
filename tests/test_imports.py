"""Imports run one way: who may import whom is what keeps the house simple."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import glassbench

ROOT = Path(glassbench.__file__).parent
ABOVE_TRIAL = {"cluster", "tracking", "cli", "sandbox", "pages", "submission"}
FORBIDDEN = {
    "metrics": "everything",
    "structure": "everything",
    "potentials": "everything",
    "model.py": "everything",
    "datasets": ABOVE_TRIAL | {"trial", "training", "simulation", "scoring"},
    "training": ABOVE_TRIAL | {"trial", "scoring", "simulation", "record"},
    "regression": ABOVE_TRIAL | {"trial", "scoring", "simulation", "record"},
    "scoring.py": ABOVE_TRIAL | {"trial", "training", "simulation"},
    "trial.py": ABOVE_TRIAL | {"simulation", "record"},
    "tracking": {"cli", "cluster", "trial", "training", "simulation"},
    "simulation": ABOVE_TRIAL | {"trial", "training", "scoring", "registry"},
    "studies": ABOVE_TRIAL | {"trial", "training", "simulation", "record"},
    "record.py": ABOVE_TRIAL | {"trial", "training", "simulation"},
    "plan.py": ABOVE_TRIAL | {"trial", "training", "simulation", "datasets", "record"},
    "tuning": ABOVE_TRIAL | {"trial", "training", "simulation", "scoring", "datasets"},
    "sandbox": {"cli", "cluster", "tracking", "submission", "pages", "simulation", "record"},
    "submission": {"cli", "cluster", "pages", "simulation"},
    "cluster": {"cli"},
    "pages": ABOVE_TRIAL
    | {"trial", "training", "simulation", "scoring", "datasets", "regression", "submission"}
    | {"explain"},
    "explain": ABOVE_TRIAL | {"trial", "training", "simulation", "submission"},
    "sweep": ABOVE_TRIAL | {"trial", "training", "simulation", "datasets", "record", "scoring"},
    "cache.py": ABOVE_TRIAL | {"trial", "training", "simulation", "record", "regression"},
}
HEAVY = {"torch", "ray", "mlflow", "xarray", "zarr", "scipy", "sklearn", "matplotlib", "pandas"}
LIGHT = "__init__ task model plan variation record config registry model_card results".split()


def files_of(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


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


@pytest.mark.parametrize("place", FORBIDDEN)
def test_imports_run_one_way(place):
    assert files_of(place), f"{place} holds no file"
    own = place.removesuffix(".py")
    for path in files_of(place):
        for name in imported(path):
            top, *rest = name.split(".")
            if top != "glassbench" or not rest or rest[0] == own:
                continue
            wrong = FORBIDDEN[place] == "everything" or rest[0] in FORBIDDEN[place]
            assert not wrong, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize(("library", "home"), [("ray", "cluster"), ("mlflow", "tracking")])
def test_one_folder_alone_imports_a_framework(library, home):
    users = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users == {home}


@pytest.mark.parametrize("name", LIGHT)
def test_contracts_import_nothing_heavy(name):
    tops = {n.split(".")[0] for n in imported(ROOT / f"{name}.py", top_level_only=True)}
    assert not tops & HEAVY
