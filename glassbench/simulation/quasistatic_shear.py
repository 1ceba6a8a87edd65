"""Athermal quasistatic shear: small affine steps, each followed by energy minimisation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..structure.non_affine import non_affine_squared_displacement
from .lammps_library import gather_by_id, lammps_session, place_atoms
from .loading import Loading, triclinic_form
from .material import Material, change_cell, in_space, open_cell, steps_in

MINIMISER = ("min_style cg", "min_modify dmax 0.1 line quadratic")


@dataclass(frozen=True)
class ShearSchedule:
    """How far and how finely to shear.

    Attributes
    ----------
    step : strain of one affine step
    strains : ascending, where D2min is taken; multiples of `step`
    force_tolerance : where a minimisation ends, the norm of all forces together
    neighbour_cutoff : of D2min, unit of length
    """

    step: float
    strains: tuple[float, ...]
    force_tolerance: float
    neighbour_cutoff: float

    @property
    def steps(self) -> int:
        return steps_in(self.strains[-1], self.step)


def quasistatic_shear(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    material: Material,
    loading: Loading,
    schedule: ShearSchedule,
    log: Path | str,
    order: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Shear a minimised structure and measure the non-affine motion of every particle.

    The cell F diag(box) is turned into LAMMPS' triclinic form by a rotation, so that any
    frame of loading keeps the periodic cell; what is returned is turned back.

    Parameters
    ----------
    positions : (N, d) float64, a minimum of the energy, in an orthorhombic box (d,)
    species : (N,) int, starting at 0
    order : (N,) int, optional
        A permutation: particles are handed to LAMMPS in this order, and LAMMPS may not
        sort them, so that forces are summed in another order. Arrays are returned in the
        order of `positions` all the same.

    Returns
    -------
    dict of arrays
        `strains` (S,); `d2min` (S, N) float32, relative to the initial structure, in
        length^2; `curve_strain` (K + 1,) from 0; `potential_energy` (K + 1,) per particle;
        `stress_tensor` (K + 1, d, d), the Cauchy stress in the laboratory frame (tension
        is positive); `shear_stress` (K + 1,), a . stress . b; `force_norm` (K + 1,) that
        the minimiser left; `frame` (d, d).
    """
    order_given = np.arange(len(positions)) if order is None else np.asarray(order)
    box = np.asarray(box, dtype=np.float64)
    stored = {steps_in(strain, schedule.step): strain for strain in schedule.strains}
    wanted = np.empty((len(stored), len(positions)), dtype=np.float32)
    energies, stresses, forces = [], [], []
    with lammps_session(log) as lammps:
        open_cell(lammps, material, np.diag(box), sort=order is None)
        place_atoms(lammps, in_space(positions[order_given]), species[order_given] + 1)
        for command in MINIMISER:
            lammps.command(command)
        for step in range(schedule.steps + 1):
            cell = loading.gradient(step * schedule.step) * box
            rotation, upper = triclinic_form(cell)
            if step:
                change_cell(lammps, upper)
            lammps.command(f"minimize 0 {schedule.force_tolerance} 20000 200000")
            energies.append(lammps.get_thermo("pe") / len(positions))
            forces.append(lammps.get_thermo("fnorm"))
            stresses.append(rotation @ _stress(lammps, len(box)) @ rotation.T)
            if step in stored:
                moved = np.empty_like(positions, dtype=np.float64)
                moved[order_given] = gather_by_id(lammps, "x")[:, : len(box)] @ rotation.T
                wanted[list(stored).index(step)] = non_affine_squared_displacement(
                    positions, moved, box, schedule.neighbour_cutoff, cell.T
                )
    tensor = np.array(stresses)
    return {
        "strains": np.array(schedule.strains),
        "d2min": wanted,
        "curve_strain": np.arange(schedule.steps + 1) * schedule.step,
        "potential_energy": np.array(energies),
        "stress_tensor": tensor,
        "shear_stress": np.einsum("i,kij,j->k", loading.frame[0], tensor, loading.frame[1]),
        "force_norm": np.array(forces),
        "frame": loading.frame,
    }


def _stress(lammps, dimension: int) -> np.ndarray:
    """Return the Cauchy stress (d, d) in LAMMPS' axes: the negative of its pressure tensor."""
    rows = (("xx", "xy", "xz"), ("xy", "yy", "yz"), ("xz", "yz", "zz"))
    pressure = np.array([[lammps.get_thermo(f"p{name}") for name in row] for row in rows])
    return -pressure[:dimension, :dimension]
