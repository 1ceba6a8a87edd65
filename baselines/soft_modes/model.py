"""Participation in the soft modes as a predictor of motion."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import check_interaction, interaction
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs, soft_mode_participation


class SoftModes(DescriptorModel):
    """Linear regression on the participation in the modes of lowest frequency.

    Parameters
    ----------
    potential : `kob_andersen`, `lennard_jones_2d`, or `embedded_atom` for copper-zirconium
    fraction : of all modes that count as soft
    by_species : one line for each species, else one for all
    file : path of the embedded-atom potential (eam/fs) with Cu and Zr; where empty, the
        one of Mendelev that LAMMPS ships
    """

    def __init__(self, potential: str, fraction: float, by_species: bool, file: str = "") -> None:
        super().__init__(by_species=by_species)
        check_interaction(potential)
        self.potential, self.fraction, self.file = potential, fraction, file

    def settings(self) -> dict[str, object]:
        """Return the potential, its file, and the fraction of the modes."""
        return {"potential": self.potential, "file": self.file, "fraction": self.fraction}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the participation fraction: (N, 1).

        The modes are those of the inherent structure where the task gives one, and of the
        positions, which are then a minimum of the energy, elsewhere.
        """
        positions = structure.inherent_positions
        if positions is None:
            positions = structure.positions
        system, species = interaction(self.potential, self.file), structure.species
        pairs = neighbour_pairs(positions, structure.box, system.cutoff).undirected()
        hessian = system.hessian(species, pairs.senders, pairs.receivers, pairs.vectors)
        masses = None if system.masses is None else np.array(system.masses)[species]
        return soft_mode_participation(hessian, len(structure.box), self.fraction, masses)[:, None]
