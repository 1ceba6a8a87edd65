from __future__ import annotations

import json

import pytest

from glassbench import cluster
from glassbench.cluster import ClusterReport, NodeReport

FACTS = {
    "name": "a", "machine": "1", "python": "3.11.7", "versions": {"torch": "2.13.0"}, "cores": 8,
    "machine_cores": 8,
    "memory_bytes": 32 * 2**30, "open_files": 65536, "processes": None, "nvidia_gpus": 1,
}  # fmt: skip
HOME = {
    "shared": True, "trouble": "", "renamed": True, "locked": True, "free_bytes": 2e12,
    "write_speed": 512.0, "read_speed": 1024.0, "seen_here": 0.0,
}  # fmt: skip
GPU = {"name": "H200", "driver": "550.1", "trouble": "", "speed": 41.5}
GOOD = NodeReport(
    node_id="1", address="10.0.0.1", name="a", cpus=8.0, gpus=1.0, facts=FACTS,
    clock_offset=0.0021, clock_error=0.001, home=HOME, from_driver=910.0, to_driver=920.0,
    to_next=930.0, next_node="10.0.0.2", gpu_facts=[GPU],
)  # fmt: skip
SILENT = NodeReport("2", "10.0.0.2", "b", 8.0, 0.0, silent="what it is")


@pytest.fixture
def answer(monkeypatch, glassbench):
    """Return a function that gives the command for a cluster of these nodes."""
    asked = {}

    def give(nodes, *words):
        def inspect(cluster, workspace, packages, **options):
            asked.update(options, cluster=cluster, packages=packages)
            return ClusterReport("10.0.0.1:6379", "/home/x", FACTS, nodes, [])

        monkeypatch.setattr(cluster, "inspect_cluster", inspect)
        return glassbench("doctor", "cluster=auto", *words), asked

    return give


def test_a_good_cluster_is_a_table_and_one_word(answer):
    told, asked = answer([GOOD], "nodes=1", "patience=9", "megabytes=3")
    assert told.code == 0
    assert asked["cluster"] == "auto" and "glassbench" in asked["packages"]
    assert (asked["expected"], asked["patience"], asked["megabytes"]) == (1, 9, 3)
    measured = ("1 H200, driver 550.1, 41.5 TFLOP/s", "+2±1 ms", "2000 GB free", "512/1024",
                "910/920/930")  # fmt: skip
    for words in measured:
        assert words in told.out
    assert told.out.splitlines()[-1] == "every node is as it should be"


def test_a_silent_node_is_named_with_the_next_step_beside_the_good_one(answer):
    told, _ = answer([GOOD, SILENT])
    assert told.code == 1
    last = told.out.splitlines()[-1]
    assert last.startswith("b 10.0.0.2, answer  BROKEN: it did not answer in time")
    assert "restart Ray" in last


def test_json_holds_findings_and_everything_measured(answer):
    told, _ = answer([GOOD, SILENT], "--json")
    plain = json.loads(told.out)
    assert told.code == 1 and plain["driver"]["python"] == "3.11.7"
    assert plain["nodes"][0]["home"]["write_speed"] == 512.0
    assert [f["state"] for f in plain["findings"]].count("broken") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cluster=none",), "no nodes to ask"),
        (("cluster=auto", "nodes=0"), "nodes=0: a whole number from 1"),
        (("cluster=auto", "patience=soon"), "patience=soon"),
        (("nodes=2",), "no key `nodes`"),
        (("cluster=loca",), "is none of"),
    ],
)
def test_wrong_words_are_refused(glassbench, words, said):
    told = glassbench("doctor", *words)
    assert told.code == 2 and said in told.err


def test_templates_are_listed_and_printed(glassbench):
    assert "slurm.sh" in glassbench("cluster", "template").out
    assert glassbench("cluster", "template", "slurm").out.startswith("#!/bin/bash\n")
    assert json.loads(glassbench("cluster", "template", "aws", "--json").out)["file"].endswith(
        "aws.yaml"
    )
    told = glassbench("cluster", "template", "slrm")
    assert told.code == 2 and "did you mean `slurm`" in told.err
