"""`glassbench doctor`: what a machine or a cluster lacks; `cluster`: files that start one."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..contract.errors import ABSENT, BROKEN, OK, Finding, WordError, did_you_mean
from ..experiments.words import check_keys
from ..home.machine import available_cores
from ..home.workspace import Workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import Plugin, list_models, list_tasks, whole_tasks
from .output import Asked, Result, command, new_group
from .tables import in_pairs

cluster = new_group(help="Files that start Ray on the machines of a cluster.")
FOLDER = Path(__file__).resolve().parents[1] / "cluster" / "templates"
TEMPLATES = {
    "slurm": ("slurm.sh", "a job of SLURM, for `sbatch`"),
    "kuberay": ("kuberay.yaml", "a RayJob with its volume, for `kubectl apply`"),
    "dockerfile": ("Dockerfile", "the image of that RayJob"),
    "onpremise": ("ray_up_onpremise.yaml", "machines reached by ssh, for `ray up`"),
    "aws": ("ray_up_aws.yaml", "machines rented from Amazon, for `ray up`"),
}
PACKAGES = (
    "numpy", "scipy", "scikit-learn", "torch", "torch_geometric", "ray", "xarray", "zarr", "mlflow",
    "typer", "matplotlib", "pydantic", "psutil",
)  # fmt: skip
# State, detail, and where something is wrong the remedy: the rest of a `Finding`.
Answer = tuple[str, str] | tuple[str, str, str]


@command("home cluster nodes patience")
def doctor(asked: Asked) -> Result:
    """Check this machine or a cluster, and say how to get what is missing.

    [home=FOLDER] [cluster=auto|local|HOST:PORT|ray://HOST:PORT [nodes=N] [patience=SECONDS]]

    This machine: versions, devices, Ray, MLflow, LAMMPS, data, workspace. With cluster=, every
    node of it: versions as here, shared home, GPUs, disk; nodes= waits for so many nodes,
    patience= is what a node has for an answer. The exit code is 1 where something is broken.
    """
    if "cluster" in asked.values:
        findings, report = _cluster(asked)
    else:
        check_keys(asked.values, ("home", "cluster"))
        findings, report = examine(asked.workspace), {}
    plain = {"findings": [asdict(finding) for finding in findings], **report}
    failed = any(finding.state == BROKEN for finding in findings)
    return Result(plain, in_pairs([(f.check, f.words) for f in findings]), failed)


def _cluster(asked: Asked) -> tuple[list[Finding], dict]:
    """Return what is said of the cluster and of each node, and the facts."""
    address = asked.values["cluster"]
    if address == "none":
        raise WordError("cluster=none has no nodes to ask: `glassbench doctor` checks this machine")
    options = {key: asked.count(key) for key in ("nodes", "patience") if key in asked.values}
    from ..cluster import doctor as cluster_doctor

    packages = ["glassbench", *PACKAGES]
    report = cluster_doctor.examine_cluster(address, asked.workspace, packages, **options)
    return cluster_doctor.findings_of(report), asdict(report)


def examine(workspace: Workspace) -> list[Finding]:
    """Return what every check found; a check that fails does not stop the others."""
    checks: dict[str, Callable[[], Answer]] = {
        "glassbench": _glassbench,
        "processor": _processor,
        **{package: partial(_package, package) for package in PACKAGES},
        "gpu": _gpu,
        "compiler": _compiler,
        "ray": _ray,
        "mlflow": lambda: _mlflow(workspace),
        "lammps": _lammps,
        "tasks": lambda: _plugins(list_tasks()),
        "models": lambda: _plugins(list_models()),
        "data": lambda: _data(workspace),
        "workspace": lambda: _workspace(workspace),
        "cache": lambda: _cache(workspace),
    }
    findings = []
    for name, check in checks.items():
        try:
            findings.append(Finding(name, *check()))
        except Exception as error:
            detail = f"the check failed: {type(error).__name__}: {error}"
            findings.append(Finding(name, BROKEN, detail, "install glassbench again"))
    return findings


def _glassbench() -> Answer:
    here = Path(__file__).resolve().parents[1]
    return OK, f"{__version__} in {here}, Python {platform.python_version()}"


def _processor() -> Answer:
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    return OK, f"{platform.machine()}, {available_cores()} cores, {memory:.0f} GiB"


def _package(package: str) -> Answer:
    try:
        return OK, metadata.version(package)
    except metadata.PackageNotFoundError:
        return BROKEN, "not installed", f"`pip install {package}`"


def _gpu() -> Answer:
    import torch

    if not torch.cuda.is_available():
        built = torch.version.cuda or "CPU only"
        return ABSENT, f"no GPU that torch can use (torch built for {built})"
    return OK, ", ".join(map(torch.cuda.get_device_name, range(torch.cuda.device_count())))


def _compiler() -> Answer:
    for name in (os.environ.get("CXX"), "g++", "clang++", "c++"):
        if name and (path := shutil.which(name)):
            return OK, f"{path}, for models that call torch.compile"
    detail = "no C++ compiler: a model that calls torch.compile will fail"
    return ABSENT, detail, "Install g++ (Debian: `apt install g++`)"


def _ray() -> Answer:
    # Imported in full: a Ray that is installed may still not load.
    from ..cluster import ray_version

    address = os.environ.get("RAY_ADDRESS")
    where = f"RAY_ADDRESS is {address}" if address else "no RAY_ADDRESS: runs start their own"
    return OK, f"{ray_version()} imports; {where}"


def _mlflow(workspace: Workspace) -> Answer:
    installed = _package("mlflow")
    if installed[0] != OK:
        return installed
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    usual = f"no MLFLOW_TRACKING_URI: runs go to {workspace.database}"
    return OK, f"{installed[1]}; {f'MLFLOW_TRACKING_URI is {uri}' if uri else usual}"


def _lammps() -> Answer:
    from ..simulation.lammps_library import LammpsMissing, load_lammps_module

    try:
        module = load_lammps_module()
    except LammpsMissing as error:
        return ABSENT, f"no simulations can be made: {error}"
    return OK, f"{module.__version__} loads, for `glassbench data generate`"


def _plugins(plugins: Sequence[Plugin]) -> Answer:
    broken = "; ".join(f"{item.name}: {item.error}" for item in plugins if item.error)
    whole = ", ".join(item.name for item in plugins if not item.error) or "none"
    if broken or not plugins:
        return BROKEN, f"{broken or 'none found'}; whole: {whole}", "mend or remove it"
    return OK, whole


def _data(workspace: Workspace) -> Answer:
    tasks = whole_tasks()
    names = ", ".join(f"{d.name} ({d.origin})" for d in list_datasets(tasks, workspace)) or "none"
    lacking = [
        f"{entry.name} of {task.name}"
        for task in tasks
        for entry in task.datasets.values()
        if entry.path and not (task.folder / entry.path).exists()
    ]
    if lacking:
        remedy = "Install again, or make it with `glassbench data generate TASK dataset=NAME`"
        return BROKEN, f"{names}; missing: {', '.join(lacking)}", remedy
    return OK, names


def _workspace(workspace: Workspace) -> Answer:
    try:
        workspace.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=workspace.home):
            free = shutil.disk_usage(workspace.home).free / 2**30
    except OSError as error:
        remedy = "Set GLASSBENCH_HOME to a folder that can be"
        return BROKEN, f"{workspace.home} cannot be written: {error}", remedy
    return OK, f"{workspace.home}, {free:.0f} GiB free"


def _cache(workspace: Workspace) -> Answer:
    from ..home.cache import Cache, folder_from_environment

    cache = Cache(folder_from_environment(workspace.cache))
    files, size = cache.usage()
    sizes = f"{size / 1e9:.3g} of {cache.limit / 1e9:.3g} GB in {files} files"
    return OK, f"{cache.folder}, {sizes}; may be deleted at any time"


@cluster.command()
@command(plain="[name]")
def template(asked: Asked) -> Result:
    """Print a file to begin with: slurm, kuberay, dockerfile, onpremise or aws.

    `glassbench cluster template slurm > slurm.sh`. Each says in its first lines how it is used and
    what is to be changed. Without a name, the list of them.
    """
    if not asked.plain:
        rows = [(key, f"{file}  {what}") for key, (file, what) in TEMPLATES.items()]
        files = {key: {"file": file, "what": what} for key, (file, what) in TEMPLATES.items()}
        return Result({"templates": files}, in_pairs(rows))
    (name,) = asked.plain
    if name not in TEMPLATES:
        raise WordError(f"there is no template `{name}`{did_you_mean(name, TEMPLATES)}")
    file, _ = TEMPLATES[name]
    text = (FOLDER / file).read_text(encoding="utf-8")
    return Result({"name": name, "file": file, "text": text}, text.splitlines())
