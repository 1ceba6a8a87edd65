"""What a machine says of itself, and what is made of it."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from glassbench.cluster import ClusterReport, NodeReport, diagnose
from glassbench.cluster.doctor import inspection
from glassbench.contract.finding import BROKEN, DOUBTFUL, OK

GIB = 2**30


@pytest.fixture
def folder(tmp_path):
    """A folder as the driver prepares it, with a lock that is held."""
    (tmp_path / inspection.TOKEN_FILE).write_text("secret")
    with open(tmp_path / inspection.HELD_FILE, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield tmp_path


def test_a_machine_tells_versions_and_limits():
    facts = inspection.describe(["numpy", "no-such-package"])
    assert facts["python"] == sys.version.split()[0]
    assert facts["versions"]["no-such-package"] is None
    assert facts["versions"]["numpy"] == __import__("numpy").__version__
    assert facts["open_files"] in (None, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    assert 1 <= facts["cores"] <= os.cpu_count()


def test_a_good_home_is_shared_locked_and_left_without_the_block(folder):
    found = inspection.inspect_home(folder, "secret", "n", 1)
    assert (found["shared"], found["renamed"], found["locked"]) == (True, True, True)
    assert found["trouble"] == "" and found["write_speed"] > 0 and found["read_speed"] > 0
    assert (folder / "written-n").read_text() == "secret"
    assert not list(folder.glob("block*")) and not list(folder.glob("*.partial"))


def test_a_lock_that_does_not_hold_is_seen(folder, monkeypatch):
    monkeypatch.setattr(inspection.fcntl, "flock", lambda file, how: None)
    assert not inspection.inspect_home(folder, "secret", "n", 1)["locked"]


@pytest.mark.parametrize("token", ["of another folder", None])
def test_a_home_that_is_another_folder_is_not_shared(folder, token):
    if token is None:
        (folder / inspection.TOKEN_FILE).unlink()
    found = inspection.inspect_home(folder, "secret" if token is None else token, "n", 1)
    assert not found["shared"] and not (folder / "written-n").exists()


def test_a_home_that_cannot_be_written_says_why(folder, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "not yours")

    monkeypatch.setattr(inspection.os, "replace", refuse)
    assert "not yours" in inspection.inspect_home(folder, "secret", "n", 1)["trouble"]


def test_without_a_gpu_there_is_nothing_to_tell():
    import torch

    assert len(inspection.inspect_gpus()) == torch.cuda.device_count()


FACTS = {
    "name": "a",
    "machine": "1",
    "python": "3.11.7",
    "versions": {"glassbench": "0.1.0", "torch": "2.13.0+cpu", "mlflow": "3.17.2", "zarr": "3.1.6"},
    "cores": 8,
    "machine_cores": 8,
    "memory_bytes": 32 * GIB,
    "open_files": 65536,
    "processes": None,
    "nvidia_gpus": 0,
}
HOME = {
    "shared": True, "trouble": "", "renamed": True, "locked": True, "free_bytes": 1e12,
    "write_speed": 500.0, "read_speed": 900.0, "seen_here": 0.0,
}  # fmt: skip
GOOD = NodeReport(
    node_id="1", address="10.0.0.1", name="a", cpus=8.0, gpus=0.0, facts=FACTS,
    clock_offset=0.002, clock_error=0.001, home=HOME, from_driver=900.0, to_driver=900.0,
    to_next=900.0, next_node="10.0.0.2",
)  # fmt: skip
OTHER = replace(GOOD, node_id="2", address="10.0.0.2", name="b", facts=FACTS | {"machine": "2"})


def of_node(**changes):
    """Return the findings about a node that differs from a good one, by their check."""
    nodes = [replace(GOOD, **changes), OTHER]
    report = ClusterReport("10.0.0.1:6379", "/home/x", FACTS, nodes, [])
    findings = diagnose(report)
    assert findings[-1] == findings[-1].__class__("b 10.0.0.2", OK, "everything as it should be")
    return {f.check.partition(", ")[2]: f for f in findings[1:-1]}


def versions(**changed):
    return {"facts": FACTS | {"versions": FACTS["versions"] | changed}}


WRONG = [
    ({"clock_offset": -7.5}, "clock", BROKEN, "7.5 s behind"),
    ({"clock_offset": 2.0}, "clock", BROKEN, "2.0 s ahead of"),
    (versions(zarr="3.0.1"), "zarr", BROKEN, "3.0.1, the driver has 3.1.6"),
    (versions(mlflow="3.1.0"), "mlflow", DOUBTFUL, "3.1.0, the driver has 3.17.2"),
    (versions(mlflow=None), "mlflow", BROKEN, "not installed"),
    ({"facts": FACTS | {"python": "3.12.1"}}, "python", BROKEN, "the driver has 3.11.7"),
    ({"facts": FACTS | {"cores": 2}}, "cores", BROKEN, "announces 8, its processes may use 2"),
    ({"facts": FACTS | {"open_files": 256}}, "open files", BROKEN, "256"),
    ({"facts": FACTS | {"open_files": 2048}}, "open files", DOUBTFUL, "2048"),
    ({"facts": FACTS | {"processes": 100}}, "processes", BROKEN, "100 processes"),
    ({"facts": FACTS | {"nvidia_gpus": 4}}, "gpu", DOUBTFUL, "4 NVIDIA GPUs, Ray announces none"),
    ({"home": {"shared": False, "trouble": ""}}, "home", BROKEN, "not the same folder"),
    ({"home": {"shared": True, "trouble": "OSError: full"}}, "home", BROKEN, "OSError: full"),
    ({"home": HOME | {"locked": False}}, "home", BROKEN, "two machines could run the same trial"),
    ({"home": HOME | {"free_bytes": 1e9}}, "home", BROKEN, "1.0 GB are free"),
    ({"home": HOME | {"seen_here": None}}, "home", DOUBTFUL, "not within 5 s"),
    ({"home": HOME | {"write_speed": 3.0}}, "home", DOUBTFUL, "writes 3 MB/s"),
    ({"to_next": 11.0}, "network", DOUBTFUL, "to 10.0.0.2 11 MB/s"),
    ({"gpus": 2.0}, "gpu", BROKEN, "announces 2, torch 2.13.0+cpu sees 0"),
    ({"silent": "the time"}, "answer", BROKEN, "asked for the time"),
    ({"trouble": "its GPUs: no kernel"}, "answer", BROKEN, "no kernel"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "check", "state", "words"), WRONG)
def test_each_fault_is_named_alone_with_its_next_step(changes, check, state, words):
    found = of_node(**changes)
    assert list(found) == [check]
    assert found[check].state == state and words in found[check].detail and found[check].remedy


@pytest.mark.parametrize(
    "changes",
    [
        versions(torch="2.13.0+cu128"),
        versions(glassbench=None),
        {"clock_offset": 1.5, "clock_error": 1.0},
        {"gpus": 2.0, "gpus_busy": True},
    ],
)
def test_what_does_no_harm_is_no_fault(changes):
    assert all(finding.state not in (BROKEN, DOUBTFUL) for finding in of_node(**changes).values())


def test_a_gpu_that_computes_wrongly_is_named():
    gpu = {"name": "H200", "driver": "550", "trouble": "", "speed": 40.0}
    found = of_node(gpus=2.0, gpu_facts=[gpu, gpu | {"trouble": "ArithmeticError: ones"}])
    assert list(found) == ["gpu 1"] and found["gpu 1"].state == BROKEN


def test_missing_and_lost_nodes_and_a_machine_counted_twice_are_named():
    twice = replace(OTHER, facts=FACTS)
    report = ClusterReport("h:1", "/home/x", FACTS, [GOOD, twice], ["10.0.0.9"], expected=3)
    found = {finding.check: finding for finding in diagnose(report)}
    assert (
        found["cluster"].state == BROKEN and "1 of 3 nodes are missing" in found["cluster"].detail
    )
    assert "10.0.0.9" in found["nodes that left"].detail
    assert "announce 16 cores together, where there are 8" in found["shared machine"].detail


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
    arguments = ["doctor", f"cluster={cluster.address}", f"home={home}", "megabytes=1", *words]
    code = f"from glassbench.cli import main; main({[*arguments, '--json']!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout, done.stderr
    plain = json.loads(done.stdout)
    nodes = {node["name"]: node for node in plain["nodes"]}
    return done.returncode, {f["check"]: f for f in plain["findings"]}, nodes


def test_every_node_is_asked_and_a_wrong_version_or_a_halt_is_told_of_its_node_alone(
    cluster, tmp_path
):
    code, found, nodes = doctor(cluster, tmp_path, "nodes=2")
    (wrong,) = (check for check in found if check.endswith(", zarr"))
    assert code == 1 and wrong.startswith("second ") and "0.0.1" in found[wrong]["detail"]
    for node in nodes.values():
        assert node["home"]["shared"] and node["home"]["locked"] and node["home"]["renamed"]
        assert abs(node["clock_offset"]) <= node["clock_error"] + 0.05
        assert min(node["from_driver"], node["to_driver"], node["to_next"]) > 0
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
    assert nodes["first"]["facts"] and nodes["first"]["to_driver"] and not nodes["second"]["facts"]
