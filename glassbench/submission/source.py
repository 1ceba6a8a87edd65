"""Reading a submission's source without running it: what it imports, and calls that execute."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..contract.errors import CheckResult, UserError, failed, passed, printable
from ..contract.folder_digest import plugin_files
from .sandbox.side_effects import imported_modules

WRITE_ARRAYS, NO_PROGRAM = "write .npz or .safetensors", "a model needs no other program"
# Calls that execute what they read, with what to do instead.
EXECUTING = {
    **dict.fromkeys(("pickle.load", "pickle.loads", "joblib.load", "dill.load"), WRITE_ARRAYS),
    **dict.fromkeys(("cloudpickle.load", "marshal.loads"), WRITE_ARRAYS),
    **dict.fromkeys(("os.system", "subprocess.run", "subprocess.Popen"), NO_PROGRAM),
    "eval": "write the expression itself",
    "exec": "write the statements themselves",
    "torch.hub.load": "hand the weights in",
    "torch.jit.load": WRITE_ARRAYS,
}
# The keyword that makes a call safe, its safe value, and its default.
SAFE_ONLY_WITH = {
    "torch.load": ("weights_only", True, None),
    "numpy.load": ("allow_pickle", False, False),
}


def check_sources(folder: Path, dependencies: tuple[str, ...]) -> list[CheckResult]:
    """Return what the sources import and call that they may not."""
    results: list[CheckResult] = []
    imports: dict[str, str] = {}
    files = plugin_files(folder)
    for name, path in files:
        if path.suffix != ".py":
            continue
        try:
            tree = ast.parse(path.read_bytes(), name)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            at = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
            why = printable(getattr(error, "msg", error)) or type(error).__name__
            results.append(failed("source", f"cannot be parsed: {at}{why}", name))
            continue
        meanings: dict[str, str] = {}
        for module, line in imported_modules(tree):
            imports.setdefault(module.partition(".")[0], f"{name}:{line}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                meanings |= {a.asname: a.name for a in node.names if a.asname}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                meanings |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        results += list(_executing_calls(tree, name, meanings))
    own = {name.partition("/")[0].removesuffix(".py") for name, _ in files}
    others = imports.keys() - own - sys.stdlib_module_names - {"glassbench"}
    foreign = {module: where for module, where in imports.items() if module in others}
    results += _undeclared(foreign, dependencies)
    return results or [passed("source", "it is Python and executes nothing that it reads")]


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
            results.append(passed("dependencies", _licence_of(text)))
        except UserError as error:
            results.append(failed("dependencies", str(error), where))
    return results or [passed("dependencies", "nothing beyond GlassBench's own")]


def line_of(path: Path, key: str) -> str:
    """Return `file:line` of the first line of a TOML file that sets a key, or the file's name."""
    pattern = re.compile(rf'^\s*(\[.*\b)?"?{re.escape(key)}"?\b')
    with suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
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


def _executing_calls(
    tree: ast.Module, name: str, meanings: Mapping[str, str]
) -> Iterator[CheckResult]:
    """Yield calls that execute what they read; `meanings` says what an imported name stands for."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function, attributes = node.func, ""
        while isinstance(function, ast.Attribute):
            attributes = f".{function.attr}{attributes}"
            function = function.value
        first = function.id if isinstance(function, ast.Name) else ""
        called = meanings.get(first, first) + attributes
        keywords = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        key, value, default = SAFE_ONLY_WITH.get(called, ("", None, None))
        if called in EXECUTING:
            message = f"`{called}` executes what it is given: {EXECUTING[called]}"
        elif keywords.get(key, default) is not value:
            message = f"`{called}` without {key}={value} executes what it reads: add it"
        else:
            continue
        yield failed("source", message, f"{name}:{node.lineno}")


def _undeclared(imports: Mapping[str, str], dependencies: tuple[str, ...]) -> list[CheckResult]:
    """Name imports of packages that neither GlassBench brings along nor model.toml declares."""
    stated = map(Requirement, metadata.requires("glassbench") or [])
    own = [r.name for r in stated if r.marker is None or r.marker.evaluate({"extra": ""})]
    known = {canonicalize_name(name) for name in own}
    for text in dependencies:
        with suppress(InvalidRequirement):
            known.add(canonicalize_name(Requirement(text).name))
    packages = _packages() if imports else {}
    results = []
    for module, where in imports.items():
        distributions = packages.get(module, [])
        if known.isdisjoint(map(canonicalize_name, distributions)):
            mend = "install it here, and declare it under `dependencies` in model.toml"
            if distributions:
                mend = f'add `dependencies = ["{distributions[0]}"]` to model.toml'
            message = f"`{module}` is not among the declared dependencies: {mend}"
            results.append(failed("dependencies", message, where))
    return results


@cache
def _packages() -> Mapping[str, list[str]]:
    """Return the distributions of each importable package; looking takes half a second."""
    return metadata.packages_distributions()


def _licence_of(text: str) -> str:
    """Return version and licence of a dependency, which must be installed."""
    try:
        requirement = Requirement(text)
        package = metadata.distribution(requirement.name)
    except InvalidRequirement as error:
        message = f"`{printable(text, 60)}` is no requirement ({printable(error, 80)})"
        raise UserError(message) from None
    except metadata.PackageNotFoundError:
        raise UserError(f"`{text}` is not installed here: pip install '{text}'") from None
    if not requirement.specifier.contains(package.version, prereleases=True):
        raise UserError(f"`{requirement}` is wanted, {package.version} is installed")
    about: Any = package.metadata
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    stated = [about.get("License-Expression"), (about.get("License") or "").strip()]
    stated += [classifier.rpartition("::")[2].strip() for classifier in classifiers]
    licence = next(filter(None, stated), None)
    if licence is None:
        raise UserError(f"{text} {package.version} states no licence: nobody may use it")
    return f"{requirement.name} {package.version}, {printable(licence.splitlines()[0], 60)}"
