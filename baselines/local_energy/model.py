"""A trivial floor: a line through the local potential energy of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import (
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    atom_energies,
    copper_zirconium_potential,
    particle_energies,
)
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs

PAIR_POTENTIALS = {"kob_andersen": KOB_ANDERSEN, "lennard_jones_2d": LARGE_SMALL_2D}


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
        if potential not in (*PAIR_POTENTIALS, "embedded_atom"):
            known = ", ".join((*PAIR_POTENTIALS, "embedded_atom"))
            raise ValueError(f"potential {potential!r} is not one of {known}")
        self.potential, self.file = potential, file

    def settings(self) -> dict[str, object]:
        """Return the name of the potential and its file."""
        return {"potential": self.potential, "file": self.file}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the share of each particle in the energy: (N, 1), energy unit.

        Half of its pair energies, and its embedding energy where there is one.
        """
        pair_potential = PAIR_POTENTIALS.get(self.potential)
        if pair_potential is not None:
            evaluate, potential, cutoff = (
                particle_energies,
                pair_potential,
                pair_potential.largest_cutoff,
            )
        else:
            potential = copper_zirconium_potential(self.file)
            evaluate, cutoff = atom_energies, potential.cutoff
        pairs = neighbour_pairs(structure.positions, structure.box, cutoff).undirected()
        energy = evaluate(
            potential, structure.species, pairs.senders, pairs.receivers, pairs.vectors
        )
        return energy[:, None]
