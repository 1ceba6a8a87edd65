"""Athermal quasistatic shear: small affine steps, each followed by energy minimisation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..structure.non_affine import non_affine_squared_displacement
from .lammps_library import gather_by_id, lammps_session, place_atoms
from .material import Material, change_cell, in_space, open_cell, steps_in

MINIMISER = ("min_style cg", "min_modify dmax 0.1 line quadratic")


@dataclass(frozen=True, eq=False)
class Loading:
    """A shear of a periodic cell.

    Attributes
    ----------
    frame : (d, d), rows are the shear direction a, the plane normal b and, in three
        dimensions, a x b; orthonormal and right-handed
    pure : whether the cell is stretched along a + b and compressed along a - b
        (pure shear), instead of slid along a on the planes normal to b (simple shear)
    """

    name: str
    frame: np.ndarray
    pure: bool = False

    def gradient(self, strain: float) -> np.ndarray:
        """Return the deformation gradient F (d, d) at a shear strain.

        Simple shear: F = 1 + strain a b^T. Pure shear: F = exp(strain (a b^T + b a^T) / 2),
        which keeps the area and whose strain differs from that of simple shear in the
        second order only. A point x of the undeformed cell goes to F x.
        """
        a, b = self.frame[:2]
        if not self.pure:
            return np.eye(len(a)) + strain * np.outer(a, b)
        stretched, compressed = (a + b) / np.sqrt(2), (a - b) / np.sqrt(2)
        rest = np.eye(len(a)) - np.outer(a, a) - np.outer(b, b)
        return (
            rest
            + np.exp(strain / 2) * np.outer(stretched, stretched)
            + np.exp(-strain / 2) * np.outer(compressed, compressed)
        )


def triclinic_form(cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation Q and the upper triangular cell R with cell = Q R.

    The cell (d, d) is right-handed, its columns are its vectors. Coordinates y in LAMMPS are
    x = Q y in the laboratory; R has a positive diagonal, as LAMMPS wants a cell.
    """
    rotation, upper = np.linalg.qr(cell)
    signs = np.sign(np.diag(upper))
    return rotation * signs, signs[:, None] * upper


@dataclass(frozen=True)
class ShearSchedule:
    """How far and how finely to shear."""

    step: float  # strain of one affine step
    strains: tuple[float, ...]  # ascending, where D2min is taken; multiples of `step`
    force_tolerance: float  # where a minimisation ends, the norm of all forces together
    neighbour_cutoff: float  # of D2min, unit of length

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

    Returns arrays by name: `strains` (S,); `d2min` (S, N) float32, relative to the initial
    structure, in length^2; `curve_strain` (K + 1,) from 0; `potential_energy` (K + 1,) per
    particle; `stress_tensor` (K + 1, d, d), the Cauchy stress in the laboratory frame (tension is
    positive); `shear_stress` (K + 1,), a . stress . b; `force_norm` (K + 1,) that the minimiser
    left; `frame` (d, d).

    Parameters
    ----------
    positions : (N, d) float64, a minimum of the energy, in an orthorhombic box (d,)
    species : (N,) int, starting at 0
    order : (N,), optional permutation: LAMMPS gets the particles in this order and may not sort
        them, so that forces are summed in another order; what is returned keeps its order
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
            energies.append(material.per_particle(lammps.get_thermo("pe"), len(positions)))
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
