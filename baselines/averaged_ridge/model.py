"""Ridge regression on radial densities and bond order, averaged over neighbour shells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Structure
from glassbench.regression import DescriptorModel
from glassbench.structure import bond_order_parameters, radial_densities, shell_averages

from .species_bond_order import species_bond_order


class AveragedRidge(DescriptorModel):
    """Ridge regression, per species, on three generations of structural order parameters.

    Lengths are in the unit of the positions.

    Parameters
    ----------
    smallest_radius, fine_step, fine_until, coarse_step, largest_radius : the radii of
        the Gaussian shells; the width of a shell is the step to the next one. The box
        must be twice as long as the largest radius and 6 coarse steps together
    bond_radii, bond_width, largest_degree : the shells of the bond-order parameters
        and their degrees 1, 2, …
    bonds_by_species : take the bond order towards each species by itself; all
        neighbours together otherwise, as in the paper
    shell_cutoff, rounds : reach of one average over neighbours, and how often it is taken
    strengths : ridge strengths to choose from

    Raises
    ------
    ValueError
        If the radii do not increase, or a number is not positive.
    """

    def __init__(
        self,
        smallest_radius: float = 0.8,
        fine_step: float = 0.05,
        fine_until: float = 2.5,
        coarse_step: float = 0.1,
        largest_radius: float = 5.0,
        bond_radii: Sequence[float] = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5),
        bond_width: float = 0.1,
        largest_degree: int = 12,
        bonds_by_species: bool = True,
        shell_cutoff: float = 2.8,
        rounds: int = 2,
        strengths: Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    ) -> None:
        super().__init__(strengths)
        if not (0 < smallest_radius < fine_until <= largest_radius):
            raise ValueError(
                f"radii {smallest_radius}, {fine_until}, {largest_radius} (smallest, fine until, "
                "largest) must be above 0 and increase: choose others"
            )
        for name, value in (
            ("fine_step", fine_step),
            ("coarse_step", coarse_step),
            ("bond_width", bond_width),
            ("largest_degree", largest_degree),
            ("shell_cutoff", shell_cutoff),
        ):
            if not value > 0:
                raise ValueError(f"{name} {value} must be greater than 0")
        fine = np.arange(smallest_radius, fine_until - fine_step / 2, fine_step)
        coarse = np.arange(fine_until, largest_radius + coarse_step / 2, coarse_step)
        self.radii = tuple(np.concatenate([fine, coarse]).tolist())
        self.widths = (fine_step,) * len(fine) + (coarse_step,) * len(coarse)
        self.bond_radii = tuple(bond_radii)
        self.bond_width = bond_width
        self.largest_degree = largest_degree
        self.bonds_by_species = bonds_by_species
        self.shell_cutoff = shell_cutoff
        self.rounds = rounds

    def settings(self) -> dict[str, object]:
        """Return the shells and the averaging."""
        names = ("radii", "widths", "bond_radii", "bond_width", "largest_degree")
        names += ("bonds_by_species", "shell_cutoff", "rounds")
        return {name: getattr(self, name) for name in names}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the order parameters of generations 0, 1, …: (N, F) float32."""
        positions, box = structure.positions, structure.box
        radial = radial_densities(positions, structure.species, box, self.radii, self.widths)
        local = [part.reshape(len(positions), -1) for part in (radial, self._bonds(structure))]
        local = np.concatenate(local, axis=1).astype(np.float32)
        generations = shell_averages(local, positions, box, self.shell_cutoff, self.rounds)
        return np.concatenate(list(generations), axis=1)

    def _bonds(self, structure: Structure) -> np.ndarray:
        positions, box = structure.positions, structure.box
        if self.bonds_by_species:
            return species_bond_order(
                positions,
                structure.species,
                box,
                self.bond_radii,
                self.bond_width,
                self.largest_degree,
            )
        degrees = tuple(range(1, self.largest_degree + 1))
        return bond_order_parameters(positions, box, self.bond_radii, self.bond_width, degrees)
