"""Pieces that make minimised copper-zirconium samples, for every task that reads them.

A sample is a chain of pieces: melt, the parts of the quench, minimise. Its names and seeds
depend neither on a task nor on a split, so that tasks whose pieces lie in one folder share
the samples.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from .copper_zirconium import (
    Protocol,
    Stage,
    constant_rate,
    initial_lattice,
    maxwell_boltzmann,
    melt,
    minimise,
    quench,
    stage_steps,
)
from .copper_zirconium_potential import POTENTIAL_VARIABLE, open_box, potential_file
from .lammps_library import lammps_session, measured_speed, place_atoms
from .pieces import Piece, read_need, read_piece

Arrays = dict[str, np.ndarray]
ATOM_STEPS_PER_PART = 2e8
KELVIN_PER_PART = 10.0
MINIMISER_STEPS = 1000


@dataclass(frozen=True)
class SampleSet:
    """Independent samples of one composition and quench, numbered from 0."""

    name: str
    protocol: Protocol

    def sample(self, number: int) -> str:
        """Return the name of a sample, which is the name of the piece that holds it."""
        return f"{self.name}-s{number:03d}"


def constant_rate_samples(rate: float, atoms: int, copper: float = 0.5) -> SampleSet:
    """Return samples quenched at one rate in K/s, as for the stiffness."""
    protocol = Protocol(stages=constant_rate(rate), atoms=atoms, copper=copper)
    return SampleSet(f"{alloy(copper)}-{power(rate)}-n{atoms}", protocol)


def alloy(copper: float) -> str:
    """Return the name of the alloy with this fraction of copper: `Cu50Zr50`."""
    percent = round(100 * copper)
    return f"Cu{percent}Zr{100 - percent}"


def power(rate: float) -> str:
    """Return a rate as in names: `1e13`."""
    return f"{rate:.0e}".replace("+", "")


def potential_variant() -> str:
    """Return the start of the digest of another potential than that of LAMMPS, else nothing."""
    if POTENTIAL_VARIABLE not in os.environ:
        return ""
    return hashlib.sha256(potential_file().read_bytes()).hexdigest()[:8]


def sample_pieces(samples: SampleSet, number: int) -> list[Piece]:
    """Return the pieces of one sample; the last of them has the sample's name."""
    protocol, name = samples.protocol, samples.sample(number)
    shared = {"protocol": asdict(protocol)}
    steps = round(protocol.melt_time / protocol.step)
    chain = [
        Piece(
            name=f"{name}-melt",
            kind="melt",
            arguments=shared | {"names": ["copper_zirconium", samples.name, number]},
            atom_steps=protocol.atoms * steps,
        )
    ]
    for count, part in enumerate(quench_parts(protocol)):
        chain.append(
            Piece(
                name=f"{name}-quench{count:03d}",
                kind="quench",
                arguments=shared | {"stage": part},
                needs=(chain[-1].name,),
                atom_steps=protocol.atoms * stage_steps(part, protocol.step),
            )
        )
    cost = protocol.atoms * MINIMISER_STEPS
    chain.append(Piece(name, "minimise", shared, needs=(chain[-1].name,), atom_steps=cost))
    return chain


def quench_parts(protocol: Protocol) -> list[Stage]:
    """Return the stages cut into parts, so that a killed generation loses one part only.

    A part has 2e8 atom-steps, or spans 10 K where that is more.
    """
    parts: list[Stage] = []
    for start, stop, rate in protocol.stages:
        cost = protocol.atoms * stage_steps((start, stop, rate), protocol.step)
        most = ceil(abs(start - stop) / KELVIN_PER_PART)
        edges = np.linspace(start, stop, 1 + min(ceil(cost / ATOM_STEPS_PER_PART), most))
        parts += [(float(a), float(b), rate) for a, b in pairwise(edges)]
    return parts


def sample_bytes(protocol: Protocol) -> int:
    return (len(quench_parts(protocol)) + 2) * protocol.atoms * 6 * 8


def read_structure(folder: Path, sample: str) -> dict[str, np.ndarray]:
    """Return `positions` (N, 3), `species` (N,) and `box` (3,) of a minimised sample."""
    piece = read_piece(folder, sample)
    return {
        "positions": piece["positions"],
        "species": piece["species"],
        "box": np.full(3, float(piece["edge"])),
    }


def make_melt(piece: Piece, folder: Path) -> Arrays:
    return melt(_protocol(piece), tuple(piece.arguments["names"]), piece.log_path(folder))


def make_quench(piece: Piece, folder: Path) -> Arrays:
    stage = tuple(piece.arguments["stage"])
    return quench(read_need(piece, folder), stage, _protocol(piece), piece.log_path(folder))


def make_minimum(piece: Piece, folder: Path) -> Arrays:
    return minimise(read_need(piece, folder), _protocol(piece), piece.log_path(folder))


SAMPLE_WORK = {"melt": make_melt, "quench": make_quench, "minimise": make_minimum}


def copper_zirconium_speed(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the hot liquid on one core."""
    protocol = Protocol(stages=())
    positions, species, edge = initial_lattice(protocol, "calibration")
    velocities = maxwell_boltzmann(species, 2 * protocol.melt_temperature, "calibration")
    with lammps_session() as lammps:
        open_box(lammps, edge)
        place_atoms(lammps, positions, species + 1, velocities)
        lammps.command(f"timestep {protocol.step}")
        lammps.command("fix integrate all nve")
        return measured_speed(lammps, seconds)


def _protocol(piece: Piece) -> Protocol:
    values = piece.arguments["protocol"]
    return Protocol(**values | {"stages": tuple(tuple(stage) for stage in values["stages"])})
