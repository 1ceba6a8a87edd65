"""What is done to a cluster of several Ray nodes while a driver uses it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

SLOW_FOR = 4.0


@contextlib.contextmanager
def nodes(count=2):
    """Yield a cluster of nodes with a core each, and a head without, that this process drives."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def _process_of(workspace, seed):
    """Return the process that noted the last epoch of a seed's trial."""
    return int((workspace.home / "epochs" / str(seed)).read_text().split()[-1])


def _node_of(cluster, process):
    """Return the worker node of a cluster whose raylet started a process."""
    import psutil

    above = {parent.pid for parent in psutil.Process(process).parents()}
    for node in cluster.worker_nodes:
        raylets = node.all_processes["raylet"]
        if above & {raylet.process.pid for raylet in raylets}:
            return node
    raise LookupError(f"process {process} belongs to none of the nodes")


class _Once:
    """Calls a function at the first event of a trial's second epoch."""

    def __init__(self, seed, function) -> None:
        self.seed, self.function, self.done = seed, function, False

    def __call__(self, event) -> None:
        progress = event.progress
        if self.done or progress is None or progress.epoch < 2 or event.trial.seed != self.seed:
            return
        self.done = True
        self.function()


@contextlib.contextmanager
def node_removed(workspace):
    """Take the node of the first seed's trial away; nobody says goodbye."""
    with nodes() as cluster:

        def remove():
            node = _node_of(cluster, _process_of(workspace, 0))
            cluster.remove_node(node, allow_graceful=False)

        yield _Once(0, remove)


@contextlib.contextmanager
def slow_node(workspace):
    """Stop the first seed's process for some seconds, as on a node whose disk hangs."""

    def stop():
        process = _process_of(workspace, 0)
        os.kill(process, signal.SIGSTOP)

        def go_on():
            time.sleep(SLOW_FOR)
            os.kill(process, signal.SIGCONT)

        threading.Thread(target=go_on, daemon=True).start()

    yield _Once(0, stop)
