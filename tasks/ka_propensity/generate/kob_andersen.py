"""The three-dimensional Kob-Andersen mixture: melt, equilibrate, and run from one configuration.

Reduced Lennard-Jones units (sigma_AA, epsilon_AA, m, tau). The potential is the
force-shifted Lennard-Jones of Shiba et al., J. Chem. Phys. 158, 084503 (2023),
Eq. 7 and 8: both energy and force vanish at 2.5 sigma of each pair of species.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import (
    gather_by_id,
    gather_unwrapped,
    lammps_session,
    place_atoms,
)
from glassbench.simulation.material import Material, open_cubic_box, steps_in
from glassbench.simulation.seeds import generator_from_names

PAIR_COMMANDS = (
    "pair_style lj/smooth/linear 2.5",
    "pair_coeff 1 1 1.0 1.0 2.5",
    "pair_coeff 1 2 1.5 0.8 2.0",
    "pair_coeff 2 2 0.5 0.88 2.2",
)
KOB_ANDERSEN = Material(
    units="lj",
    dimension=3,
    masses=(1.0, 1.0),
    pair_commands=PAIR_COMMANDS,
    skin=0.2,
    thermo_norm="yes",
)
DIAMETERS = ((1.0, 0.8), (0.8, 0.88))


@dataclass(frozen=True)
class Protocol:
    """How a Kob-Andersen configuration is made; times in tau, temperatures in epsilon_AA/k_B."""

    temperature: float
    tau_alpha: float
    particles: int = 4096
    number_density: float = 1.2
    fraction_b: float = 0.2
    melt_temperature: float = 5.0
    melt_time: float = 1.0e4
    quench_time: float = 20.0
    equilibration_tau_alpha: float = 40.0
    spacing_tau_alpha: float = 5.0
    melt_step: float = 0.001
    step: float = 0.001
    thermostat_time: float = 0.5

    @property
    def box_edge(self) -> float:
        return (self.particles / self.number_density) ** (1 / 3)


def initial_lattice(protocol: Protocol, *names: object) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (N, 3) on a simple cubic lattice and shuffled LAMMPS types (N,)."""
    side = int(np.ceil(protocol.particles ** (1 / 3) - 1e-9))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    positions = (grid[: protocol.particles] + 0.5) * protocol.box_edge / side
    types = np.ones(protocol.particles, dtype=np.int64)
    types[: round(protocol.fraction_b * protocol.particles)] = 2
    generator_from_names(*names, "species").shuffle(types)
    return positions, types


def maxwell_boltzmann(count: int, temperature: float, *names: object) -> np.ndarray:
    """Return velocities (N, 3) of unit masses at `temperature`, with no total momentum."""
    velocities = generator_from_names(*names, "velocities").normal(
        scale=np.sqrt(temperature), size=(count, 3)
    )
    return velocities - velocities.mean(axis=0)


def equilibrate(protocol: Protocol, configurations: int, names: tuple, log: Path) -> dict:
    """Melt, quench and equilibrate one parent, and take configurations along its run.

    Returns
    -------
    dict of arrays
        `species` (N,) int8; `positions` (configurations, N, 3) float32, wrapped;
        `temperature` and `potential_energy` (samples,) per particle along the
        second half of the equilibration and the spacing runs; `pressure` likewise.
    """
    positions, types = initial_lattice(protocol, *names)
    velocities = maxwell_boltzmann(protocol.particles, protocol.melt_temperature, *names)
    samples, thermo = [], []
    damping = protocol.thermostat_time
    melt, target = protocol.melt_temperature, protocol.temperature
    with lammps_session(log) as lammps:
        open_cubic_box(lammps, KOB_ANDERSEN, protocol.box_edge)
        place_atoms(lammps, positions, types, velocities)
        lammps.command(f"timestep {protocol.melt_step}")
        lammps.command("minimize 1e-3 1e-3 200 2000")
        lammps.command("reset_timestep 0")
        lammps.command(f"velocity all scale {melt}")
        _thermostatted(lammps, melt, melt, damping, protocol.melt_time, protocol.melt_step)
        _thermostatted(lammps, melt, target, damping, protocol.quench_time, protocol.step)
        equilibration = protocol.equilibration_tau_alpha * protocol.tau_alpha
        for part in range(20):
            _thermostatted(lammps, target, target, damping, equilibration / 20, protocol.step)
            if part >= 10:
                thermo.append(_thermo(lammps))
        for index in range(configurations):
            if index:
                spacing = protocol.spacing_tau_alpha * protocol.tau_alpha
                _thermostatted(lammps, target, target, damping, spacing, protocol.step)
                thermo.append(_thermo(lammps))
            samples.append(_wrapped_float32(gather_by_id(lammps, "x"), protocol.box_edge))
    temperature, energy, pressure = np.array(thermo).T
    return {
        "species": (types - 1).astype(np.int8),
        "positions": np.stack(samples),
        "temperature": temperature,
        "potential_energy": energy,
        "pressure": pressure,
    }


def inherent_structure(
    positions: np.ndarray, species: np.ndarray, box_edge: float, log: Path
) -> tuple[np.ndarray, float]:
    """Minimise the energy from `positions` (N, 3).

    Returns the minimum's positions (N, 3) float32, wrapped, and its energy per particle.
    """
    minimum, energy, _ = minimised(positions, species, box_edge, log)
    return _wrapped_float32(minimum, box_edge), energy


def minimised(
    positions: np.ndarray, species: np.ndarray, box_edge: float, log: Path
) -> tuple[np.ndarray, float, float]:
    """Return positions (N, 3) of the next minimum, its energy per particle, the norm of forces."""
    with lammps_session(log) as lammps:
        open_cubic_box(lammps, KOB_ANDERSEN, box_edge)
        place_atoms(lammps, positions.astype(np.float64), species + 1)
        lammps.command("min_style cg")
        lammps.command("minimize 0 1e-6 20000 200000")
        energy, force = float(lammps.get_thermo("pe")), float(lammps.get_thermo("fnorm"))
        return gather_by_id(lammps, "x"), energy, force


def isoconfigurational_trajectory(
    positions: np.ndarray,
    species: np.ndarray,
    protocol: Protocol,
    times: tuple[float, ...],
    names: tuple,
    log: Path,
) -> dict:
    """Run one NVE trajectory from `positions` (N, 3) with fresh Maxwell-Boltzmann velocities.

    A new LAMMPS instance is opened for each trajectory, so that its result does
    not depend on which trajectories ran before it in the same process.

    Returns
    -------
    dict
        `positions` (times, N, 3) float64, unwrapped; `total_energy` and
        `temperature` (times + 1,) per particle, the first at t = 0.
    """
    velocities = maxwell_boltzmann(len(positions), protocol.temperature, *names)
    box = np.full(3, protocol.box_edge)
    frames, energies, temperatures = [], [], []
    with constant_energy(positions, species, velocities, protocol, log) as lammps:
        energies.append(lammps.get_thermo("etotal"))
        temperatures.append(lammps.get_thermo("temp"))
        done = 0
        for time in times:
            step = steps_in(time, protocol.step)
            lammps.command(f"run {step - done} post no")
            done = step
            frames.append(gather_unwrapped(lammps, box))
            energies.append(lammps.get_thermo("etotal"))
            temperatures.append(lammps.get_thermo("temp"))
    return {
        "positions": np.stack(frames),
        "total_energy": np.array(energies),
        "temperature": np.array(temperatures),
    }


@contextmanager
def constant_energy(
    positions: np.ndarray,
    species: np.ndarray,
    velocities: np.ndarray,
    protocol: Protocol,
    log: Path | str,
) -> Iterator:
    """Open LAMMPS with particles that move at constant energy, before their first step."""
    with lammps_session(log) as lammps:
        open_cubic_box(lammps, KOB_ANDERSEN, protocol.box_edge)
        place_atoms(lammps, positions.astype(np.float64), species + 1, velocities)
        lammps.command(f"timestep {protocol.step}")
        lammps.command("fix integrate all nve")
        lammps.command("run 0 post no")
        yield lammps


def _thermostatted(lammps, start, stop, damping, duration, step) -> None:
    lammps.command(f"timestep {step}")
    lammps.command(f"fix thermostat all nvt temp {start} {stop} {damping}")
    lammps.command(f"run {steps_in(duration, step)} post no")
    lammps.command("unfix thermostat")


def _thermo(lammps) -> tuple[float, float, float]:
    return lammps.get_thermo("temp"), lammps.get_thermo("pe"), lammps.get_thermo("press")


def _wrapped_float32(positions: np.ndarray, edge: float) -> np.ndarray:
    """Round to float32 and keep every coordinate in [0, edge), also after rounding."""
    rounded = np.mod(positions, edge).astype(np.float32)
    rounded[rounded.astype(np.float64) >= edge] = 0.0
    return rounded
