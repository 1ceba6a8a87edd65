"""A plan of 2D plasticity that is made in seconds; as a program: make it in a home folder.

`generate_tiny.py HOME` makes it on this machine, `generate_tiny.py HOME NODES` on so many
local Ray nodes with a core each.
"""

import sys
import time
from dataclasses import replace

from glassbench.home.workspace import open_workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset
from glassbench.simulation.generator import Plan, load_generator

TASK = load_task("lj2d_plasticity")
GENERATOR = load_generator(TASK)
PLANS = GENERATOR.PLANS
(MINI,) = PLANS["mini"].states
LOADS = ("simple_positive", "pure_negative")
STATE = replace(
    MINI,
    protocol=replace(
        MINI.protocol, quench_time=2.0, particles=256, melt_time=1.0, equilibration_time=4.0
    ),
    schedule=replace(MINI.schedule, strains=(0.002, 0.004)),
    vibration=replace(MINI.vibration, runs=1, settling=0.2, window=1.0),
    counts={"test": 1, "train": 1},
    repeated={"test": 1},
    loadings=tuple(loading for loading in MINI.loadings if loading.name in LOADS),
)
TINY = Plan("tiny", (STATE,), "lj2d_plasticity-tiny", mantissa_bits=11)


def on_nodes(home, count):
    """Make the dataset on a Ray cluster of so many nodes; fail unless each made a piece."""
    import ray
    from ray.cluster_utils import Cluster

    from glassbench.cluster.functions import open_runner

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(count):
        cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, logging_level="ERROR")
    cluster.wait_for_nodes()
    generate_dataset(TASK, "tiny", home, open_runner=open_runner)
    used = nodes_of_pieces()
    ray.shutdown()
    cluster.shutdown()
    assert len(used) == count, f"{len(used)} of {count} nodes made pieces"


def nodes_of_pieces(patience=60.0):
    """Return the nodes that made pieces, once Ray knows of every piece that it has ended.

    Ray reports on its tasks late: a task that has ended may stand there without a node.
    """
    from ray.util.state import list_tasks

    give_up = time.monotonic() + patience
    while True:
        pieces = [task for task in list_tasks(limit=1000) if task.name == "_make_piece"]
        ended = [task for task in pieces if task.state in ("FINISHED", "FAILED") and task.node_id]
        if ended and ended == pieces:
            return {task.node_id for task in pieces}
        assert time.monotonic() < give_up, f"Ray has not reported on its tasks in {patience} s"
        time.sleep(0.5)


if __name__ == "__main__":
    PLANS["tiny"] = TINY
    if len(sys.argv) > 2:
        on_nodes(open_workspace(sys.argv[1]), int(sys.argv[2]))
    else:
        generate_dataset(TASK, "tiny", open_workspace(sys.argv[1]))
