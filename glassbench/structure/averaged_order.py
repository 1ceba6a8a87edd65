"""Radial densities and bond order of each particle, averaged over shells of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bond_order import bond_order_parameters
from .radial_density import radial_densities
from .shell_average import shell_averages
from .species_bond_order import species_bond_order


@dataclass(frozen=True)
class OrderParameterShells:
    """Shells of the structural order parameters, lengths in the unit of the positions.

    Attributes
    ----------
    smallest_radius, fine_step, fine_until, coarse_step, largest_radius : the radii of
        the Gaussian shells; the width of a shell is the step to the next one. The box
        must be twice as long as the largest radius and 6 coarse steps together
    bond_radii, bond_width, largest_degree : the shells of the bond-order parameters
        and their degrees 1, 2, …
    bonds_by_species : take the bond order towards each species by itself; all
        neighbours together otherwise, as in the paper
    shell_cutoff, rounds : reach of one average over neighbours, and how often it is taken

    Raises
    ------
    ValueError
        If the radii do not increase, or a number is not positive.
    """

    smallest_radius: float = 0.8
    fine_step: float = 0.05
    fine_until: float = 2.5
    coarse_step: float = 0.1
    largest_radius: float = 5.0
    bond_radii: tuple[float, ...] = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
    bond_width: float = 0.1
    largest_degree: int = 12
    bonds_by_species: bool = True
    shell_cutoff: float = 2.8
    rounds: int = 2

    def __post_init__(self) -> None:
        if not (0 < self.smallest_radius < self.fine_until <= self.largest_radius):
            raise ValueError(
                f"radii {self.smallest_radius}, {self.fine_until}, {self.largest_radius} "
                "(smallest, fine until, largest) must be above 0 and increase: choose others"
            )
        for name in ("fine_step", "coarse_step", "bond_width", "largest_degree", "shell_cutoff"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} must be greater than 0")

    def radii_and_widths(self) -> tuple[np.ndarray, np.ndarray]:
        """Return radii (R,) and widths (R,) of the Gaussian shells."""
        fine = np.arange(self.smallest_radius, self.fine_until - self.fine_step / 2, self.fine_step)
        coarse = np.arange(
            self.fine_until, self.largest_radius + self.coarse_step / 2, self.coarse_step
        )
        steps = [self.fine_step] * len(fine) + [self.coarse_step] * len(coarse)
        return np.concatenate([fine, coarse]), np.array(steps)


def averaged_order_parameters(
    positions: np.ndarray, species: np.ndarray, box: np.ndarray, shells: OrderParameterShells
) -> np.ndarray:
    """Return radial densities and bond order in generations 0, 1, …: (N, F) float32.

    Source: Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021).
    """
    radial = radial_densities(positions, species, box, *shells.radii_and_widths())
    bond_shells = (shells.bond_radii, shells.bond_width)
    if shells.bonds_by_species:
        bonds = species_bond_order(positions, species, box, *bond_shells, shells.largest_degree)
    else:
        degrees = tuple(range(1, shells.largest_degree + 1))
        bonds = bond_order_parameters(positions, box, *bond_shells, degrees)
    local = [part.reshape(len(positions), -1) for part in (radial, bonds)]
    generations = shell_averages(
        np.concatenate(local, axis=1).astype(np.float32),
        positions,
        box,
        shells.shell_cutoff,
        shells.rounds,
    )
    return np.concatenate(list(generations), axis=1)
