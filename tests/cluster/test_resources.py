"""Shares of cores and GPUs: never more than there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.cluster import Capacity, ClusterError, share_of


@pytest.mark.parametrize(
    ("cores", "gpus", "trials", "expected"),
    [
        (2, 0, 1, (2, 0, 1)),
        (2, 0, 2, (1, 0, 2)),
        (2, 0, 9, (1, 0, 2)),
        (8, 0, 3, (2, 0, 3)),
        (16, 2, 5, (8, 1, 2)),
        (16, 2, 1, (16, 1, 1)),
        (2, 4, 9, (1, 1, 2)),
        (64, 0, 1, (16, 0, 1)),
    ],
)
def test_one_trial_takes_what_is_there_and_several_share_it(cores, gpus, trials, expected):
    share = share_of(Capacity(cores, gpus, cores, gpus), trials)
    assert (share.cpus, share.gpus, share.concurrent) == expected
    assert share.device == ("cuda" if gpus else "cpu")


def test_trials_may_share_a_gpu():
    share = share_of(Capacity(16, 2, 16, 2), 9, gpus_per_trial=0.4)
    assert (share.concurrent, share.cpus) == (4, 4)


@given(
    cores=st.integers(1, 200),
    gpus=st.integers(0, 16),
    trials=st.integers(0, 500),
    each=st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0])),
)
def test_trials_that_run_at_once_fit(cores, gpus, trials, each):
    share = share_of(Capacity(cores, gpus, cores, gpus), trials, gpus_per_trial=each)
    assert share.concurrent >= 1
    assert 1 <= share.cpus * share.concurrent <= cores
    assert share.gpus * share.concurrent <= gpus


def test_what_no_machine_has_is_refused():
    cluster = Capacity(8, 4, cpus_per_machine=4, gpus_per_machine=2)
    with pytest.raises(ClusterError, match="5 cores, the largest machine has 4"):
        share_of(cluster, 1, cpus_per_trial=5)
    with pytest.raises(ClusterError, match="3 GPUs, the largest machine has 2"):
        share_of(cluster, 1, gpus_per_trial=3)
    assert share_of(cluster, 1).cpus == 4
    assert share_of(Capacity(8), 1, gpus_per_trial=1).device == "cpu"
