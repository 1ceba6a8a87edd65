"""The plan of the stiffness datasets is complete and in order."""

from itertools import pairwise

import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
GENERATOR = load_generator(load_task("cuzr_stiffness"))
MINI = GENERATOR.PLANS["mini"]


@pytest.mark.parametrize("dataset", sorted(GENERATOR.PLANS))
def test_every_piece_has_its_own_name_and_comes_after_what_it_needs(dataset):
    made = set()
    for piece in GENERATOR.PLANS[dataset].pieces():
        assert piece.name not in made
        assert made.issuperset(piece.needs)
        assert piece.kind in GENERATOR.WORK
        assert piece.atom_steps > 0
        made.add(piece.name)


def test_the_embedded_dataset_has_ten_fast_and_two_slow_samples_at_six_temperatures():
    kinds = [piece.kind for piece in MINI.pieces()]
    assert kinds.count("melt") == kinds.count("minimise") == 12
    assert kinds.count("stiffness") == 72
    counts = {
        state.name: {split: state.splits.count(split) for split in ("train", "valid", "test")}
        for state in MINI.states
    }
    assert counts == {
        "Cu50Zr50-1e13": {"train": 3, "valid": 1, "test": 6},
        "Cu50Zr50-1e12": {"train": 0, "valid": 0, "test": 2},
    }


def test_every_run_has_its_own_seed():
    names = [
        tuple(piece.arguments["names"]) for piece in MINI.pieces() if "names" in piece.arguments
    ]
    assert len(set(names)) == len(names)


def test_the_parts_of_a_quench_join_to_the_whole():
    protocol = plasticity.states.effective_rate_samples(1e10, 32_000).protocol
    parts = alloy.quench_parts(protocol)
    assert parts[0][0] == 2000 and parts[-1][1] == 50
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    assert {part[2] for part in parts} == {1e10, 1e12, 1e13}
    assert max(abs(part[0] - part[1]) for part in parts if part[2] == 1e10) <= 10.0


def test_two_quenches_have_two_names_and_a_sample_the_name_of_its_last_piece():
    one, other = (
        alloy.constant_rate_samples(1e13, 4000),
        plasticity.states.effective_rate_samples(1e13, 4000, copper=0.64),
    )
    assert one.name == "Cu50Zr50-1e13-n4000"
    assert other.name == "Cu64Zr36-effective-1e13-n4000"
    assert alloy.sample_pieces(one, 3)[-1].name == one.sample(3) == "Cu50Zr50-1e13-n4000-s003"
