"""Copper-zirconium glass: melt, quench at zero pressure, minimise.

LAMMPS metal units (Angstrom, eV, ps, K, bar).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .copper_zirconium_potential import MASSES, open_box, potential_file
from .lammps_library import gather_by_id, lammps_session, place_atoms
from .seeds import generator_from_names

BOLTZMANN = 8.617333262e-5
VELOCITY_SQUARED_TO_ENERGY = 1.0364269e-4
SAMPLES_PER_RUN = 20

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
