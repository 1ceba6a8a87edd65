"""From what the nodes of a cluster answered to what is wrong, in words with the next step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...contract.finding import ABSENT, BROKEN, DOUBTFUL, OK, Finding
from .node_report import ClusterReport, NodeReport

CLOCK_LIMIT = 1.0
FEWEST_FILES, SCARCE_FILES = 1024, 4096
FEWEST_PROCESSES = 1024
LEAST_FREE = 5e9
SLOW_NETWORK, SLOW_DISK = 100.0, 20.0
SEEN_LATE = 1.0
# A model is pickled here and read there: another version may not read it.
MUST_MATCH = ("ray", "numpy", "torch", "xarray", "zarr")


def diagnose(report: ClusterReport) -> list[Finding]:
    """Return what was found about the cluster as a whole, then about each node.

    A node without fault has one finding, `ok`. The limits: clocks 1 s apart, 5 GB
    free in the home, 1024 open files (4096 are wished for), 100 MB/s between
    machines (about a gigabit link), 20 MB/s to the disk.
    """
    findings = list(_whole(report))
    for node in report.nodes:
        own = list(_of_node(node, report))
        name = node.label
        findings += [Finding(f"{name}, {f.check}", f.state, f.detail, f.remedy) for f in own]
        if all(finding.state in (OK, ABSENT) for finding in own):
            findings.append(Finding(name, OK, "everything as it should be"))
    return findings


def _whole(report: ClusterReport) -> Iterator[Finding]:
    cpus, gpus = sum(n.cpus for n in report.nodes), sum(n.gpus for n in report.nodes)
    words = f"{len(report.nodes)} nodes, {cpus:g} cores, {gpus:g} GPUs at {report.address}"
    lacking = (report.expected or 0) - len(report.nodes)
    if lacking > 0:
        yield Finding(
            "cluster",
            BROKEN,
            f"{words}; {lacking} of {report.expected} nodes are missing",
            "Look at the output of `ray start` on them, and whether they reach that address",
        )
    else:
        yield Finding("cluster", OK, words)
    if report.gone:
        left = ", ".join(f"{address}" for address in dict.fromkeys(report.gone))
        yield Finding(
            "nodes that left",
            DOUBTFUL,
            left,
            "If nobody stopped them, look for memory or network trouble in their system logs",
        )
    machines = Counter(node.facts["machine"] for node in report.nodes if node.facts)
    for machine, count in machines.items():
        here = [node for node in report.nodes if node.facts.get("machine") == machine]
        announced, cores = sum(node.cpus for node in here), here[0].facts["machine_cores"]
        if count > 1 and announced > cores:
            yield Finding(
                "shared machine",
                DOUBTFUL,
                f"{count} Ray nodes run on {here[0].name} and announce {announced:g} cores "
                f"together, where there are {cores}",
                "Start one Ray on each machine",
            )


def _of_node(node: NodeReport, report: ClusterReport) -> Iterator[Finding]:
    if node.silent:
        yield Finding(
            "answer",
            BROKEN,
            f"it did not answer in time when asked for {node.silent}",
            "See with `ssh` whether it is overloaded or its disk hangs; then restart Ray on it",
        )
    if node.trouble:
        yield Finding("answer", BROKEN, f"it failed when asked for {node.trouble}",
                      "Look into its Ray logs (`logs/` of the Ray session)")  # fmt: skip
    if node.facts:
        yield from _versions(node.facts, report.driver)
        yield from _limits(node)
        yield from _clock(node)
    if node.home:
        yield from _home(node.home, report.home)
    if node.facts:
        yield from _network(node, report)
        yield from _gpus(node)


def _versions(facts: dict[str, Any], driver: dict[str, Any]) -> Iterator[Finding]:
    if facts["python"] != driver["python"]:
        same_minor = facts["python"].split(".")[:2] == driver["python"].split(".")[:2]
        yield Finding(
            "python",
            DOUBTFUL if same_minor else BROKEN,
            f"{facts['python']}, the driver has {driver['python']}",
            "Use the same Python on every machine",
        )
    for package, wanted in driver["versions"].items():
        found = facts["versions"].get(package)
        if wanted is None or _public(found) == _public(wanted):
            continue
        if found is None and package == "glassbench":
            # The driver's own goes with the job.
            continue
        fatal = package in MUST_MATCH or found is None
        yield Finding(
            package,
            BROKEN if fatal else DOUBTFUL,
            f"{found or 'not installed'}, the driver has {wanted}",
            f"`pip install {package}=={_public(wanted)}` there, or use one image for all",
        )


def _public(version: str | None) -> str | None:
    """Return a version without what it was built for: `2.13.0+cpu` runs beside `2.13.0+cu128`."""
    return version and version.partition("+")[0]


def _limits(node: NodeReport) -> Iterator[Finding]:
    facts = node.facts
    if node.cpus > facts["cores"]:
        yield Finding(
            "cores",
            BROKEN,
            f"Ray announces {node.cpus:g}, its processes may use {facts['cores']}",
            f"Start Ray there with `--num-cpus={facts['cores']}`",
        )
    files = facts["open_files"]
    if files is not None and files < SCARCE_FILES:
        yield Finding(
            "open files",
            BROKEN if files < FEWEST_FILES else DOUBTFUL,
            f"a process may open {files}, Ray wants 4096 or more",
            "`ulimit -n 65536` before `ray start`, or raise `nofile` in limits.conf",
        )
    processes = facts["processes"]
    if processes is not None and processes < FEWEST_PROCESSES:
        yield Finding(
            "processes",
            BROKEN,
            f"a user may have {processes} processes and threads, Ray alone takes hundreds",
            "Raise `nproc` in limits.conf (`ulimit -u`)",
        )
    if facts["nvidia_gpus"] and not node.gpus:
        yield Finding(
            "gpu",
            DOUBTFUL,
            f"the machine has {facts['nvidia_gpus']} NVIDIA GPUs, Ray announces none",
            f"Start Ray there with `--num-gpus={facts['nvidia_gpus']}`",
        )


def _clock(node: NodeReport) -> Iterator[Finding]:
    if node.clock_offset is None or abs(node.clock_offset) <= CLOCK_LIMIT + node.clock_error:
        return
    sense = "ahead of" if node.clock_offset > 0 else "behind"
    yield Finding(
        "clock",
        BROKEN,
        f"{abs(node.clock_offset):.1f} s {sense} the driver's: times in logs, in MLflow and in "
        "caches will be out of order",
        "Let chrony or ntpd set it",
    )


def _home(home: dict[str, Any], path: str) -> Iterator[Finding]:
    if home["trouble"]:
        yield Finding("home", BROKEN, f"{path} cannot be used there: {home['trouble']}",
                      "Give the user that Ray runs as the right to write there")  # fmt: skip
        return
    if not home["shared"]:
        yield Finding(
            "home",
            BROKEN,
            f"{path} is not the same folder there as here",
            "Put GLASSBENCH_HOME on a file system that all machines mount at the same place",
        )
        return
    if not home["renamed"]:
        yield Finding("home", BROKEN, f"renaming in {path} does not replace a file in one step",
                      "Use a POSIX file system, not an object store")  # fmt: skip
    if not home["locked"]:
        yield Finding(
            "home",
            BROKEN,
            f"a lock that the driver holds in {path} does not hold there: two machines could "
            "run the same trial",
            "Mount it with locks: NFS without `nolock`, Lustre with `flock`",
        )
    seen = home.get("seen_here")
    if seen is None or seen > SEEN_LATE:
        when = "not within 5 s" if seen is None else f"only after {seen:.1f} s"
        yield Finding("home", DOUBTFUL, f"what it writes in {path} is seen here {when}",
                      "Mount it with short attribute caching (NFS: `actimeo=1`)")  # fmt: skip
    if home["free_bytes"] < LEAST_FREE:
        free = home["free_bytes"] / 1e9
        yield Finding("home", BROKEN, f"{free:.1f} GB are free in {path}", "Free at least 5 GB")
    slowest = min(home["write_speed"], home["read_speed"])
    if slowest < SLOW_DISK:
        yield Finding(
            "home",
            DOUBTFUL,
            f"it writes {home['write_speed']:.0f} MB/s and reads {home['read_speed']:.0f} MB/s "
            f"in {path}: checkpoints will hold trials up",
            "Choose a faster file system for GLASSBENCH_HOME",
        )


def _network(node: NodeReport, report: ClusterReport) -> Iterator[Finding]:
    ways = {
        "from the driver": node.from_driver,
        "to the driver": node.to_driver,
        f"to {node.next_node}": node.to_next,
    }
    slow = [f"{way} {speed:.0f} MB/s" for way, speed in ways.items()
            if speed is not None and speed < SLOW_NETWORK]  # fmt: skip
    if slow:
        yield Finding(
            "network",
            DOUBTFUL,
            f"slow: {', '.join(slow)}",
            "See that Ray uses the fast network: `ray start --node-ip-address=` of that interface",
        )


def _gpus(node: NodeReport) -> Iterator[Finding]:
    if node.gpus_busy:
        yield Finding("gpu", ABSENT, f"its {node.gpus:g} GPUs are in use and were not tried")
    elif node.gpus and node.answers and len(node.gpu_facts) < node.gpus:
        built = node.facts["versions"].get("torch")
        yield Finding(
            "gpu",
            BROKEN,
            f"Ray announces {node.gpus:g}, torch {built} sees {len(node.gpu_facts)}",
            "Install a torch built for CUDA and a driver that suits it, or `--num-gpus=` less",
        )
    for number, gpu in enumerate(node.gpu_facts):
        if gpu["trouble"]:
            yield Finding(
                f"gpu {number}",
                BROKEN,
                f"{gpu['name']} does not compute: {gpu['trouble']}",
                "Take the node out, and look at `nvidia-smi` and `dmesg` there",
            )
