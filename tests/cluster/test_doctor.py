"""What the doctor asks of every node, and what it says is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from glassbench.cluster.doctor import (
    ClusterReport,
    Node,
    findings_of,
    home_facts,
    machine_facts,
)
from glassbench.contract.errors import BROKEN, DOUBTFUL, OK
from glassbench.home.files import exclusive

VERSIONS = {"glassbench": "0.1.0", "torch": "2.13.0+cpu", "mlflow": "3.17.2", "zarr": "3.1.6"}
FACTS = {
    "python": "3.11.7", "versions": VERSIONS, "cores": 8, "memory_bytes": 32 * 2**30,
    "nvidia_gpus": 0, "torch_gpus": 0,
}  # fmt: skip
HOME = {"shared": True, "locked": True, "free_bytes": 1e12, "trouble": ""}
GOOD = Node("1", "a 10.0.0.1", alive=True, cpus=8.0, gpus=0.0, facts=FACTS, home=HOME)
OTHER = replace(GOOD, id="2", name="b 10.0.0.2")


def report_of(*nodes, expected=None):
    return ClusterReport("10.0.0.1:6379", "/home/x", expected, FACTS, nodes)


def of_node(**changes):
    """Return the findings about a node that differs from a good one, by their check."""
    findings = findings_of(report_of(replace(GOOD, **changes), OTHER))
    assert findings[-1].check == "b 10.0.0.2" and findings[-1].state == OK
    return {f.check.partition(", ")[2]: f for f in findings[1:-1]}


def facts(**changed):
    return {"facts": FACTS | changed}


def versions(**changed):
    return facts(versions=VERSIONS | changed)


WRONG = [
    (versions(zarr="3.0.1"), "zarr", BROKEN, "3.0.1, the driver has 3.1.6"),
    (versions(mlflow="3.1.0"), "mlflow", DOUBTFUL, "3.1.0, the driver has 3.17.2"),
    (versions(mlflow=None), "mlflow", BROKEN, "not installed"),
    (facts(python="3.12.1"), "python", BROKEN, "the driver has 3.11.7"),
    (facts(cores=2), "cores", BROKEN, "announces 8, its processes may use 2"),
    (facts(nvidia_gpus=4), "gpu", DOUBTFUL, "4 NVIDIA GPUs, Ray announces none"),
    ({"gpus": 2.0}, "gpu", BROKEN, "announces 2, torch 2.13.0+cpu can use none"),
    ({"home": HOME | {"shared": False, "locked": False}}, "home", BROKEN, "not the same folder"),
    ({"home": HOME | {"trouble": "OSError: full"}}, "home", BROKEN, "OSError: full"),
    ({"home": HOME | {"locked": False}}, "home", BROKEN, "a trial could run twice"),
    ({"home": HOME | {"free_bytes": 1e9}}, "home", BROKEN, "1.0 GB are free"),
    ({"trouble": "it did not answer within 60 s"}, "answer", BROKEN, "did not answer"),
]


@pytest.mark.parametrize(("changes", "check", "state", "words"), WRONG)
def test_each_fault_is_named_alone_with_its_next_step(changes, check, state, words):
    found = of_node(**changes)
    assert list(found) == [check]
    assert found[check].state == state and words in found[check].detail and found[check].remedy


@pytest.mark.parametrize(
    "changes",
    [versions(torch="2.13.0+cu128"), versions(glassbench=None), facts(torch_gpus=2) | {"gpus": 2}],
)
def test_what_does_no_harm_is_no_fault(changes):
    assert all(finding.state == OK for finding in of_node(**changes).values())


def test_missing_and_lost_nodes_are_named():
    lost = Node("3", "10.0.0.9", alive=False, cpus=0.0, gpus=0.0)
    first, *others = findings_of(report_of(GOOD, OTHER, lost, expected=3))
    assert first.state == BROKEN and "1 of 3 nodes are missing" in first.detail
    assert others[-1].check == "10.0.0.9" and "has left" in others[-1].detail


def test_a_machine_says_its_versions_cores_and_memory():
    found = machine_facts(["ray", "no-such-package"])
    assert found["versions"]["ray"] and found["versions"]["no-such-package"] is None
    assert found["cores"] >= 1 and found["memory_bytes"] > 0


def test_a_home_is_shared_and_locked(tmp_path):
    (tmp_path / "token").write_text("t", encoding="utf-8")
    with exclusive(tmp_path, print):
        home = home_facts(tmp_path, "t")
    assert home["shared"] and home["locked"] and not home["trouble"]
    assert home["free_bytes"] > 0
    assert not home_facts(tmp_path, "another")["shared"]


@pytest.fixture(scope="module")
def cluster(environment_of_workers, tmp_path_factory):
    """Two nodes, the second of which finds another zarr before the right one."""
    from ray.cluster_utils import Cluster

    wrong = tmp_path_factory.mktemp("packages") / "zarr-0.0.1.dist-info"
    wrong.mkdir()
    (wrong / "METADATA").write_text("Metadata-Version: 2.1\nName: zarr\nVersion: 0.0.1\n")
    path = os.pathsep.join([str(wrong.parent), os.environ["PYTHONPATH"]])
    cluster = Cluster()
    # A halted node must stay a member until it has been asked.
    patient = {"health_check_failure_threshold": 10000}
    cluster.add_node(num_cpus=1, node_name="first", _system_config=patient)
    cluster.add_node(num_cpus=1, node_name="second", env_vars={"PYTHONPATH": path})
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


def doctor(cluster, home, *words):
    """Run the command in a process of its own; return exit code, findings by check, and nodes."""
    arguments = ["doctor", f"cluster={cluster.address}", f"home={home}", *words]
    code = f"from glassbench.cli import main; main({[*arguments, '--json']!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout, done.stderr
    plain = json.loads(done.stdout)
    nodes = {node["name"].split()[0]: node for node in plain["nodes"]}
    return done.returncode, {f["check"]: f for f in plain["findings"]}, nodes


def test_every_node_is_asked_and_a_wrong_version_or_a_halt_is_named_of_its_node_alone(
    cluster, tmp_path
):
    code, found, nodes = doctor(cluster, tmp_path, "nodes=2")
    (wrong,) = (check for check in found if check.endswith(", zarr"))
    assert code == 1 and wrong.startswith("second ") and "0.0.1" in found[wrong]["detail"]
    for node in nodes.values():
        assert node["home"]["shared"] and node["home"]["locked"]
    assert not list(tmp_path.iterdir()), "what the check wrote is gone"

    (halted,) = (node for node in cluster.list_all_nodes() if not node.head)
    raylet = halted.all_processes["raylet"][0].process
    os.kill(raylet.pid, signal.SIGSTOP)
    try:
        code, found, nodes = doctor(cluster, tmp_path, "patience=20")
    finally:
        os.kill(raylet.pid, signal.SIGCONT)
    (silent,) = (check for check in found if check.endswith(", answer"))
    assert code == 1 and silent.startswith("second ")
    assert nodes["first"]["facts"] and nodes["second"]["facts"] is None
