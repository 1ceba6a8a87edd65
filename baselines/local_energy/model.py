"""A trivial floor: a line through the local potential energy of each particle."""

from __future__ import annotations

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, kob_andersen_energy
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs


class LocalEnergy(DescriptorModel):
    """Linear regression, per species, on the particle's share of the potential energy."""

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return u_i = 1/2 sum_j V(r_ij): (N, 1), epsilon_AA."""
        pairs = neighbour_pairs(
            structure.positions, structure.box, KOB_ANDERSEN.largest_cutoff
        ).undirected()
        energy = kob_andersen_energy(
            structure.species, pairs.senders, pairs.receivers, pairs.vectors
        )
        return energy[:, None]
