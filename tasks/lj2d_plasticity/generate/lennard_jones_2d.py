"""The two-dimensional Lennard-Jones glass of Falk and Langer: equilibrate, quench, minimise.

Units: sigma and epsilon of the S-L interaction and the mass m; time t_0 = sigma sqrt(m / epsilon).
Species 0 is L (large), species 1 is S (small).

References
----------
Fan, Ma, Nat. Commun. 12, 1506 (2021), Methods; Falk, Langer, Phys. Rev. E 57, 7192 (1998).
There the potential is a plain Lennard-Jones one. Here the force is brought to zero smoothly
between 2.0 and 2.5 sigma, since minimisation needs forces that are continuous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import gather_by_id, lammps_session, place_atoms
from glassbench.simulation.material import Material, in_space, open_cell, steps_in
from glassbench.simulation.seeds import generator_from_names

GLASS_TRANSITION = 0.325
SMALL_DIAMETER = 2 * np.sin(np.pi / 10)
LARGE_DIAMETER = 2 * np.sin(np.pi / 5)
LENNARD_JONES_2D = Material(
    units="lj",
    dimension=2,
    masses=(1.0, 1.0),
    pair_commands=(
        "pair_style lj/smooth 2.0 2.5",
        "pair_modify shift yes",
        f"pair_coeff 1 1 0.5 {LARGE_DIAMETER:.17g}",
        "pair_coeff 1 2 1.0 1.0",
        f"pair_coeff 2 2 0.5 {SMALL_DIAMETER:.17g}",
    ),
    skin=0.3,
)
SAMPLES = 20


@dataclass(frozen=True)
class QuenchProtocol:
    """How a glass is made; times in t_0, temperatures in epsilon/k_B.

    A square box of 98.8045 sigma holds 10 000 particles, N_L : N_S = (1 + sqrt 5) : 4. The
    thermostat starts anew in each of the `quench_parts` of the quench, where its state is
    recorded: a part must be much longer than `thermostat_time`.
    """

    quench_time: float
    particles: int = 10_000
    melt_temperature: float = 1.0
    melt_time: float = 100.0
    start_temperature: float = 1.08 * GLASS_TRANSITION
    equilibration_time: float = 1.0e4
    final_temperature: float = 0.092 * GLASS_TRANSITION
    step: float = 0.01
    thermostat_time: float = 1.0
    force_tolerance: float = 1e-8
    quench_parts: int = 20

    @property
    def box_edge(self) -> float:
        return 98.8045 * np.sqrt(self.particles / 10_000)

    @property
    def large_particles(self) -> int:
        weight = 1 + np.sqrt(5)
        return round(self.particles * weight / (weight + 4))

    @property
    def steps(self) -> float:
        return (self.melt_time + self.equilibration_time + self.quench_time) / self.step

    def as_attributes(self) -> dict:
        """Return the protocol as plain values for a dataset's attributes."""
        return asdict(self) | {"box_edge": self.box_edge, "large_particles": self.large_particles}


def square_lattice(protocol: QuenchProtocol, *names: object) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (N, 2) on a square lattice and shuffled species (N,) int8."""
    side = int(np.ceil(np.sqrt(protocol.particles) - 1e-9))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1)
    sites = grid.reshape(-1, 2)[: protocol.particles]
    species = np.ones(protocol.particles, dtype=np.int8)
    species[: protocol.large_particles] = 0
    generator_from_names(*names, "species").shuffle(species)
    return (sites + 0.5) * protocol.box_edge / side, species


def quench_glass(protocol: QuenchProtocol, names: tuple, log: Path | str) -> dict[str, np.ndarray]:
    """Melt, equilibrate at 1.08 T_g, cool to 0.092 T_g at constant volume, and minimise.

    Returns
    -------
    dict of arrays
        `positions` (N, 2) float64 of the minimum, wrapped; `species` (N,) int8; `box` (2,);
        `energy`, potential energy of the minimum per particle; `force_norm` there;
        `equilibration_energy` (20,) per particle along the second half of the
        equilibration; `temperature`, `pressure` and `potential_energy` (parts,) along the quench.
    """
    with lammps_session(log) as lammps:
        species, held = melt_and_hold(lammps, protocol, names)
        parts = protocol.quench_parts
        ramp = np.linspace(protocol.start_temperature, protocol.final_temperature, parts + 1)
        cooled = [
            cool(lammps, protocol, start, stop, protocol.quench_time / parts)
            for start, stop in pairwise(ramp)
        ]
        minimum = minimise(lammps, protocol)
    return minimum | {
        "species": species,
        "equilibration_energy": held,
        **thermodynamics(cooled),
    }


def melt_and_hold(lammps, protocol: QuenchProtocol, names: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Open the box, melt a lattice and hold the liquid at 1.08 T_g.

    Returns the species (N,) and the potential energy per particle (20,) along the second half.
    """
    positions, species = square_lattice(protocol, *names)
    velocities = generator_from_names(*names, "velocities").normal(
        scale=np.sqrt(protocol.melt_temperature), size=positions.shape
    )
    hot, half = protocol.start_temperature, protocol.equilibration_time / 2
    open_liquid(lammps, protocol, positions, species, velocities - velocities.mean(axis=0))
    lammps.command("minimize 1e-3 1e-3 200 2000")
    lammps.command("reset_timestep 0")
    lammps.command(f"velocity all scale {protocol.melt_temperature}")
    cool(lammps, protocol, protocol.melt_temperature, hot, protocol.melt_time)
    cool(lammps, protocol, hot, hot, half)
    held = [cool(lammps, protocol, hot, hot, half / SAMPLES) for _ in range(SAMPLES)]
    return species, thermodynamics(held)["potential_energy"]


def open_liquid(lammps, protocol, positions, species, velocities) -> None:
    """Open the square box with particles (N, 2) and velocities (N, 2)."""
    open_cell(lammps, LENNARD_JONES_2D, np.diag([protocol.box_edge] * 2))
    place_atoms(lammps, in_space(positions), species + 1, in_space(velocities))
    lammps.command(f"timestep {protocol.step}")


def cool(lammps, protocol: QuenchProtocol, start, stop, duration) -> tuple[float, float, float]:
    """Run at constant volume from one temperature to another.

    Returns temperature, potential energy per particle and pressure at the end.
    """
    lammps.command(f"fix thermostat all nvt temp {start} {stop} {protocol.thermostat_time}")
    lammps.command(f"run {steps_in(duration, protocol.step)} post no")
    lammps.command("unfix thermostat")
    energy = lammps.get_thermo("pe") / protocol.particles
    return lammps.get_thermo("temp"), energy, lammps.get_thermo("press")


def thermodynamics(samples: Sequence[tuple[float, float, float]]) -> dict[str, np.ndarray]:
    """Return what `cool` gave, one after another, as arrays by name."""
    return dict(
        zip(("temperature", "potential_energy", "pressure"), np.array(samples).T, strict=True)
    )


def minimise(lammps, protocol: QuenchProtocol) -> dict[str, np.ndarray]:
    """Minimise the energy; return `positions`, `box`, `energy` and `force_norm`."""
    edge = protocol.box_edge
    lammps.command("min_style cg")
    lammps.command("min_modify dmax 0.1 line quadratic")
    lammps.command(f"minimize 0 {protocol.force_tolerance} 100000 1000000")
    minimum = np.mod(gather_by_id(lammps, "x")[:, :2], edge)
    return {
        "positions": np.where(minimum < edge, minimum, 0.0),
        "box": np.array([edge, edge]),
        "energy": np.array(lammps.get_thermo("pe") / protocol.particles),
        "force_norm": np.array(lammps.get_thermo("fnorm")),
    }
