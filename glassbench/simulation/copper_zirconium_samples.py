"""Pieces that make minimised copper-zirconium samples, for every task that reads them.

A sample is a chain of pieces: melt, the parts of the quench, minimise. Its names
and seeds know nothing of a task or a split, so that tasks whose pieces lie in one
folder share the samples.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from .copper_zirconium import (
    Protocol,
    Stage,
    constant_rate,
    effective_rate,
    initial_lattice,
    maxwell_boltzmann,
    melt,
    minimise,
    quench,
    stage_steps,
)
from .copper_zirconium_potential import POTENTIAL_VARIABLE, open_box, potential_file
from .lammps_library import lammps_session, place_atoms
from .pieces import Piece, read_piece

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
    return SampleSet(f"{alloy(copper)}-{_power(rate)}-n{atoms}", protocol)


def effective_rate_samples(rate: float, atoms: int, copper: float = 0.5) -> SampleSet:
    """Return samples quenched at `rate` in K/s from 1000 to 500 K, as for the plasticity."""
    protocol = Protocol(stages=effective_rate(rate), atoms=atoms, copper=copper)
    return SampleSet(f"{alloy(copper)}-effective-{_power(rate)}-n{atoms}", protocol)


def alloy(copper: float) -> str:
    """Return the name of the alloy with this fraction of copper: `Cu50Zr50`."""
    percent = round(100 * copper)
    return f"Cu{percent}Zr{100 - percent}"


def pieces_folder_name(dataset: str) -> str:
    """Return the folder of the pieces of a dataset, the same for all tasks on these samples.

    A potential other than that of LAMMPS has folders of its own, named by its digest.
    """
    name = f"copper_zirconium-{dataset}"
    if POTENTIAL_VARIABLE not in os.environ:
        return name
    return f"{name}-{hashlib.sha256(potential_file().read_bytes()).hexdigest()[:8]}"


def sample_pieces(samples: SampleSet, numbers: range) -> list[Piece]:
    """Return the pieces of some samples; the last of each has the sample's name."""
    return [piece for number in numbers for piece in _chain(samples, number)]


def _chain(samples: SampleSet, number: int) -> list[Piece]:
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
    """Return the stages cut into parts, so that a killed generation loses a part alone.

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
    """Return the bytes that the pieces of one sample take."""
    return (len(quench_parts(protocol)) + 2) * protocol.atoms * 6 * 8


def read_structure(folder: Path, sample: str) -> dict[str, np.ndarray]:
    """Return `positions` (N, 3), `species` (N,) and `box` (3,) of a minimised sample."""
    piece = read_piece(folder, sample)
    return {
        "positions": piece["positions"],
        "species": piece["species"],
        "box": np.full(3, float(piece["edge"])),
    }


def make_melt(request: dict) -> dict:
    """Make the piece of a liquid."""
    arguments = request["arguments"]
    return melt(_protocol(arguments), tuple(arguments["names"]), Path(request["log"]))


def make_quench(request: dict) -> dict:
    """Make the piece of one part of a quench."""
    arguments = request["arguments"]
    stage = tuple(arguments["stage"])
    return quench(_before(request), stage, _protocol(arguments), Path(request["log"]))


def make_minimum(request: dict) -> dict:
    """Make the piece of a minimised sample."""
    return minimise(_before(request), _protocol(request["arguments"]), Path(request["log"]))


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
        lammps.command("run 50 post no")
        steps, started = 0, time.process_time()
        while time.process_time() - started < seconds:
            lammps.command("run 50 post no")
            steps += 50
        return protocol.atoms * steps / (time.process_time() - started)


def _power(rate: float) -> str:
    return f"{rate:.0e}".replace("+", "")


def _before(request: dict) -> dict[str, np.ndarray]:
    (name,) = request["needs"]
    return read_piece(Path(request["folder"]), name)


def _protocol(arguments: dict) -> Protocol:
    values = arguments["protocol"]
    return Protocol(**values | {"stages": tuple(tuple(stage) for stage in values["stages"])})
