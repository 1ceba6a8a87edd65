"""Shares of cores and GPUs: never more than there are."""

import pytest

from glassbench.contract.errors import ClusterError
from glassbench.experiments.resources import Capacity, Needs, gpu_slots, shares_of


def share_of(capacity, trials, cpus_per_trial=None, gpus_per_trial=1.0):
    """Return what each of several equal trials takes."""
    return shares_of(capacity, [Needs(gpus=gpus_per_trial)] * trials, cpus_per_trial)[0]


@pytest.mark.parametrize(
    ("cores", "gpus", "trials", "expected"),
    [
        (2, 0, 1, (2, 0)),
        (2, 0, 2, (1, 0)),
        (2, 0, 9, (1, 0)),
        (8, 0, 3, (2, 0)),
        (16, 2, 5, (8, 1)),
        (16, 2, 1, (16, 1)),
        (2, 4, 9, (1, 1)),
        (64, 0, 1, (16, 0)),
    ],
)
def test_one_trial_takes_what_is_there_and_several_share_it(cores, gpus, trials, expected):
    share = share_of(Capacity(cores, gpus, cores, gpus), trials)
    assert (share.cpus, share.gpus) == expected
    assert share.device == ("cuda" if gpus else "cpu")


def test_trials_may_share_a_gpu_but_none_takes_parts_of_two():
    share = share_of(Capacity(16, 2, 16, 2), 9, gpus_per_trial=0.4)
    assert share.cpus == 4
    assert [gpu_slots(gpus) for gpus in (0, 0.25, 0.4, 0.6, 1, 2)] == [0, 0.25, 0.5, 1, 1, 2]


def test_each_trial_takes_what_its_own_model_needs():
    cluster = Capacity(16, 2, 8, 1, 64 * 10**9, 32 * 10**9)
    needs = [Needs(1, 1.0), Needs(4, 0.0, 10**10), Needs(1), Needs(2, 0.5)]
    shares = shares_of(cluster, needs)
    assert [(s.cpus, s.gpus, s.memory_bytes) for s in shares] == [
        (2, 1, 0), (8, 0, 10**10), (2, 0, 0), (4, 0.5, 0)
    ]  # fmt: skip
    assert [s.cpus for s in shares_of(cluster, needs * 9)] == [1, 4, 1, 2] * 9
    assert {s.cpus for s in shares_of(cluster, needs, cpus_per_trial=3)} == {3}
    without = shares_of(Capacity(16), needs * 9)
    assert {(s.gpus, s.memory_bytes) for s in without} == {(0, 0)}


def test_what_no_machine_has_is_refused():
    cluster = Capacity(8, 4, cpus_per_machine=4, gpus_per_machine=2)
    with pytest.raises(ClusterError, match="5 cores, the largest machine has 4"):
        share_of(cluster, 1, cpus_per_trial=5)
    with pytest.raises(ClusterError, match="3 GPUs, the largest machine has 2"):
        share_of(cluster, 1, gpus_per_trial=3)
    with pytest.raises(ClusterError, match="20 GB of memory, the largest machine has 10 GB"):
        shares_of(
            Capacity(8, memory=4 * 10**10, memory_per_machine=10**10), [Needs(1, 0, 2 * 10**10)]
        )
    assert share_of(cluster, 1).cpus == 4
    assert share_of(Capacity(8), 1, gpus_per_trial=1).device == "cpu"
