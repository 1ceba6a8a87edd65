"""Participation in the soft modes as a predictor of motion."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import (
    COPPER_ZIRCONIUM_MASSES,
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    copper_zirconium_potential,
    embedded_atom_hessian,
    pair_hessian,
)
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs, soft_mode_participation

PAIR_POTENTIALS = {"kob_andersen": KOB_ANDERSEN, "lennard_jones_2d": LARGE_SMALL_2D}


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
        known = (*PAIR_POTENTIALS, "embedded_atom")
        if potential not in known:
            raise ValueError(f"potential {potential!r} is not one of {', '.join(known)}")
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
        hessian, masses = self._hessian(positions, structure)
        return soft_mode_participation(hessian, len(structure.box), self.fraction, masses)[:, None]

    def _hessian(self, positions: np.ndarray, structure: Structure):
        """Return the Hessian at some positions, and the masses where they are not all equal."""
        pair_potential = PAIR_POTENTIALS.get(self.potential)
        if pair_potential is None:
            potential = copper_zirconium_potential(self.file)
            evaluate, cutoff = embedded_atom_hessian, potential.cutoff
            masses = np.array(COPPER_ZIRCONIUM_MASSES)[structure.species]
        else:
            potential, evaluate, masses = pair_potential, pair_hessian, None
            cutoff = pair_potential.largest_cutoff
        pairs = neighbour_pairs(positions, structure.box, cutoff).undirected()
        species = structure.species
        return evaluate(potential, species, pairs.senders, pairs.receivers, pairs.vectors), masses
