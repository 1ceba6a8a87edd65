"""Participation in the soft modes as a predictor of motion."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, LARGE_SMALL_2D, pair_hessian
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs, soft_mode_participation

POTENTIALS = {"kob_andersen": KOB_ANDERSEN, "lennard_jones_2d": LARGE_SMALL_2D}


class SoftModes(DescriptorModel):
    """Linear regression on the participation in the modes of lowest frequency.

    Parameters
    ----------
    potential : `kob_andersen` or `lennard_jones_2d`
    fraction : of all modes that count as soft
    by_species : one line for each species, else one for all
    """

    def __init__(self, potential: str, fraction: float, by_species: bool) -> None:
        super().__init__(by_species=by_species)
        if potential not in POTENTIALS:
            raise ValueError(f"potential {potential!r} is not one of {', '.join(POTENTIALS)}")
        self.potential, self.fraction = potential, fraction

    def settings(self) -> dict[str, object]:
        """Return the potential and the fraction of the modes."""
        return {"potential": self.potential, "fraction": self.fraction}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the participation fraction: (N, 1).

        The modes are those of the inherent structure where the task gives one, and of the
        positions, which are then a minimum of the energy, elsewhere.
        """
        positions = structure.inherent_positions
        if positions is None:
            positions = structure.positions
        potential = POTENTIALS[self.potential]
        pairs = neighbour_pairs(positions, structure.box, potential.largest_cutoff).undirected()
        hessian = pair_hessian(
            potential, structure.species, pairs.senders, pairs.receivers, pairs.vectors
        )
        return soft_mode_participation(hessian, len(structure.box), self.fraction)[:, None]
