"""`glassbench doctor`: what stands on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import typer

from .. import __version__
from ..contract.finding import ABSENT, BROKEN, OK, Finding
from ..experiments.words import check_keys, split_words
from ..home.workspace import Workspace, open_workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import list_models, list_tasks, whole_tasks
from .columns import in_pairs
from .doctor_cluster import KEYS, examine_cluster
from .guard import FAILED, guarded
from .output import Json, Words, write_json, write_lines

PACKAGES = (
    "numpy", "scipy", "scikit-learn", "torch", "torch_geometric", "ray", "xarray", "zarr", "mlflow",
    "typer", "matplotlib", "jsonschema", "psutil",
)  # fmt: skip


@guarded
def doctor(words: Words = None, json_output: Json = False) -> None:
    """Check this machine or a cluster, and say how to get what is missing.

    [home=FOLDER] [cluster=auto|local|HOST:PORT|ray://HOST:PORT [nodes=N] [patience=SECONDS]
    [megabytes=N]]

    This machine: versions, devices, Ray, MLflow, LAMMPS, data, workspace. With cluster=, every
    node of it: versions as here, shared home, clock, limits, GPUs, disk and network; nodes= waits
    for so many nodes, patience= is what a node has for an answer. The exit code is 1 where
    something is broken.
    """
    values = split_words(words or [])
    check_keys(values, KEYS if "cluster" in values else ("home", "cluster"))
    workspace = open_workspace(values.get("home"))
    if "cluster" in values:
        if not examine_cluster(values, workspace, PACKAGES, json_output):
            raise typer.Exit(FAILED)
        return
    findings = examine(workspace)
    if json_output:
        write_json({"findings": [asdict(finding) for finding in findings]})
    else:
        write_lines(in_pairs([(f.check, f.words) for f in findings]))
    if any(finding.state == BROKEN for finding in findings):
        raise typer.Exit(FAILED)


def examine(workspace: Workspace) -> list[Finding]:
    """Return what every check found; a check that fails does not stop the others."""
    checks: dict[str, Callable[[], Finding]] = {
        "glassbench": _glassbench,
        "processor": _processor,
        **{package: lambda package=package: _package(package) for package in PACKAGES},
        "gpu": _gpu,
        "compiler": _compiler,
        "ray": _ray,
        "mlflow": lambda: _mlflow(workspace),
        "lammps": _lammps,
        "tasks": _tasks,
        "models": _models,
        "data": lambda: _data(workspace),
        "workspace": lambda: _workspace(workspace),
        "cache": lambda: _cache(workspace),
    }
    findings = []
    for name, check in checks.items():
        try:
            findings.append(check())
        except Exception as error:
            detail = f"the check failed: {type(error).__name__}: {error}"
            findings.append(Finding(name, BROKEN, detail, "install glassbench again"))
    return findings


def _glassbench() -> Finding:
    here = Path(__file__).resolve().parents[1]
    return Finding("glassbench", OK, f"{__version__} in {here}, Python {platform.python_version()}")


def _processor() -> Finding:
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processor", OK, f"{platform.machine()}, {cores} cores, {memory:.0f} GiB")


def _package(package: str) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding(package, OK, version(package))
    except PackageNotFoundError:
        return Finding(package, BROKEN, "not installed", f"`pip install {package}`")


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        built = torch.version.cuda or "CPU only"
        return Finding("gpu", ABSENT, f"no GPU that torch can use (torch built for {built})")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("gpu", OK, ", ".join(names))


def _compiler() -> Finding:
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        if name and (path := shutil.which(name)):
            return Finding("compiler", OK, f"{path}, for models that call torch.compile")
    return Finding(
        "compiler",
        ABSENT,
        "no C++ compiler: a model that calls torch.compile will fail",
        "Install g++ (Debian: `apt install g++`)",
    )


def _ray() -> Finding:
    from ..cluster import ray_version

    address = os.environ.get("RAY_ADDRESS")
    where = f"RAY_ADDRESS is {address}" if address else "no RAY_ADDRESS: runs start their own"
    return Finding("ray", OK, f"{ray_version()} imports; {where}")


def _mlflow(workspace: Workspace) -> Finding:
    installed = _package("mlflow")
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if installed.state != OK:
        return installed
    if uri:
        return Finding("mlflow", OK, f"{installed.detail}; MLFLOW_TRACKING_URI is {uri}")
    where = f"no MLFLOW_TRACKING_URI: runs go to {workspace.database}"
    return Finding("mlflow", OK, f"{installed.detail}; {where}")


def _lammps() -> Finding:
    from ..simulation.lammps_library import LammpsMissing, load_lammps_module

    try:
        module = load_lammps_module()
    except LammpsMissing as error:
        return Finding("lammps", ABSENT, f"no simulations can be made: {error}")
    return Finding("lammps", OK, f"{module.__version__} loads, for `glassbench data generate`")


def _tasks() -> Finding:
    return _plugins("tasks", list_tasks())


def _models() -> Finding:
    return _plugins("models", list_models())


def _plugins(name: str, found) -> Finding:
    broken = [item for item in found if item.error]
    whole = ", ".join(item.name for item in found if not item.error) or "none"
    if broken or not found:
        detail = "; ".join(f"{item.name}: {item.error}" for item in broken) or "none found"
        return Finding(name, BROKEN, f"{detail}; whole: {whole}", "mend or remove it")
    return Finding(name, OK, whole)


def _data(workspace: Workspace) -> Finding:
    tasks = whole_tasks()
    here = list_datasets(tasks, workspace)
    lacking = [
        f"{entry.name} of {task.name}"
        for task in tasks
        for entry in task.datasets.values()
        if entry.path and not (task.folder / entry.path).exists()
    ]
    names = ", ".join(f"{d.name} ({d.origin})" for d in here) or "none"
    if lacking:
        return Finding(
            "data",
            BROKEN,
            f"{names}; missing: {', '.join(lacking)}",
            "Install again, or make it with `glassbench data generate TASK dataset=NAME`",
        )
    return Finding("data", OK, names)


def _workspace(workspace: Workspace) -> Finding:
    try:
        workspace.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=workspace.home):
            free = shutil.disk_usage(workspace.home).free / 2**30
    except OSError as error:
        return Finding(
            "workspace",
            BROKEN,
            f"{workspace.home} cannot be written: {error}",
            "Set GLASSBENCH_HOME to a folder that can be",
        )
    return Finding("workspace", OK, f"{workspace.home}, {free:.0f} GiB free")


def _cache(workspace: Workspace) -> Finding:
    from ..home.cache import Cache, folder_from_environment

    cache = Cache(folder_from_environment(workspace.cache))
    usage = cache.usage()
    return Finding(
        "cache",
        OK,
        f"{cache.folder}, {usage.size / 1e9:.3g} of {usage.limit / 1e9:.3g} GB in {usage.files} "
        "files; may be deleted at any time",
    )
