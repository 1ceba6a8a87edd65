"""How stiff each atom's cage is, from the harmonic limit of its motion and its surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import check_interaction, interaction
from glassbench.regression import DescriptorModel
from glassbench.structure import cage_compliance, neighbour_pairs, shell_average_matrix

SMALLEST = 1e-12  # of a compliance; keeps a logarithm finite where the cage is no minimum


class HarmonicCage(DescriptorModel):
    """Ridge regression, one for each species, on compliances in frozen cages.

    The structure must be a minimum of the energy. Lengths are in the unit of the positions.

    Parameters
    ----------
    potential : `embedded_atom` for copper-zirconium, `kob_andersen` or `lennard_jones_2d`
    file : path of the embedded-atom potential (eam/fs); where empty, the one that LAMMPS ships
    cage_radii : beyond which all atoms are held fixed
    dilations : linear strains of the whole glass at which the compliance is taken once more,
        for what heat changes: they give the Grueneisen parameter of each cage
    dilated_radius : of the cages under these
    averages : reaches r_c of the averages over neighbours, weights exp(-r / r_c) within r_c
    strengths : ridge strengths to choose from
    """

    def __init__(
        self,
        potential: str,
        file: str,
        cage_radii: Sequence[float],
        dilations: Sequence[float],
        dilated_radius: float,
        averages: Sequence[float],
        strengths: Sequence[float],
    ) -> None:
        super().__init__(strengths)
        check_interaction(potential)
        self.potential, self.file = potential, file
        self.cage_radii, self.averages = tuple(cage_radii), tuple(averages)
        self.dilations, self.dilated_radius = tuple(dilations), dilated_radius

    def settings(self) -> dict[str, object]:
        """Return the potential, the cages and the averages."""
        names = ("potential", "file", "cage_radii", "dilations", "dilated_radius", "averages")
        return {name: getattr(self, name) for name in names}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return measures of each cage and their averages: (N, F) float32."""
        positions, box, species = structure.positions, structure.box, structure.species
        system = interaction(self.potential, self.file)
        reach = system.cutoff / (1 + min((0.0, *self.dilations)))
        pairs = neighbour_pairs(positions, box, reach).undirected()
        ends = species, pairs.senders, pairs.receivers
        hessian = system.hessian(*ends, pairs.vectors)
        stiffness = hessian.diagonal().reshape(positions.shape).sum(axis=1)
        own = [species, system.energies(*ends, pairs.vectors), stiffness]
        for radius in self.cage_radii:
            own += _measures(cage_compliance(hessian, positions, box, radius))
        for dilation in self.dilations:
            hessian = system.hessian(*ends, pairs.vectors * (1 + dilation))
            own += _measures(cage_compliance(hessian, positions, box, self.dilated_radius))[:2]
        own = np.stack(own, axis=1)
        matrices = (shell_average_matrix(positions, box, r_c) for r_c in self.averages)
        return np.concatenate([own, *(a @ own for a in matrices)], axis=1).astype(np.float32)


def _measures(compliance: np.ndarray) -> list[np.ndarray]:
    """Return invariants of compliances (N, d, d): stiffness, and logarithms of trace and axes."""
    axes = np.maximum(np.linalg.eigvalsh(compliance), SMALLEST)
    trace = axes.sum(axis=1)
    return [1 / trace, np.log(trace), np.log(axes[:, 0]), np.log(axes[:, -1]), trace]
