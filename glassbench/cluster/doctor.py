"""Whether a cluster is fit for runs: one function on every node, its facts, what is wrong."""

from __future__ import annotations

import contextlib
import platform
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..contract.errors import BROKEN, DOUBTFUL, OK, Finding
from ..home.files import exclusive, holder_of
from ..home.machine import available_cores, torch_gpus, version_of
from ..home.workspace import Workspace
from .session import open_session

# Check, state, detail, remedy, as in a `Finding`.
Fault = tuple[str, str, str, str]

PATIENCE = 60.0
LEAST_FREE = 5e9
# A model is pickled here and read there: another version may not read it.
MUST_MATCH = ("ray", "numpy", "torch", "xarray", "zarr")


@dataclass
class Node:
    """What Ray knows of a node, and its answer: `machine_facts`, `home_facts`, or a trouble."""

    id: str
    name: str
    alive: bool
    cpus: float
    gpus: float
    facts: dict[str, Any] | None = None
    home: dict[str, Any] | None = None
    trouble: str = ""


@dataclass(frozen=True)
class ClusterReport:
    """A cluster's address, and each node that is or was in it; `expected` is how many."""

    address: str
    home: str
    expected: int | None
    driver: dict[str, Any]
    nodes: Sequence[Node]


def home_facts(folder: Path, token: str) -> dict[str, Any]:
    """Return how a folder that the driver made in its home behaves on this machine.

    `shared`: the driver's token is read here; `locked`: a lock that the driver holds keeps others
    out here; `free_bytes`; `trouble` says what raised.
    """
    home: dict[str, Any] = {"shared": False, "locked": False, "free_bytes": 0, "trouble": ""}
    try:
        given = folder / "token"
        home["shared"] = given.exists() and given.read_text(encoding="utf-8") == token
        if home["shared"]:
            home["locked"] = holder_of(folder) is not None
            home["free_bytes"] = shutil.disk_usage(folder).free
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        home["trouble"] = f"{type(error).__name__}: {error}"
    return home


def machine_facts(packages: Sequence[str]) -> dict[str, Any]:
    """Return Python, versions, cores, memory (bytes) and GPUs of this machine."""
    return {
        "python": platform.python_version(),
        "versions": {package: version_of(package) for package in packages},
        "cores": available_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "nvidia_gpus": len(list(Path("/proc/driver/nvidia/gpus").glob("*"))),
        "torch_gpus": torch_gpus(),
    }


def examine_cluster(
    cluster: str,
    workspace: Workspace,
    packages: Sequence[str],
    *,
    nodes: int | None = None,
    patience: float = PATIENCE,
) -> ClusterReport:
    """Return the facts of the driver, and of each node that is or was in a cluster.

    Versions of `packages` are compared. The cluster has `patience` seconds to grow to `nodes`
    nodes, and these so many for their answers.
    """
    token = secrets.token_hex(8)
    folder = workspace.home / f".doctor-{token}"
    folder.mkdir(parents=True)
    (folder / "token").write_text(token, encoding="utf-8")

    @ray.remote(max_retries=0, num_cpus=0)
    def examine() -> tuple[dict[str, Any], dict[str, Any]]:
        return machine_facts(packages), home_facts(folder, token)

    try:
        with open_session(cluster, patience) as session, exclusive(folder, lambda message: None):
            end = time.monotonic() + patience
            while sum(n["Alive"] for n in ray.nodes()) < (nodes or 0) and time.monotonic() < end:
                time.sleep(0.5)
            present = _ask(examine, patience)
            address = session.address or ray.get_runtime_context().gcs_address
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ClusterReport(address, str(workspace.home), nodes, machine_facts(packages), present)


def _ask(examine: Any, patience: float) -> list[Node]:
    nodes = [
        Node(
            id=node["NodeID"],
            name=" ".join(dict.fromkeys((node["NodeName"], node["NodeManagerAddress"]))).strip(),
            alive=node["Alive"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
        )
        for node in sorted(
            ray.nodes(), key=lambda node: (node["NodeManagerAddress"], node["NodeID"])
        )
    ]
    asked = {}
    for node in filter(lambda node: node.alive, nodes):
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        asked[examine.options(scheduling_strategy=there).remote()] = node
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=patience)
    for reference in answered:
        try:
            asked[reference].facts, asked[reference].home = ray.get(reference)
        except Exception as error:
            asked[reference].trouble = f"it failed: {' '.join(str(error).split())[-300:]}"
    for reference in silent:
        asked[reference].trouble = f"it did not answer within {patience:g} s"
        with contextlib.suppress(Exception):
            ray.cancel(reference, force=True)
    return nodes


def findings_of(report: ClusterReport) -> list[Finding]:
    alive = [node for node in report.nodes if node.alive]
    cpus, gpus = sum(node.cpus for node in alive), sum(node.gpus for node in alive)
    summary = f"{len(alive)} nodes, {cpus:g} cores, {gpus:g} GPUs at {report.address}"
    lacking = (report.expected or 0) - len(alive)
    findings = [Finding("cluster", OK, summary)]
    if lacking > 0:
        detail = f"{summary}; {lacking} of {report.expected} nodes are missing"
        remedy = "Look at the output of `ray start` on them, and whether they reach that address"
        findings = [Finding("cluster", BROKEN, detail, remedy)]
    for node in report.nodes:
        size = f"{node.cpus:g} cores, {node.gpus:g} GPUs, everything as it should be"
        wrong = list(_wrong(node, report.driver, report.home))
        named = [Finding(f"{node.name}, {check}", *fault) for check, *fault in wrong]
        if not node.alive:
            remedy = "If nobody stopped it, look for memory or network trouble in its system log"
            named = [Finding(node.name, DOUBTFUL, "it has left the cluster", remedy)]
        findings += named or [Finding(node.name, OK, size)]
    return findings


def _wrong(node: Node, driver: dict[str, Any], path: str) -> Iterator[Fault]:
    facts, home = node.facts, node.home
    if node.trouble or facts is None or home is None:
        remedy = "See with `ssh` whether it is overloaded, and look into its Ray logs"
        yield "answer", BROKEN, node.trouble, remedy
        return
    if facts["python"] != driver["python"]:
        minor = [machine["python"].split(".")[:2] for machine in (facts, driver)]
        state = DOUBTFUL if minor[0] == minor[1] else BROKEN
        detail = f"{facts['python']}, the driver has {driver['python']}"
        yield "python", state, detail, "Use the same Python on every machine"
    for package, wanted in driver["versions"].items():
        there = facts["versions"].get(package)
        # The driver's own glassbench goes with the job.
        own = there is None and package == "glassbench"
        if wanted is None or own or _public(there) == _public(wanted):
            continue
        state = BROKEN if package in MUST_MATCH or there is None else DOUBTFUL
        detail = f"{there or 'not installed'}, the driver has {wanted}"
        yield package, state, detail, f"`pip install {package}=={_public(wanted)}` there"
    cores, gpus = facts["cores"], facts["nvidia_gpus"]
    if node.cpus > cores:
        detail = f"Ray announces {node.cpus:g}, its processes may use {cores}"
        yield "cores", BROKEN, detail, f"Start Ray there with `--num-cpus={cores}`"
    if gpus and not node.gpus:
        detail = f"the machine has {gpus} NVIDIA GPUs, Ray announces none"
        yield "gpu", DOUBTFUL, detail, f"Start Ray there with `--num-gpus={gpus}`"
    if node.gpus and not facts["torch_gpus"]:
        built = facts["versions"].get("torch")
        detail = f"Ray announces {node.gpus:g}, torch {built} can use none: trials run on CPUs"
        yield "gpu", BROKEN, detail, "Install a torch built for CUDA, and its driver"
    if home["trouble"]:
        detail, remedy = f"cannot be used there: {home['trouble']}", "Let Ray's user write there"
    elif not home["shared"]:
        detail = "is not the same folder there as here"
        remedy = "Put GLASSBENCH_HOME on a file system that all machines mount at the same place"
    elif not home["locked"]:
        detail = "does not keep a lock that is held here: a trial could run twice"
        remedy = "Mount it with locks: NFS without `nolock`, Lustre with `flock`"
    elif home["free_bytes"] < LEAST_FREE:
        detail, remedy = f"is nearly full: {home['free_bytes'] / 1e9:.1f} GB are free", "Free 5 GB"
    else:
        return
    yield "home", BROKEN, f"{path} {detail}", remedy


def _public(version: str | None) -> str | None:
    """Return a version without what it was built for: `2.13.0+cpu` runs beside `2.13.0+cu128`."""
    return version and version.partition("+")[0]
