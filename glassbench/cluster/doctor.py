"""Whether a cluster is fit for runs: one function on every node, its facts, what is wrong."""

from __future__ import annotations

import contextlib
import platform
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..contract.check_result import BROKEN, DOUBTFUL, OK, Finding
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
class NodeHome:
    """How a folder that the driver made in its home behaves on a machine.

    `shared`: the driver's token is read there; `locked`: a lock that the driver holds keeps
    others out there; `trouble` says what raised.
    """

    shared: bool = False
    locked: bool = False
    free_bytes: float = 0
    trouble: str = ""


@dataclass(frozen=True)
class MachineFacts:
    """What a machine has; versions by package, None where it is not installed."""

    python: str
    versions: Mapping[str, str | None]
    cores: int
    memory_bytes: int
    nvidia_gpus: int
    torch_gpus: int


@dataclass
class Node:
    """What Ray knows of a node, and what the node answered."""

    id: str
    name: str
    alive: bool
    cpus: float
    gpus: float
    facts: MachineFacts | None = None
    home: NodeHome | None = None
    trouble: str = ""


@dataclass(frozen=True)
class ClusterReport:
    """A cluster's address, and each node that is or was in it; `expected` is how many."""

    address: str
    home: str
    expected: int | None
    driver: MachineFacts
    nodes: Sequence[Node]


def examine_home(folder: Path, token: str) -> NodeHome:
    """Return how a folder that the driver made in its home behaves on this machine."""
    home, given = NodeHome(), folder / "token"
    try:
        home.shared = given.exists() and given.read_text(encoding="utf-8") == token
        if home.shared:
            home.locked = holder_of(folder) is not None
            home.free_bytes = shutil.disk_usage(folder).free
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        home.trouble = f"{type(error).__name__}: {error}"
    return home


def facts_of(packages: Sequence[str]) -> MachineFacts:
    """Return Python, versions, cores, memory (bytes) and GPUs of this machine."""
    return MachineFacts(
        python=platform.python_version(),
        versions={package: version_of(package) for package in packages},
        cores=available_cores(),
        memory_bytes=psutil.virtual_memory().total,
        nvidia_gpus=len(list(Path("/proc/driver/nvidia/gpus").glob("*"))),
        torch_gpus=torch_gpus(),
    )


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
    try:
        with open_session(cluster, patience) as session, exclusive(folder, lambda message: None):
            present = _nodes(nodes, patience)
            _ask([node for node in present if node.alive], packages, folder, token, patience)
            address = session.address or ray.get_runtime_context().gcs_address
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ClusterReport(address, str(workspace.home), nodes, facts_of(packages), present)


def _ask(
    nodes: Sequence[Node], packages: Sequence[str], folder: Path, token: str, patience: float
) -> None:
    """Note what each node answers, or why it does not."""

    @ray.remote(max_retries=0, num_cpus=0)
    def examine() -> tuple[MachineFacts, NodeHome]:
        return facts_of(packages), examine_home(folder, token)

    places = [NodeAffinitySchedulingStrategy(node.id, soft=False) for node in nodes]
    asked = {
        examine.options(scheduling_strategy=place).remote(): node
        for place, node in zip(places, nodes, strict=True)
    }
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


def _nodes(expected: int | None, patience: float) -> list[Node]:
    """Return what Ray knows of each node, once the expected number is there."""
    end = time.monotonic() + patience
    while True:
        nodes = ray.nodes()
        alive = sum(node["Alive"] for node in nodes)
        if expected is None or alive >= expected or time.monotonic() > end:
            break
        time.sleep(0.5)
    return [
        Node(
            id=node["NodeID"],
            name=" ".join(dict.fromkeys((node["NodeName"], node["NodeManagerAddress"]))).strip(),
            alive=node["Alive"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
        )
        for node in sorted(nodes, key=lambda node: (node["NodeManagerAddress"], node["NodeID"]))
    ]


def findings_of(report: ClusterReport) -> list[Finding]:
    """Return what was found about the cluster as a whole, then what is wrong with each node."""
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
        named = [(f"{node.name}, {check}", *fault) for check, *fault in wrong]
        if not node.alive:
            remedy = "If nobody stopped it, look for memory or network trouble in its system log"
            named = [(node.name, DOUBTFUL, "it has left the cluster", remedy)]
        findings += [Finding(*each) for each in named or [(node.name, OK, size)]]
    return findings


def _wrong(node: Node, driver: MachineFacts, path: str) -> Iterator[Fault]:
    facts, home = node.facts, node.home
    if node.trouble or facts is None or home is None:
        remedy = "See with `ssh` whether it is overloaded, and look into its Ray logs"
        yield "answer", BROKEN, node.trouble, remedy
        return
    if facts.python != driver.python:
        minor = [machine.python.split(".")[:2] for machine in (facts, driver)]
        state = DOUBTFUL if minor[0] == minor[1] else BROKEN
        detail = f"{facts.python}, the driver has {driver.python}"
        yield "python", state, detail, "Use the same Python on every machine"
    for package, wanted in driver.versions.items():
        there = facts.versions.get(package)
        # The driver's own glassbench goes with the job.
        own = there is None and package == "glassbench"
        if wanted is None or own or _public(there) == _public(wanted):
            continue
        state = BROKEN if package in MUST_MATCH or there is None else DOUBTFUL
        detail = f"{there or 'not installed'}, the driver has {wanted}"
        yield package, state, detail, f"`pip install {package}=={_public(wanted)}` there"
    cores, gpus = facts.cores, facts.nvidia_gpus
    if node.cpus > cores:
        detail = f"Ray announces {node.cpus:g}, its processes may use {cores}"
        yield "cores", BROKEN, detail, f"Start Ray there with `--num-cpus={cores}`"
    if gpus and not node.gpus:
        detail = f"the machine has {gpus} NVIDIA GPUs, Ray announces none"
        yield "gpu", DOUBTFUL, detail, f"Start Ray there with `--num-gpus={gpus}`"
    if node.gpus and not facts.torch_gpus:
        built = facts.versions.get("torch")
        detail = f"Ray announces {node.gpus:g}, torch {built} can use none: trials run on CPUs"
        yield "gpu", BROKEN, detail, "Install a torch built for CUDA, and its driver"
    if home.trouble:
        detail, remedy = f"cannot be used there: {home.trouble}", "Let Ray's user write there"
    elif not home.shared:
        detail = "is not the same folder there as here"
        remedy = "Put GLASSBENCH_HOME on a file system that all machines mount at the same place"
    elif not home.locked:
        detail = "does not keep a lock that is held here: a trial could run twice"
        remedy = "Mount it with locks: NFS without `nolock`, Lustre with `flock`"
    elif home.free_bytes < LEAST_FREE:
        detail, remedy = f"is nearly full: {home.free_bytes / 1e9:.1f} GB are free", "Free 5 GB"
    else:
        return
    yield "home", BROKEN, f"{path} {detail}", remedy


def _public(version: str | None) -> str | None:
    """Return a version without what it was built for: `2.13.0+cpu` runs beside `2.13.0+cu128`."""
    return version and version.partition("+")[0]
