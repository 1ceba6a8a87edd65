"""`glassbench doctor cluster=…`: each node, and what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from glassbench.cluster import doctor as cluster_doctor

from ..cluster.test_doctor import GOOD, OTHER, report_of


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
    said, asked = answer([GOOD], "nodes=1", "patience=9")
    assert said.code == 0
    assert asked["cluster"] == "auto" and "glassbench" in asked["packages"]
    assert (asked["nodes"], asked["patience"]) == (1, 9)
    last = "a 10.0.0.1  8 cores, 0 GPUs, everything as it should be"
    assert said.out.splitlines()[-1] == last


def test_a_silent_node_is_named_with_the_next_step_beside_the_good_one(answer):
    silent = replace(OTHER, facts=None, home=None, trouble="it did not answer within 60 s")
    said, _ = answer([GOOD, silent])
    assert said.code == 1
    last = said.out.splitlines()[-1]
    assert last.startswith("b 10.0.0.2, answer  BROKEN: it did not answer")
    said, _ = answer([GOOD, silent], "--json")
    plain = json.loads(said.out)
    assert plain["driver"]["python"] == "3.11.7"
    assert plain["nodes"][0]["home"]["free_bytes"] == 1e12
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
