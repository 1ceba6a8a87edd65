"""Reading a submission's source without running it: what it imports, and calls that execute."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement

from ..contract.check_result import CheckResult, failed, passed
from ..contract.errors import UserError
from ..contract.text import printable

# Calls that execute what they read, with what to call instead.
EXECUTING = {
    "pickle.load": "write .npz or .safetensors",
    "pickle.loads": "write .npz or .safetensors",
    "joblib.load": "write .npz or .safetensors",
    "dill.load": "write .npz or .safetensors",
    "cloudpickle.load": "write .npz or .safetensors",
    "marshal.loads": "write .npz or .safetensors",
    "eval": "write the expression itself",
    "exec": "write the statements themselves",
    "os.system": "a model needs no other program",
    "subprocess.run": "a model needs no other program",
    "subprocess.Popen": "a model needs no other program",
    "torch.hub.load": "hand the weights in",
}
SAFE_ONLY_WITH = {"torch.load": ("weights_only", True), "numpy.load": ("allow_pickle", False)}
DEFAULT_IS_SAFE = ("numpy.load",)


def parsed_sources(folder: Path) -> Iterator[tuple[str, ast.Module | str]]:
    """Yield every Python file of a folder with its syntax tree, or why it has none."""
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        try:
            yield name, ast.parse(path.read_bytes(), name)
        except SyntaxError as error:
            yield name, f"line {error.lineno}: {printable(error.msg)}"
        except (ValueError, RecursionError, MemoryError) as error:
            yield name, f"cannot be parsed: {printable(error) or type(error).__name__}"


def check_sources(folder: Path, dependencies: tuple[str, ...]) -> list[CheckResult]:
    """Return what the sources import and call that they may not."""
    results, imports = [], []
    for name, tree in parsed_sources(folder):
        if isinstance(tree, str):
            results.append(failed("source", tree, name))
            continue
        imports += list(_imports(tree, name, folder))
        results += list(_executing_calls(tree, name))
    results += _undeclared(imports, dependencies)
    if not results:
        results.append(passed("source", "it is Python and executes nothing that it reads"))
    return results


def check_licence(expression: str, where: str) -> CheckResult:
    """Return whether a licence is an SPDX expression, which people and programs can read."""
    try:
        licence = canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        message = f"licence `{printable(expression, 60)}` is no SPDX expression, such as MIT"
        return failed("licence", message, where)
    return passed("licence", f"the model is under {licence}")


def check_dependencies(dependencies: tuple[str, ...], where: str) -> list[CheckResult]:
    """Return, for every declared dependency, whether it is here and under which licence."""
    results = []
    for text in dependencies:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            message = f"`{printable(text, 60)}` is no requirement ({printable(error, 80)})"
            results.append(failed("dependencies", message, where))
            continue
        results.append(_installed(requirement, where))
    return results or [passed("dependencies", "nothing beyond GlassBench's own")]


def line_of(path: Path, key: str) -> str:
    """Return `file:line` of the first line of a TOML file that sets a key, or the file's name."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return path.name
    pattern = re.compile(rf'^\s*(\[.*\b)?"?{re.escape(key)}"?\b')
    for number, line in enumerate(lines, start=1):
        if pattern.match(line):
            return f"{path.name}:{number}"
    return path.name


def place_of_error(path: Path, error: UserError) -> str:
    """Return the line of a TOML file that a message about it means."""
    text = str(error)
    line = re.search(r"at line (\d+)", text)
    if line:
        return f"{path.name}:{line.group(1)}"
    names = [*re.findall(r"`([\w.]+)`", text), *re.findall(r"\[([\w.]+)\]", text)]
    lines = (line_of(path, name) for name in [*names, *re.findall(r"\w+", text)])
    return next((line for line in lines if ":" in line), path.name)


def _imports(tree: ast.Module, name: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield, with its line, every module that is neither the submission's nor Python's own."""
    own = {path.stem for path in folder.iterdir()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and top != "glassbench" and top not in own:
                yield top, f"{name}:{node.lineno}"


def _executing_calls(tree: ast.Module, name: str) -> Iterator[CheckResult]:
    names = _full_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func, names)
        keywords = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        where = f"{name}:{node.lineno}"
        if called in EXECUTING:
            message = f"`{called}` executes what it is given: {EXECUTING[called]}"
            yield failed("source", message, where)
        elif called in SAFE_ONLY_WITH:
            key, value = SAFE_ONLY_WITH[called]
            default = value if called in DEFAULT_IS_SAFE else None
            if keywords.get(key, default) is not value:
                message = f"`{called}` without {key}={value} executes what it reads: add it"
                yield failed("source", message, where)


def _full_names(tree: ast.Module) -> dict[str, str]:
    """Return what imported names stand for, such as `np` for `numpy`."""
    meanings = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                meanings[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            meanings |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return meanings


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([names.get(node.id, node.id), *reversed(parts)])


def _undeclared(imports: list[tuple[str, str]], dependencies: tuple[str, ...]) -> list[CheckResult]:
    """Name imports of packages that neither GlassBench brings along nor model.toml declares."""
    known = {_plain(name) for name in _own_dependencies()}
    for text in dependencies:
        try:
            known.add(_plain(Requirement(text).name))
        except InvalidRequirement:
            continue
    packages = _packages() if imports else {}
    first_lines: dict[str, str] = {}
    for module, where in imports:
        first_lines.setdefault(module, where)
    results = []
    for module, where in first_lines.items():
        distributions = packages.get(module, [])
        if any(_plain(d) in known for d in distributions):
            continue
        if distributions:
            mend = f'add `dependencies = ["{distributions[0]}"]` to model.toml'
        else:
            mend = "install it here, and declare it under `dependencies` in model.toml"
        message = f"`{module}` is not among the declared dependencies: {mend}"
        results.append(failed("dependencies", message, where))
    return results


@cache
def _packages() -> Mapping[str, list[str]]:
    """Return, by name of a module that can be imported, the packages that bring it."""
    return metadata.packages_distributions()


@cache
def _own_dependencies() -> tuple[str, ...]:
    """Return the names of the packages that GlassBench itself depends on."""
    requirements = map(Requirement, metadata.requires("glassbench") or [])
    return tuple(
        r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})
    )


def _installed(requirement: Requirement, where: str) -> CheckResult:
    try:
        package = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        message = f"`{requirement}` is not installed here: pip install '{requirement}'"
        return failed("dependencies", message, where)
    if not requirement.specifier.contains(package.version, prereleases=True):
        message = f"`{requirement}` is wanted, {package.version} is installed"
        return failed("dependencies", message, where)
    licence = _licence_of(package)
    if licence is None:
        message = f"{requirement.name} {package.version} states no licence: nobody may use it"
        return failed("dependencies", message, where)
    message = f"{requirement.name} {package.version}, {printable(licence, 60)}"
    return passed("dependencies", message)


def _licence_of(package: metadata.Distribution) -> str | None:
    """Return the licence that a package states: SPDX expression, classifier or text."""
    about: Any = package.metadata
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    text = (about.get("License") or "").strip().splitlines()
    named = about.get("License-Expression") or (text[0] if text else "")
    return named or (classifiers[0].rpartition("::")[2].strip() if classifiers else None)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
