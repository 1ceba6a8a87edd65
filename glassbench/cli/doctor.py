"""`glassbench doctor`: what stands on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import typer

from .. import __version__
from ..contract.check_result import ABSENT, BROKEN, OK, Finding
from ..contract.errors import WordError
from ..experiments.words import check_keys, parse_count, split_words
from ..home.cores import available_cores
from ..home.workspace import Workspace, open_workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import list_models, list_tasks, whole_tasks
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import FAILED, guarded, say
from .output import Json, Words, write_json, write_lines

OPTIONS = ("nodes", "patience", "megabytes")
KEYS = ("cluster", "home", *OPTIONS)
PACKAGES = (
    "numpy", "scipy", "scikit-learn", "torch", "torch_geometric", "ray", "xarray", "zarr", "mlflow",
    "typer", "matplotlib", "pydantic", "psutil",
)  # fmt: skip


@guarded
def doctor(words: Words = None, json_output: Json = False) -> None:
    """Check this machine or a cluster, and say how to get what is missing.

    [home=FOLDER] [cluster=auto|local|HOST:PORT|ray://HOST:PORT [nodes=N] [patience=SECONDS]
    [megabytes=N]]

    This machine: versions, devices, Ray, MLflow, LAMMPS, data, workspace. With cluster=, every
    node of it: versions as here, shared home, clock, limits, GPUs, disk; nodes= waits for so many
    nodes, patience= is what a node has for an answer. The exit code is 1 where something is broken.
    """
    values = split_words(words or [])
    check_keys(values, KEYS if "cluster" in values else ("home", "cluster"))
    workspace = open_workspace(values.get("home"))
    if "cluster" in values:
        findings = _cluster(values, workspace, json_output)
    else:
        findings = examine(workspace)
        if json_output:
            write_json({"findings": [asdict(finding) for finding in findings]})
        else:
            write_lines(in_pairs([(f.check, f.words) for f in findings]))
    if any(finding.state == BROKEN for finding in findings):
        raise typer.Exit(FAILED)


def _cluster(values: Mapping[str, str], workspace: Workspace, json_output: bool) -> list[Finding]:
    """Ask every node of a cluster, and write what was found."""
    if values["cluster"] == "none":
        raise WordError("cluster=none has no nodes to ask: `glassbench doctor` checks this machine")
    options = {key: parse_count(key, values[key]) for key in OPTIONS if key in values}
    from ..cluster import doctor as cluster_doctor

    if not json_output:
        say("asking every node for versions, clock, limits, home folder, GPUs")
    report = cluster_doctor.examine_cluster(
        values["cluster"], workspace, ["glassbench", *PACKAGES], **options
    )
    findings = cluster_doctor.findings_of(report)
    if json_output:
        write_json({"findings": [asdict(finding) for finding in findings], **report})
    else:
        write_lines(_cluster_lines(report["nodes"], findings))
    return findings


def _cluster_lines(nodes: Sequence[Mapping[str, Any]], findings: Sequence[Finding]) -> list[str]:
    """Return the table of the nodes, and below it each finding that is not simply ok."""
    first, *others = findings
    rows = [_node_row(node) for node in nodes if node["alive"]]
    lines = [f"{first.check}  {first.words}", ""]
    if rows:
        columns = [
            Column(title, [row[title] for row in rows], title != "node") for title in rows[0]
        ]
        lines += in_columns(columns, terminal_width())
    wrong = [(f.check, f.words) for f in others if f.state != OK]
    return [*lines, "", *(in_pairs(wrong) if wrong else ["every node is as it should be"])]


def _node_row(node: Mapping[str, Any]) -> dict[str, str]:
    """Return what was measured on a node, `-` where it was not."""
    facts, home = node.get("facts"), node.get("home", {})
    known = "write_speed" in home
    return {
        "node": node["name"],
        "cores": f"{node['cpus']:g}",
        "GPUs": f"{node['gpus']:g}",
        "GiB": f"{facts['memory_bytes'] / 2**30:.0f}" if facts else "-",
        "files": str(facts["open_files"] or "unlimited") if facts else "-",
        "clock": f"{node['clock_offset']:+.1f} s" if facts else "-",
        "home free": f"{home['free_bytes'] / 1e9:.0f} GB" if known else "-",
        "disk write/read": (
            f"{home['write_speed']:.0f}/{home['read_speed']:.0f} MB/s" if known else "-"
        ),
    }


def examine(workspace: Workspace) -> list[Finding]:
    """Return what every check found; a check that fails does not stop the others."""
    checks: dict[str, Callable[[], Finding]] = {
        "glassbench": _glassbench,
        "processor": _processor,
        **{package: partial(_package, package) for package in PACKAGES},
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
    cores = available_cores()
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
