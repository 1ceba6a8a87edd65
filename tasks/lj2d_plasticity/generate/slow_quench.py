"""The pieces that make a glass; a slow quench is cut into parts, so that little is lost if killed.

The liquid, each part of the cooling, and the minimised glass are then pieces that hand on
positions and velocities; the last has the name of the sample, and the arrays of
`quench_glass`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import gather_by_id, lammps_session
from glassbench.simulation.material import steps_in
from glassbench.simulation.pieces import Piece, read_need

from .lennard_jones_2d import (
    QuenchProtocol,
    cool,
    melt_and_hold,
    minimise,
    open_liquid,
    quench_glass,
    thermodynamics,
)

ATOM_STEPS_PER_PART = 4e10
Arrays = dict[str, np.ndarray]
THERMODYNAMICS = ("temperature", "potential_energy", "pressure")


def sample_pieces(sample: str, protocol: QuenchProtocol, names: list) -> list[Piece]:
    """Return the piece that makes a glass, or the chain of pieces where it is long."""
    whole = protocol.particles * protocol.steps
    arguments = {"protocol": asdict(protocol), "names": names}
    if whole <= ATOM_STEPS_PER_PART:
        return [Piece(name=sample, kind="sample", arguments=arguments, atom_steps=whole)]
    cooling = protocol.particles * protocol.quench_time / protocol.step
    parts = max(protocol.quench_parts, ceil(cooling / ATOM_STEPS_PER_PART))
    steps = steps_in(protocol.quench_time, protocol.step)
    ends = np.rint(np.linspace(0, steps, parts + 1))
    fall = (protocol.final_temperature - protocol.start_temperature) / steps
    ramp = [(protocol.start_temperature + fall * end, end) for end in ends.tolist()]
    chain = [
        Piece(f"{sample}-liquid", "liquid", arguments, atom_steps=max(whole - cooling, 0.0)),
    ]
    for number, ((start, first), (stop, last)) in enumerate(pairwise(ramp)):
        chain.append(
            Piece(
                name=f"{sample}-cooling{number:03d}",
                kind="cooling",
                arguments={
                    "protocol": arguments["protocol"],
                    "temperatures": [start, stop],
                    "duration": (last - first) * protocol.step,
                },
                needs=(chain[-1].name,),
                atom_steps=protocol.particles * (last - first),
            )
        )
    alone = {"protocol": arguments["protocol"]}
    return [*chain, Piece(sample, "glass", alone, needs=(chain[-1].name,))]


def make_sample(piece: Piece, folder: Path) -> Arrays:
    """Make a glass in one; see `quench_glass`."""
    names = tuple(piece.arguments["names"])
    return quench_glass(_protocol(piece), names, piece.log_path(folder))


def make_liquid(piece: Piece, folder: Path) -> Arrays:
    """Make the liquid that is then cooled."""
    protocol = _protocol(piece)
    with lammps_session(piece.log_path(folder)) as lammps:
        species, held = melt_and_hold(lammps, protocol, tuple(piece.arguments["names"]))
        empty = {name: np.empty(0) for name in THERMODYNAMICS}
        return _moving(lammps, protocol) | {
            "species": species,
            "equilibration_energy": held,
            **empty,
        }


def make_cooling(piece: Piece, folder: Path) -> Arrays:
    """Cool by one part of the quench."""
    arguments, before, protocol = piece.arguments, read_need(piece, folder), _protocol(piece)
    with lammps_session(piece.log_path(folder)) as lammps:
        _open(lammps, protocol, before)
        start, stop = arguments["temperatures"]
        end = thermodynamics([cool(lammps, protocol, start, stop, arguments["duration"])])
        kept = {name: np.append(before[name], end[name]) for name in THERMODYNAMICS}
        return before | _moving(lammps, protocol) | kept


def make_glass(piece: Piece, folder: Path) -> Arrays:
    """Minimise what was cooled."""
    before, protocol = read_need(piece, folder), _protocol(piece)
    with lammps_session(piece.log_path(folder)) as lammps:
        _open(lammps, protocol, before)
        minimum = minimise(lammps, protocol)
    kept = {key: values for key, values in before.items() if key != "velocities"}
    return kept | minimum


QUENCH_WORK = {
    "sample": make_sample,
    "liquid": make_liquid,
    "cooling": make_cooling,
    "glass": make_glass,
}


def _protocol(piece: Piece) -> QuenchProtocol:
    return QuenchProtocol(**piece.arguments["protocol"])


def _open(lammps, protocol: QuenchProtocol, state: Mapping[str, np.ndarray]) -> None:
    open_liquid(lammps, protocol, state["positions"], state["species"], state["velocities"])


def _moving(lammps, protocol: QuenchProtocol) -> dict[str, np.ndarray]:
    """Return positions, wrapped, and velocities (N, 2) as they are now."""
    positions = np.mod(gather_by_id(lammps, "x")[:, :2], protocol.box_edge)
    return {
        "positions": np.where(positions < protocol.box_edge, positions, 0.0),
        "velocities": gather_by_id(lammps, "v")[:, :2],
    }
