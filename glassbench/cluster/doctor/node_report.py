"""What is known of the nodes of a cluster, before anyone judges it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class NodeReport:
    """What is known of one node of the cluster.

    Attributes
    ----------
    cpus, gpus : what Ray announces there
    facts : as `inspection.describe` returns them, empty where the node did not answer
    clock_offset, clock_error : seconds by which its clock is ahead of the driver's, and their limit
    home : as `inspection.inspect_home` returns it
    from_driver, to_driver : MB/s through Ray's object store
    to_next, next_node : MB/s to another node, and which one
    gpu_facts : as `inspection.inspect_gpus` returns them
    gpus_busy : whether other work has them, so that they were not tried
    silent : what it was asked when it did not answer in time, empty where it always did
    trouble : what raised there
    """

    node_id: str
    address: str
    name: str
    cpus: float
    gpus: float
    facts: dict[str, Any] = field(default_factory=dict)
    clock_offset: float | None = None
    clock_error: float | None = None
    home: dict[str, Any] = field(default_factory=dict)
    from_driver: float | None = None
    to_driver: float | None = None
    to_next: float | None = None
    next_node: str = ""
    gpu_facts: list[dict[str, Any]] = field(default_factory=list)
    gpus_busy: bool = False
    silent: str = ""
    trouble: str = ""

    @property
    def answers(self) -> bool:
        return not self.silent and not self.trouble

    @property
    def label(self) -> str:
        """Return how the node is called: by name and address, unless they are the same."""
        return self.address if self.name in ("", self.address) else f"{self.name} {self.address}"


@dataclass(frozen=True)
class ClusterReport:
    """What is known of a cluster: its nodes, those that left it, and the driver's own facts."""

    address: str
    home: str
    driver: dict[str, Any]
    nodes: list[NodeReport]
    gone: list[str]
    expected: int | None = None
