"""What a piece of a generation costs beside the simulation in it.

A piece is one process: Python starts, LAMMPS runs, arrays are gathered and written. LAMMPS
writes the time of each of its loops into the log of the piece; the rest is overhead.

    python benchmarks/piece_overhead.py [task …]
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from glassbench.contract.task import Task
from glassbench.plugins.registry import list_tasks, load_task
from glassbench.simulation.generator import generator_folder, load_generator
from glassbench.simulation.piece_process import run_piece
from glassbench.simulation.pieces import Piece

LOOP = re.compile(r"Loop time of ([\d.e+-]+) on \d+ procs for (\d+) steps with (\d+) atoms")


def first_pieces(task: Task) -> list[Piece]:
    """Return the first piece of each kind of the mini dataset, with what they need before."""
    planned = {piece.name: piece for piece in load_generator(task).PLANS["mini"].pieces()}
    wanted: dict[str, Piece] = {}
    for kind in dict.fromkeys(piece.kind for piece in planned.values()):
        chain = [next(piece for piece in planned.values() if piece.kind == kind)]
        for piece in chain:
            chain += [planned[name] for name in piece.needs if name not in wanted]
        wanted |= {piece.name: piece for piece in reversed(chain)}
    return list(wanted.values())


def main() -> None:
    print(f"{'piece':40} {'seconds':>8} {'LAMMPS':>8} {'overhead':>9}")
    generated = [t.name for t in list_tasks() if (t.folder / "generate").is_dir()]
    for task in map(load_task, sys.argv[1:] or generated):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for piece in first_pieces(task):
                seconds = run_piece(piece, folder, generator_folder(task))
                log = piece.log_path(folder)
                loops = LOOP.findall(log.read_text()) if log.exists() else []
                inside = sum(float(loop) for loop, *_ in loops)
                share = f"{100 * (1 - inside / seconds):8.1f}%" if inside else "no LAMMPS"
                print(f"{piece.name:40} {seconds:8.1f} {inside:8.1f} {share:>9}", flush=True)


if __name__ == "__main__":
    main()
