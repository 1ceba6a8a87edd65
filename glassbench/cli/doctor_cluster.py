"""`glassbench doctor cluster=…`: one line for each machine, then what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..contract.conditions import WordError
from ..contract.finding import BROKEN, OK, Finding
from ..home.workspace import Workspace
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import say
from .output import write_json, write_lines

if TYPE_CHECKING:
    from ..cluster import ClusterReport, NodeReport

KEYS = ("cluster", "home", "nodes", "patience", "megabytes")


def examine_cluster(
    values: Mapping[str, str], workspace: Workspace, packages: Sequence[str], json_output: bool
) -> bool:
    """Ask every node, write what was found, and return whether nothing is broken."""
    cluster = values["cluster"]
    if cluster == "none":
        raise WordError("cluster=none has no nodes to ask: `glassbench doctor` checks this machine")
    options = {
        "expected": _number(values, "nodes"),
        "patience": _number(values, "patience"),
        "megabytes": _number(values, "megabytes"),
    }
    options = {name: value for name, value in options.items() if value is not None}
    from ..cluster import diagnose, inspect_cluster

    if not json_output:
        say("asking every node for versions, clock, limits, home folder, network, GPUs")
    report = inspect_cluster(cluster, workspace, ["glassbench", *packages], **options)
    findings = diagnose(report)
    if json_output:
        write_json(
            {
                "findings": [asdict(finding) for finding in findings],
                "driver": report.driver,
                "nodes": [asdict(node) for node in report.nodes],
            }
        )
    else:
        write_lines(cluster_lines(report, findings))
    return not any(finding.state == BROKEN for finding in findings)


def _number(values: Mapping[str, str], key: str) -> int | None:
    if key not in values:
        return None
    if not values[key].isdigit() or not 1 <= int(values[key]) <= 100_000:
        raise WordError(f"{key}={values[key]}: a whole number from 1 to 100000 is wanted")
    return int(values[key])


def cluster_lines(report: ClusterReport, findings: Sequence[Finding]) -> list[str]:
    """Return the table of the nodes, and below it each finding that is not simply well."""
    first, *others = findings
    lines = [f"{first.check}  {first.words}", ""]
    lines += in_columns(_columns(report.nodes), terminal_width())
    wrong = [(f.check, f.words) for f in others if f.state != OK]
    lines += ["", *in_pairs(wrong)] if wrong else ["", "every node is as it should be"]
    return lines


def _columns(nodes: Sequence[NodeReport]) -> list[Column]:
    """Return what was measured, `-` where it was not."""
    return [
        Column("node", [node.label for node in nodes]),
        Column("cores", [f"{node.cpus:g}" for node in nodes], right=True),
        Column("GiB", [_gibibytes(node) for node in nodes], right=True),
        Column("GPUs", [_gpus(node) for node in nodes]),
        Column("clock", [_clock(node) for node in nodes], right=True),
        Column("files", [_files(node) for node in nodes], right=True),
        Column("home", [_home(node) for node in nodes]),
        Column("disk MB/s write/read", [_disk(node) for node in nodes], right=True),
        Column("network MB/s from/to/next", [_network(node) for node in nodes], right=True),
    ]


def _gibibytes(node: NodeReport) -> str:
    return f"{node.facts['memory_bytes'] / 2**30:.0f}" if node.facts else "-"


def _gpus(node: NodeReport) -> str:
    if not node.gpu_facts:
        return f"{node.gpus:g}"
    names = {gpu["name"] for gpu in node.gpu_facts}
    driver = node.gpu_facts[0]["driver"] or "-"
    slowest = min(gpu.get("speed", 0.0) for gpu in node.gpu_facts)
    return f"{node.gpus:g} {', '.join(sorted(names))}, driver {driver}, {slowest:.1f} TFLOP/s"


def _clock(node: NodeReport) -> str:
    if node.clock_offset is None:
        return "-"
    return f"{1000 * node.clock_offset:+.0f}±{1000 * node.clock_error:.0f} ms"


def _files(node: NodeReport) -> str:
    if not node.facts:
        return "-"
    files = node.facts["open_files"]
    return "unlimited" if files is None else str(files)


def _home(node: NodeReport) -> str:
    if not node.home:
        return "-"
    if node.home["trouble"]:
        return "fails"
    return f"{node.home['free_bytes'] / 1e9:.0f} GB free" if node.home["shared"] else "not shared"


def _disk(node: NodeReport) -> str:
    if "write_speed" not in node.home:
        return "-"
    return f"{node.home['write_speed']:.0f}/{node.home['read_speed']:.0f}"


def _network(node: NodeReport) -> str:
    speeds = (node.from_driver, node.to_driver, node.to_next)
    return "/".join("-" if speed is None else f"{speed:.0f}" for speed in speeds)
