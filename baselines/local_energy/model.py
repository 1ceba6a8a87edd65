"""A trivial floor: a line through the local potential energy of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import check_interaction, interaction
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs


class LocalEnergy(DescriptorModel):
    """Linear regression on the particle's share of the potential energy.

    Parameters
    ----------
    potential : `kob_andersen`, `lennard_jones_2d`, or `embedded_atom` for copper-zirconium
    file : path of the embedded-atom potential (eam/fs) with Cu and Zr; where empty, the
        one of Mendelev that LAMMPS ships
    by_species : one line for each species, else one for all
    """

    def __init__(
        self, potential: str = "kob_andersen", file: str = "", by_species: bool = True
    ) -> None:
        super().__init__(by_species=by_species)
        check_interaction(potential)
        self.potential, self.file = potential, file

    def settings(self) -> dict[str, object]:
        """Return the name of the potential and its file."""
        return {"potential": self.potential, "file": self.file}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the share of each particle in the energy: (N, 1), energy unit.

        Half of its pair energies, and its embedding energy where there is one.
        """
        system = interaction(self.potential, self.file)
        pairs = neighbour_pairs(structure.positions, structure.box, system.cutoff).undirected()
        energies = system.energies(structure.species, pairs.senders, pairs.receivers, pairs.vectors)
        return energies[:, None]
