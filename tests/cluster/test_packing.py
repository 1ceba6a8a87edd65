"""Trials packed on a cluster: in order, within its room, and none put off for ever."""

from hypothesis import given
from hypothesis import strategies as st

from glassbench.cluster.packing import Packing
from glassbench.experiments.resources import Capacity, Share, gpu_slots

SMALL, WIDE, ON_GPU = Share(1), Share(4), Share(1, 1.0)


def started(packing):
    return [item for item, *_ in packing.start()]


def test_trials_start_in_order_and_a_few_ahead_of_their_turn():
    packing = Packing(Capacity(2), ahead=1)
    for name in "abcde":
        packing.add(name, SMALL)
    assert started(packing) == ["a", "b", "c"]
    packing.ended(SMALL)
    assert started(packing) == ["d"]
    packing.add_first("again", SMALL)
    packing.ended(SMALL)
    assert started(packing) == ["again"]
    assert len(packing) == 1


def test_small_trials_fill_what_a_wide_one_does_not_wait_for():
    packing = Packing(Capacity(6, 1), ahead=0)
    for name, share in (("w1", WIDE), ("w2", WIDE), ("s1", SMALL), ("g1", ON_GPU), ("g2", ON_GPU)):
        packing.add(name, share)
    # Two cores are left: the second wide one is short of them and keeps them.
    assert started(packing) == ["w1"]
    packing.ended(WIDE)
    assert started(packing) == ["w2", "s1", "g1"]
    packing.add("s2", SMALL)
    # The second trial on the GPU waits for the GPU alone, so that a core may be taken.
    packing.ended(SMALL)
    assert started(packing) == ["s2"]


def test_a_wide_trial_is_not_put_off_by_small_ones_for_ever():
    packing = Packing(Capacity(4), ahead=0)
    for number in range(4):
        packing.add(number, SMALL)
    assert len(started(packing)) == 4
    packing.add("wide", WIDE)
    for number in range(4, 20):
        packing.add(number, SMALL)
    for _ in range(3):
        packing.ended(SMALL)
        assert started(packing) == []
    packing.ended(SMALL)
    assert started(packing) == ["wide"]


def test_machines_that_come_are_used_and_those_that_went_are_not():
    packing = Packing(Capacity(1), ahead=0)
    for number in range(9):
        packing.add(number, SMALL)
    assert len(started(packing)) == 1
    packing.resize(Capacity(3))
    assert len(started(packing)) == 2
    packing.resize(Capacity(1))
    packing.ended(SMALL)
    packing.ended(SMALL)
    assert started(packing) == []
    packing.ended(SMALL)
    assert len(started(packing)) == 1


SHARES = st.sampled_from(
    [Share(1), Share(3), Share(8), Share(1, 0.4), Share(2, 1.0), Share(1, 2.0), Share(1, 0, 4)]
)


@given(wanted=st.lists(SHARES, max_size=40), data=st.data())
def test_what_runs_at_once_fits_and_everything_runs_once(wanted, data):
    packing = Packing(Capacity(8, 2, 8, 2, 10, 10), ahead=0)
    for number, share in enumerate(wanted):
        packing.add(number, share)
    running, done = [], []
    while len(packing) or running:
        running += packing.start()
        assert running
        assert sum(share.cpus for _, share, _ in running) <= 8
        assert sum(gpu_slots(share.gpus) for _, share, _ in running) <= 2 + 1e-9
        assert sum(share.memory for _, share, _ in running) <= 10
        ended = data.draw(st.integers(0, len(running) - 1))
        item, share, ahead = running.pop(ended)
        assert not ahead
        packing.ended(share)
        done.append(item)
    assert sorted(done) == list(range(len(wanted)))
