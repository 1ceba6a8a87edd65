"""Cage positions: where particles are on average while none may leave its cage.

A run of molecular dynamics at the temperature of a structure, in which every particle is held
within a sphere about its start: where it has left the sphere and moves on, its radial velocity
is turned. It needs the structure and the potential, and no label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..structure.periodic_box import minimum_image, wrap
from .lammps_library import lammps_session, place_atoms
from .material import Material, in_space, open_cell, steps_in
from .run_statistics import mean_and_variance
from .seeds import seed_from_names

# Far below the statistical error of a cage position, and a third of the bytes of float32 saved.
STEP = 2.0**-12


@dataclass(frozen=True)
class CageProtocol:
    """How a cage is sampled; lengths and times in the units of the material.

    Attributes
    ----------
    radius : of the sphere about its start in which each particle is held
    runs : how many runs, with velocities of their own, are averaged
    duration : time of one run that is averaged, after `settling`
    redraw_time : between two draws of the velocities
    step : time step; the sphere is held and positions are sampled every `steps_per_sample`
    """

    radius: float
    runs: int
    duration: float
    settling: float
    redraw_time: float
    step: float
    steps_per_sample: int = 3

    @property
    def sample_time(self) -> float:
        return self.step * self.steps_per_sample

    def steps(self) -> float:
        """Return the number of time steps of all runs."""
        return self.runs * (self.settling + self.duration) / self.step


def cage_displacements(
    positions: np.ndarray,
    species: np.ndarray,
    cell: np.ndarray,
    material: Material,
    temperature: float,
    protocol: CageProtocol,
    names: tuple,
    log: Path | str = "none",
) -> np.ndarray:
    """Return the displacements (N, d) from `positions` to where particles are on average.

    Parameters
    ----------
    positions : (N, d) in the cell; species (N,)
    cell : (d, d) upper triangular, its vectors as columns
    temperature : of the velocities, in the unit of the material
    names : what the seeds of the velocities are drawn from, with the number of the run

    References
    ----------
    Alkemade, Smallenburg & Filion, J. Chem. Phys. 158, 134512 (2023), who hold particles of a
    Monte Carlo run; radius and sampling are this project's.
    """
    mean, _ = mean_and_variance(
        displacement
        for run in range(protocol.runs)
        for displacement in _samples(
            positions, species, cell, material, temperature, protocol, (*names, run), log
        )
    )
    return mean


def rounded_positions(positions: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return positions (N, d) as a dataset stores them: wrapped, float32, in steps of `STEP`."""
    rounded = np.round(wrap(positions, box) / STEP) * STEP
    return wrap(rounded, box).astype(np.float32)


def _samples(
    positions, species, cell, material, temperature, protocol, names, log
) -> Iterator[np.ndarray]:
    """Yield the displacements (N, d) from the start at each sampling time of one run."""
    dimension, box = material.dimension, np.diag(cell)
    settling = steps_in(protocol.settling, protocol.sample_time)
    redraw = steps_in(protocol.redraw_time, protocol.sample_time)
    with lammps_session(log) as lammps:
        open_cell(lammps, material, cell, sort=False)
        place_atoms(lammps, in_space(positions), species + 1)
        lammps.command(f"timestep {protocol.step}")
        lammps.command("fix integrate all nve")
        lammps.command("run 0 post no")
        for sample in range(settling + steps_in(protocol.duration, protocol.sample_time)):
            if sample % redraw == 0:
                seed = seed_from_names(*names, sample)
                lammps.command(f"velocity all create {temperature} {seed} dist gaussian mom yes")
            lammps.command(f"run {protocol.steps_per_sample} pre no post no")
            count = len(positions)
            now = lammps.numpy.extract_atom("x")[:count, :dimension]
            displacements = minimum_image(now - positions, box)
            velocities = lammps.numpy.extract_atom("v")[:count, :dimension]
            _hold(displacements, velocities, protocol.radius)
            if sample >= settling:
                yield displacements


def _hold(displacements: np.ndarray, velocities: np.ndarray, radius: float) -> None:
    """Turn, in place, the radial velocity of particles that are beyond the radius and leave."""
    distance = np.linalg.norm(displacements, axis=1)
    outside = np.flatnonzero(distance > radius)
    directions = displacements[outside] / distance[outside, None]
    radial = np.einsum("nd,nd->n", velocities[outside], directions)
    velocities[outside] -= 2 * np.maximum(radial, 0)[:, None] * directions
