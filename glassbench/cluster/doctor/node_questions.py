"""Asking every machine of a cluster what it is like, without waiting for one that hangs."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...home.workspace import Workspace
from ..session import open_session
from . import inspection
from .node_report import ClusterReport, NodeReport

PATIENCE = 60.0
MEGABYTES = 32
PINGS = 5


class Probe:
    """A process on a node that answers questions about it."""

    def describe(self, packages: Sequence[str]) -> dict[str, Any]:
        return inspection.describe(packages)

    def clock(self) -> float:
        return time.time()

    def home(self, folder: str, token: str, name: str, megabytes: int) -> dict[str, Any]:
        return inspection.inspect_home(Path(folder), token, name, megabytes)

    def hold(self, megabytes: int) -> list[Any]:
        """Put a block into the object store of this node; return its reference, not its bytes."""
        import ray

        return [ray.put(_block(megabytes))]

    def take(self, references: list[Any]) -> float:
        """Return the seconds in which the block arrived here."""
        import ray

        start = time.perf_counter()
        ray.get(references[0])
        return time.perf_counter() - start

    def receive(self, block: np.ndarray) -> int:
        return block.nbytes


def inspect_cluster(
    cluster: str,
    workspace: Workspace,
    packages: Sequence[str],
    *,
    expected: int | None = None,
    patience: float = PATIENCE,
    megabytes: int = MEGABYTES,
) -> ClusterReport:
    """Return what every node of a cluster is like, measured from here.

    Parameters
    ----------
    cluster : as `open_session` takes it
    packages : whose versions are asked for
    expected : wait until the cluster has so many nodes, at most `patience` seconds
    patience : seconds that the nodes have for each question; one that exceeds
        them is asked nothing more, and the others are
    megabytes : size of the block that is moved and written

    Raises
    ------
    ClusterError
        If the cluster cannot be reached.
    """
    import ray

    with open_session(cluster, patience) as session:
        alive, gone = _nodes(expected, patience)
        with _questions(alive, workspace, patience, megabytes) as ask:
            ask.describe(packages)
            ask.clocks()
            ask.homes()
            ask.transfers()
            ask.gpus()
        return ClusterReport(
            address=session.address or ray.get_runtime_context().gcs_address,
            home=str(workspace.home),
            driver=inspection.describe(packages),
            nodes=alive,
            gone=gone,
            expected=expected,
        )


def _nodes(expected: int | None, patience: float) -> tuple[list[NodeReport], list[str]]:
    """Return the nodes that are there, and the addresses of those that died."""
    import ray

    end = time.monotonic() + patience
    while True:
        nodes = ray.nodes()
        alive = [node for node in nodes if node["Alive"]]
        if expected is None or len(alive) >= expected or time.monotonic() > end:
            break
        time.sleep(0.5)
    reports = [
        NodeReport(
            node_id=node["NodeID"],
            address=node["NodeManagerAddress"],
            name=node["NodeName"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
        )
        for node in alive
    ]
    gone = [node["NodeManagerAddress"] for node in nodes if not node["Alive"]]
    return sorted(reports, key=lambda report: (report.address, report.node_id)), gone


@contextlib.contextmanager
def _questions(
    nodes: list[NodeReport], workspace: Workspace, patience: float, megabytes: int
) -> Iterator[_Questions]:
    """Yield what asks the nodes, with a folder in the home that it may fill and a lock held."""
    token = secrets.token_hex(8)
    folder = workspace.home / f".doctor-{token}"
    folder.mkdir(parents=True)
    (folder / inspection.TOKEN_FILE).write_text(token, encoding="utf-8")
    ask = _Questions(nodes, folder, token, patience, megabytes)
    try:
        with open(folder / inspection.HELD_FILE, "w") as held, contextlib.suppress(OSError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield ask
    finally:
        ask.end()
        shutil.rmtree(folder, ignore_errors=True)


class _Questions:
    """Asks the nodes; what they answer goes into their reports."""

    def __init__(self, nodes, folder: Path, token: str, patience: float, megabytes: int) -> None:
        self.nodes, self.folder, self.token = nodes, folder, token
        self.patience, self.megabytes = patience, megabytes
        self.probes = {node.node_id: _pinned(Probe, node) for node in nodes}

    def end(self) -> None:
        import ray

        for probe in self.probes.values():
            ray.kill(probe)

    def _answer(self, node: NodeReport, reference: Any, question: str, until: float) -> Any:
        """Return the answer, or None where the node is silent or raises, which its report says."""
        import ray

        try:
            return ray.get(reference, timeout=max(0.0, until - time.monotonic()))
        except ray.exceptions.GetTimeoutError:
            node.silent = question
        except Exception as error:
            node.trouble = f"{question}: {' '.join(str(error).split())[-300:]}"
        return None

    def _one(self, node: NodeReport, reference: Any, question: str) -> Any:
        return self._answer(node, reference, question, time.monotonic() + self.patience)

    def _answering(self) -> list[NodeReport]:
        return [node for node in self.nodes if node.answers]

    def describe(self, packages: Sequence[str]) -> None:
        asked = {n.node_id: self.probes[n.node_id].describe.remote(packages) for n in self.nodes}
        until = time.monotonic() + self.patience
        for node in self.nodes:
            facts = self._answer(node, asked[node.node_id], "what it is", until)
            if facts is not None:
                node.facts = facts
                # Ray calls a node by its address unless `--node-name` said otherwise.
                if node.name in ("", node.address):
                    node.name = facts["name"]

    def clocks(self) -> None:
        """Compare clocks as NTP does: the answer of the shortest way there and back counts."""
        for node in self._answering():
            for _ in range(PINGS):
                start, began = time.time(), time.perf_counter()
                there = self._one(node, self.probes[node.node_id].clock.remote(), "the time")
                if there is None:
                    break
                error = (time.perf_counter() - began) / 2
                if node.clock_error is None or error < node.clock_error:
                    node.clock_offset, node.clock_error = there - (start + error), error

    def homes(self) -> None:
        for number, node in enumerate(self._answering()):
            probe = self.probes[node.node_id]
            asked = probe.home.remote(str(self.folder), self.token, str(number), self.megabytes)
            found = self._one(node, asked, "the home folder")
            if found is None:
                continue
            node.home = found
            if found["shared"] and not found["trouble"]:
                written = self.folder / f"written-{number}"
                found["seen_here"] = _appears(written, self.token)

    def transfers(self) -> None:
        """Move a block from the driver to each node, on to the next node, and back.

        Each way is gone twice, and the faster counts: the first time opens connections.
        """
        for node in self._answering():
            ways = [self._from_driver(node) for _ in range(2)]
            node.from_driver = max(filter(None, ways), default=None)
        nodes = self._answering()
        for node, other in zip(nodes, [*nodes[1:], *nodes[:1]]):
            for _ in range(2):
                held = self.probes[node.node_id].hold.remote(self.megabytes)
                block = self._one(node, held, "a block of its own")
                if block is None or not other.answers:
                    break
                self._onward(node, other, block)

    def _from_driver(self, node: NodeReport) -> float | None:
        import ray

        block = ray.put(_block(self.megabytes))
        start = time.perf_counter()
        received = self.probes[node.node_id].receive.remote(block)
        if self._one(node, received, "a block from the driver") is None:
            return None
        return self._speed(time.perf_counter() - start - 2 * (node.clock_error or 0.0))

    def _onward(self, node: NodeReport, other: NodeReport, block: list[Any]) -> None:
        """Move a block that a node holds to another one and to the driver."""
        if other is not node:
            taken = self.probes[other.node_id].take.remote(block)
            seconds = self._one(other, taken, f"a block from {node.label}")
            if seconds is not None:
                node.to_next = max(node.to_next or 0.0, self._speed(seconds))
                node.next_node = other.address
        start = time.perf_counter()
        if self._one(node, block[0], "a block for the driver") is not None:
            speed = self._speed(time.perf_counter() - start)
            node.to_driver = max(node.to_driver or 0.0, speed)

    def _speed(self, seconds: float) -> float:
        return self.megabytes / max(seconds, 1e-6)

    def gpus(self) -> None:
        """Ask for all GPUs of a node at once, so that Ray shows the check what it shows trials."""
        import ray

        free = ray.available_resources().get("GPU", 0) >= ray.cluster_resources().get("GPU", 0)
        nodes = [node for node in self._answering() if node.gpus]
        asked = {n.node_id: _pinned(inspection.inspect_gpus, n, n.gpus).remote() for n in nodes}
        until = time.monotonic() + self.patience
        for node in nodes:
            found = self._answer(node, asked[node.node_id], "its GPUs", until)
            if found is not None:
                node.gpu_facts = found
            elif node.silent and not free:
                node.silent, node.gpus_busy = "", True
                ray.cancel(asked[node.node_id])


def _pinned(what: Any, node: NodeReport, gpus: float = 0) -> Any:
    """Return an actor on a node, or a function that runs there; it takes no core."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    where = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
    options = {"num_cpus": 0, "num_gpus": gpus, "scheduling_strategy": where}
    remote = ray.remote(what).options(**options)
    return remote.remote() if isinstance(what, type) else remote


def _block(megabytes: int) -> np.ndarray:
    return np.ones(megabytes * inspection.MEGABYTE, dtype=np.uint8)


def _appears(path: Path, text: str, patience: float = 5.0) -> float | None:
    """Return the seconds until this machine sees what a node wrote, None where it does not."""
    start = time.monotonic()
    while time.monotonic() - start < patience:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                return time.monotonic() - start
        time.sleep(0.05)
    return None
