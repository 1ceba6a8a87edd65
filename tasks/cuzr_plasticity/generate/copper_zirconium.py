"""Copper-zirconium glass: melt, quench at zero pressure, minimise; and the pieces that do so.

LAMMPS metal units (Angstrom, eV, ps, K, bar). A sample is a chain of pieces. Its names and seeds
depend neither on a task nor on a split, so that tasks whose pieces lie in one folder share it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np

from glassbench.simulation.generator import POTENTIAL_VARIABLE
from glassbench.simulation.lammps_library import (
    gather_by_id,
    lammps_session,
    measured_speed,
    place_atoms,
)
from glassbench.simulation.pieces import Piece, read_need, read_piece
from glassbench.simulation.seeds import generator_from_names

from .potential import MASSES, open_box, potential_file

BOLTZMANN = 8.617333262e-5
VELOCITY_SQUARED_TO_ENERGY = 1.0364269e-4
SAMPLES_PER_RUN = 20
ATOM_STEPS_PER_PART = 2e8
KELVIN_PER_PART = 10.0
MINIMISER_STEPS = 1000

Arrays = dict[str, np.ndarray]
Stage = tuple[float, float, float]  # from, to, rate


def constant_rate(rate: float) -> tuple[Stage, ...]:
    """Return the quench from 2000 K to 50 K at one rate in K/s (Peng, Yang & Wang 2021)."""
    return ((2000.0, 50.0, rate),)


@dataclass(frozen=True)
class Protocol:
    """How a sample is made; times in ps, temperatures in K, rates in K/s, lengths in Angstrom.

    The force tolerance is the norm of the force vector of all atoms at the minimum, eV/Angstrom;
    an empty potential is the one that was chosen.
    """

    stages: tuple[Stage, ...]
    atoms: int = 4000
    copper: float = 0.5
    melt_temperature: float = 2000.0
    melt_time: float = 40.0
    step: float = 0.004
    thermostat_time: float = 0.1
    barostat_time: float = 1.0
    atomic_volume: float = 19.3
    force_tolerance: float = 1e-7
    potential: str = ""

    def as_attributes(self) -> dict:
        return asdict(self) | {"potential": potential_file(self.potential).name}


def stage_steps(stage: Stage, step: float) -> int:
    """Return the number of time steps (ps) of a stage of the quench."""
    start, stop, rate = stage
    return round(abs(start - stop) / rate * 1e12 / step)


def melt(protocol: Protocol, names: tuple, log: Path) -> dict:
    """Melt a random lattice and hold the liquid at the melting temperature and zero pressure.

    Returns `species` (N,) int8, Cu = 0, Zr = 1; `positions` (N, 3) float64, wrapped, Angstrom;
    `velocities` (N, 3) Angstrom/ps; `edge` () of the cubic box; and `temperature` K, `pressure`
    bar, `potential_energy` eV and `volume` Angstrom^3 per atom (samples,) along the run.
    """
    positions, species, edge = initial_lattice(protocol, *names)
    start = {"positions": positions, "species": species, "edge": np.array(edge)}
    hot = 2 * protocol.melt_temperature
    start["velocities"] = maxwell_boltzmann(species, hot, *names)
    temperature = protocol.melt_temperature
    steps = round(protocol.melt_time / protocol.step)
    return _thermostatted(start, temperature, temperature, steps, protocol, log)


def quench(state: Mapping[str, np.ndarray], stage: Stage, protocol: Protocol, log: Path) -> dict:
    """Change the temperature at a constant rate and zero pressure; states are as in `melt`."""
    steps = stage_steps(stage, protocol.step)
    return _thermostatted(state, stage[0], stage[1], steps, protocol, log)


def minimise(state: Mapping[str, np.ndarray], protocol: Protocol, log: Path) -> dict:
    """Minimise the energy in the box as it is; what is returned is as in `measure_minimum`."""
    edge = float(state["edge"])
    with _atoms(state["positions"], state["species"], edge, protocol.potential, log) as lammps:
        lammps.command("min_style cg")
        lammps.command("min_modify dmax 0.1 line quadratic")
        lammps.command(f"minimize 0 {protocol.force_tolerance} 50000 500000")
        return _measured(lammps, state["species"], edge)


def measure_minimum(
    positions: np.ndarray, species: np.ndarray, edge: float, log: Path, potential: str = ""
) -> dict:
    """Return what is known of a minimum at positions (N, 3) in a cubic box, which stay.

    Returns `species`, `positions`, `edge` as in `melt`; `potential_energy` () eV per atom,
    `pressure` () bar, `force_norm` () eV/Angstrom of all atoms, `atom_energy` (N,) eV.
    """
    with _atoms(positions, species, edge, potential, log) as lammps:
        return _measured(lammps, species, edge) | {"positions": positions}


@contextmanager
def _atoms(positions, species, edge: float, potential: str, log: Path) -> Iterator:
    with lammps_session(log) as lammps:
        open_box(lammps, edge, potential)
        place_atoms(lammps, positions, species + 1)
        lammps.command("compute atom_energy all pe/atom")
        yield lammps


def _measured(lammps, species: np.ndarray, edge: float) -> dict:
    lammps.command("run 0 post no")
    forces = gather_by_id(lammps, "f")
    order = np.argsort(np.array(lammps.numpy.extract_atom("id")[: len(forces)]).ravel())
    energies = np.array(lammps.numpy.extract_compute("atom_energy", 1, 1))[: len(forces)]
    return {
        "species": species,
        "positions": np.mod(gather_by_id(lammps, "x"), edge),
        "edge": np.array(edge),
        "potential_energy": np.array(lammps.get_thermo("pe") / len(forces)),
        "pressure": np.array(lammps.get_thermo("press")),
        "force_norm": np.linalg.norm(forces),
        "atom_energy": energies[order],
    }


def initial_lattice(protocol: Protocol, *names: object) -> tuple[np.ndarray, np.ndarray, float]:
    """Return positions (N, 3) on a face-centred cubic lattice, species (N,), and the edge.

    Where N is not 4 k^3, the lattice is larger and random sites stay empty.
    """
    generator = generator_from_names(*names, "lattice")
    cells = int(np.ceil((protocol.atoms / 4) ** (1 / 3) - 1e-9))
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + 0.25
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sites = ((grid + basis) / cells).reshape(-1, 3)
    chosen = np.sort(generator.permutation(len(sites))[: protocol.atoms])
    edge = (protocol.atoms * protocol.atomic_volume) ** (1 / 3)
    species = np.ones(protocol.atoms, dtype=np.int8)
    species[: round(protocol.copper * protocol.atoms)] = 0
    return sites[chosen] * edge, generator.permutation(species), edge


def maxwell_boltzmann(species: np.ndarray, temperature: float, *names: object) -> np.ndarray:
    """Return velocities (N, 3) in Angstrom/ps at `temperature` K with no total momentum."""
    masses = np.array(MASSES)[species][:, None]
    scale = np.sqrt(BOLTZMANN * temperature / (masses * VELOCITY_SQUARED_TO_ENERGY))
    velocities = scale * generator_from_names(*names, "velocities").normal(size=(len(species), 3))
    return velocities - (masses * velocities).sum(axis=0) / masses.sum()


def _thermostatted(
    state: Mapping[str, np.ndarray],
    start: float,
    stop: float,
    steps: int,
    protocol: Protocol,
    log: Path,
) -> dict:
    """Run at zero pressure (Nose-Hoover, isotropic) while the temperature goes linearly."""
    count, thermo = len(state["species"]), []
    with lammps_session(log) as lammps:
        open_box(lammps, float(state["edge"]), protocol.potential)
        place_atoms(lammps, state["positions"], state["species"] + 1, state["velocities"])
        lammps.command(f"timestep {protocol.step}")
        lammps.command(
            f"fix integrate all npt temp {start} {stop} {protocol.thermostat_time} "
            f"iso 0 0 {protocol.barostat_time}"
        )
        done = 0
        for part in range(SAMPLES_PER_RUN):
            until = steps * (part + 1) // SAMPLES_PER_RUN
            lammps.command(f"run {until - done} post no start 0 stop {steps}")
            done = until
            thermo.append([lammps.get_thermo(key) for key in ("temp", "press", "pe", "vol")])
        edge = lammps.get_thermo("lx")
        temperature, pressure, energy, volume = np.array(thermo).T
        return {
            "species": state["species"],
            "positions": np.mod(gather_by_id(lammps, "x") - lammps.get_thermo("xlo"), edge),
            "velocities": gather_by_id(lammps, "v"),
            "edge": np.array(edge),
            "temperature": temperature,
            "pressure": pressure,
            "potential_energy": energy / count,
            "volume": volume / count,
        }


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
