"""What is imported is declared in pyproject.toml, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What the package itself uses, be it for simulations, tuning or files of structures alone.
OF_PARTS = (*EXTRAS["simulation"], *EXTRAS["tune"], *EXTRAS["formats"])
USED_BY_THE_PACKAGE = [*PROJECT["dependencies"], *OF_PARTS]
# Loaded as a library, since LAMMPS needs it, and not imported.
LOADED = {"mpich"}


def distribution(requirement: str) -> str:
    """Return the name of a requirement such as `ray[default]>=2.50`, as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def imported(folder: Path) -> dict[str, Path]:
    """Return the modules from elsewhere that a folder imports, each with a file that does."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            modules |= {name.split(".")[0]: path.relative_to(ROOT) for name in names}
    own = {"glassbench", *(path.stem for path in folder.rglob("*.py"))}
    return {m: p for m, p in modules.items() if m not in sys.stdlib_module_names | own}


@cache
def providers() -> Mapping[str, list[str]]:
    return packages_distributions()


def undeclared(folder: Path, requirements: Iterable[str]) -> list[str]:
    """Return what a folder imports of distributions that are not among the requirements."""
    declared = {distribution(requirement) for requirement in requirements}
    return [
        f"{module} in {path}"
        for module, path in imported(folder).items()
        if not declared & {distribution(n) for n in providers().get(module, [module])}
    ]


def test_the_package_declares_what_it_imports():
    assert not undeclared(ROOT / "glassbench", USED_BY_THE_PACKAGE)


def test_the_package_imports_what_it_declares():
    used = {
        distribution(name)
        for module in imported(ROOT / "glassbench")
        for name in providers().get(module, [module])
    }
    assert not {distribution(r) for r in USED_BY_THE_PACKAGE} - used - LOADED


@pytest.mark.parametrize("kind", ["baselines", "submissions", "tasks"])
def test_models_and_generators_import_what_is_declared_somewhere(kind):
    for folder in sorted(path for path in (ROOT / kind).iterdir() if path.is_dir()):
        card = folder / "model.toml"
        own = tomllib.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
        # A task has no card; what a figure of it needs is an extra.
        extras = [r for extra in EXTRAS.values() for r in extra] if kind == "tasks" else []
        known = (*USED_BY_THE_PACKAGE, *own.get("dependencies", ()), *extras)
        assert not undeclared(folder, known)


def test_what_one_model_needs_is_an_extra():
    extras = {distribution(r) for extra in EXTRAS.values() for r in extra}
    for card in sorted(ROOT.glob("*/*/model.toml")):
        for requirement in tomllib.loads(card.read_text(encoding="utf-8")).get("dependencies", ()):
            assert distribution(requirement) in extras, card
