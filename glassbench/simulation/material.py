"""What LAMMPS must know of a substance, and the periodic cell that holds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Material:
    """A substance in 2 or 3 dimensions."""

    units: str  # of LAMMPS, `lj` or `metal`
    dimension: int
    masses: tuple[float, ...]  # species 0 first (LAMMPS type 1)
    pair_commands: tuple[str, ...]  # `pair_style` and `pair_coeff` lines
    skin: float  # of the neighbour list, unit of length
    thermo_norm: str = "no"  # `yes` where LAMMPS gives energies per particle

    def per_particle(self, energy: float, particles: int) -> float:
        """Return an energy that LAMMPS gives, per particle."""
        return energy if self.thermo_norm == "yes" else energy / particles


def open_cell(lammps, material: Material, cell: np.ndarray, *, sort: bool = True) -> None:
    """Open a periodic cell (d, d), upper triangular with its vectors as columns.

    Where LAMMPS sorts particles in space, the order in which forces are summed does not depend
    on the order of the particles.
    """
    _open(lammps, material, f"prism {_prism(cell)}", thermo=100_000, sort=sort)
    if material.dimension == 2:
        lammps.command("fix plane all enforce2d")


def open_cubic_box(lammps, material: Material, edge: float) -> None:
    """Open a cubic periodic box of this edge with the potential of a material."""
    _open(lammps, material, "block" + f" 0 {edge:.17g}" * 3, thermo=10_000)


def _open(lammps, material: Material, region: str, *, thermo: int, sort: bool = True) -> None:
    for command in (
        f"units {material.units}",
        f"dimension {material.dimension}",
        "atom_style atomic",
        "atom_modify map array" + ("" if sort else " sort 0 0"),
        "boundary p p p",
        "box tilt large",
        f"region cell {region}",
        f"create_box {len(material.masses)} cell",
        *(f"mass {type_} {mass}" for type_, mass in enumerate(material.masses, start=1)),
        *material.pair_commands,
        f"neighbor {material.skin} bin",
        "neigh_modify delay 0 every 1 check yes",
        f"thermo_modify norm {material.thermo_norm}",
        f"thermo {thermo}",
    ):
        lammps.command(command)


def change_cell(lammps, cell: np.ndarray) -> None:
    """Give the periodic cell its new vectors and move all particles affinely with it."""
    edges = [f"{axis} final 0 {cell[k, k]:.17g}" for k, axis in enumerate("xyz"[: len(cell)])]
    tilts = [f"{name} final {value:.17g}" for name, value in _tilts(cell)]
    lammps.command(f"change_box all {' '.join([*edges, *tilts])} remap units box")


def steps_in(time: float, step: float) -> int:
    """Return the number of steps in `time`, which must be a multiple of `step`."""
    count = round(time / step)
    if abs(count * step - time) > 1e-6 * max(time, step):
        raise ValueError(f"time {time} is not a multiple of the time step {step}: change one")
    return count


def in_space(positions: np.ndarray) -> np.ndarray:
    """Return positions (N, 3) for LAMMPS from positions (N, d), d = 2 or 3."""
    missing = 3 - positions.shape[1]
    return np.pad(np.asarray(positions, dtype=np.float64), ((0, 0), (0, missing)))


def _tilts(cell: np.ndarray) -> list[tuple[str, float]]:
    names = [("xy", 0, 1), ("xz", 0, 2), ("yz", 1, 2)][: 1 if len(cell) == 2 else 3]
    return [(name, float(cell[row, column])) for name, row, column in names]


def _prism(cell: np.ndarray) -> str:
    edges = [f"0 {cell[k, k]:.17g}" for k in range(len(cell))]
    tilts = [f"{value:.17g}" for _, value in _tilts(cell)]
    if len(cell) == 2:
        edges, tilts = [*edges, "-0.5 0.5"], [*tilts, "0", "0"]
    return " ".join([*edges, *tilts, "units box"])
