"""Pieces: made in order of need, whole or not at all, and a crash stays in its piece."""

import numpy as np
import pytest

from glassbench.simulation.pieces import Piece, PieceFailed, run_piece, run_pieces, write_whole
from glassbench.simulation.seeds import seed_from_names


def test_seeds_depend_on_names_and_on_their_borders():
    assert seed_from_names("a", 1) == seed_from_names("a", 1)
    assert seed_from_names("ab", "c") != seed_from_names("a", "bc")
    seeds = {seed_from_names("trajectory", k) for k in range(1000)}
    assert len(seeds) == 1000
    assert all(0 < seed < 2**31 - 1 for seed in seeds)


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
    write_whole(piece.path(folder), {"name": np.array(piece.name)})
    return 0.0


def test_needs_come_first_and_a_failure_leaves_the_others(tmp_path):
    outcomes = {piece.name: outcome for piece, outcome in run_pieces(pieces(), tmp_path, 2, make)}
    assert set(outcomes) == {"parent", "child0", "child1", "broken"}
    assert isinstance(outcomes["broken"], PieceFailed)


def test_finished_pieces_are_not_made_again(tmp_path):
    list(run_pieces(pieces(), tmp_path, 2, make))
    again = [piece.name for piece, _ in run_pieces(pieces(), tmp_path, 2, make)]
    assert again == ["broken"]


def test_a_crash_is_contained_and_its_log_named(tmp_path):
    piece = Piece("crash", "no_such_work")
    with pytest.raises(PieceFailed, match=r"crash ended with exit code 1: read .*crash\.out"):
        run_piece(piece, tmp_path, "ka_propensity")
    assert not piece.path(tmp_path).exists()
    assert "no_such_work" in piece.log_path(tmp_path).with_suffix(".out").read_text()
