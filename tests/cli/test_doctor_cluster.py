"""`glassbench doctor cluster=…`: a table of the nodes, and what is wrong below it."""

from __future__ import annotations

import json

import pytest

from glassbench.cluster import doctor as cluster_doctor

FACTS = {
    "name": "a",
    "python": "3.11.7",
    "versions": {"glassbench": "0.1.0", "torch": "2.13.0+cpu", "mlflow": "3.17.2", "zarr": "3.1.6"},
    "cores": 8,
    "memory_bytes": 32 * 2**30,
    "open_files": 65536,
    "processes": None,
    "nvidia_gpus": 0,
    "torch_gpus": 0,
}
HOME = {
    "shared": True, "trouble": "", "locked": True, "free_bytes": 1e12, "write_speed": 500.0,
    "read_speed": 900.0, "seen_here": True,
}  # fmt: skip
GOOD = {
    "id": "1", "name": "a 10.0.0.1", "alive": True, "cpus": 8.0, "gpus": 0.0, "trouble": "",
    "facts": FACTS, "home": HOME, "clock_offset": 0.002,
}  # fmt: skip
OTHER = GOOD | {"id": "2", "name": "b 10.0.0.2"}


def report_of(*nodes, expected=None):
    return {
        "address": "10.0.0.1:6379",
        "home": "/home/x",
        "expected": expected,
        "driver": FACTS,
        "nodes": list(nodes),
    }


@pytest.fixture
def answer(monkeypatch, glassbench):
    """Return a function that gives the command for a cluster of these nodes."""
    asked = {}

    def give(nodes, *words):
        def examine(cluster, workspace, packages, **options):
            asked.update(options, cluster=cluster, packages=packages)
            return report_of(*nodes)

        monkeypatch.setattr(cluster_doctor, "examine_cluster", examine)
        return glassbench("doctor", "cluster=auto", *words), asked

    return give


def test_a_good_cluster_is_a_table_and_one_line(answer):
    said, asked = answer([GOOD], "nodes=1", "patience=9", "megabytes=3")
    assert said.code == 0
    assert asked["cluster"] == "auto" and "glassbench" in asked["packages"]
    assert (asked["nodes"], asked["patience"], asked["megabytes"]) == (1, 9, 3)
    for measured in ("a 10.0.0.1", "1000 GB", "500/900 MB/s", "+0.0 s"):
        assert measured in said.out
    assert said.out.splitlines()[-1] == "every node is as it should be"


def test_a_silent_node_is_named_with_the_next_step_beside_the_good_one(answer):
    silent = {k: v for k, v in OTHER.items() if k not in ("facts", "home")}
    said, _ = answer([GOOD, silent | {"trouble": "it did not answer within 60 s"}])
    assert said.code == 1
    last = said.out.splitlines()[-1]
    assert last.startswith("b 10.0.0.2, answer  BROKEN: it did not answer")
    said, _ = answer([GOOD, silent | {"trouble": "it did not answer"}], "--json")
    plain = json.loads(said.out)
    assert plain["driver"]["python"] == "3.11.7"
    assert plain["nodes"][0]["home"]["write_speed"] == 500.0
    assert [f["state"] for f in plain["findings"]].count("broken") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cluster=none",), "no nodes to ask"),
        (("cluster=auto", "nodes=0"), "`nodes=0` is below 1"),
        (("cluster=auto", "patience=soon"), "`soon` in `patience`"),
        (("nodes=2",), "no key `nodes`"),
        (("cluster=loca",), "is none of"),
    ],
)
def test_wrong_words_are_refused(glassbench, words, said):
    answer = glassbench("doctor", *words)
    assert answer.code == 2 and said in answer.err
