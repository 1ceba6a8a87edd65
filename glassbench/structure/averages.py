"""Averages of fields over what surrounds each particle, by species and length or by shells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bond_order import bond_order_parameters, species_bond_order
from .local import radial_densities
from .neighbours import neighbour_pairs


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


def shell_average_matrix(positions: np.ndarray, box: np.ndarray, cutoff: float = 2.0):
    """Return the matrix (N, N) that replaces a feature by its average over neighbours.

    A_ij = exp(-r_ij / r_c) / C_i for r_ij < r_c, the particle itself (r_ii = 0) included, with
    C_i such that every row sums to 1; a `scipy.sparse.csr_array` in float64.
    Source: Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021).
    """
    from scipy import sparse

    pairs = neighbour_pairs(positions, box, cutoff, self_edges=True)
    weights = np.exp(-pairs.distances / cutoff)
    totals = np.add.reduceat(weights, pairs.offsets[:-1]) if pairs.particles else np.empty(0)
    weights /= np.repeat(totals, np.diff(pairs.offsets))
    shape = (pairs.particles, pairs.particles)
    return sparse.csr_array((weights, pairs.senders, pairs.offsets), shape=shape)


def shell_averages(
    features: np.ndarray,
    positions: np.ndarray,
    box: np.ndarray,
    cutoff: float = 2.0,
    rounds: int = 2,
) -> np.ndarray:
    """Return features (N, F) averaged over neighbour shells 0, 1, ..., `rounds` times.

    x^(n) = A x^(n - 1), with the matrix A of `shell_average_matrix` and its arguments

    Returns (rounds + 1, N, F): the features themselves first; float32 if the features are, float64
    otherwise.

    >>> import numpy as np
    >>> from glassbench.structure import shell_averages
    >>> pair = np.array([[1.0, 1.0], [1.5, 1.0]])
    >>> feature, box = np.array([[0.0], [1.0]]), np.full(2, 9.0)
    >>> averages = shell_averages(feature, pair, box, cutoff=1.0, rounds=1)
    >>> averages[:, :, 0].round(3)
    array([[0.   , 1.   ],
           [0.378, 0.622]])
    """
    features = np.asarray(features)
    if features.ndim != 2 or len(features) != len(positions):
        raise ValueError(
            f"features have the shape {features.shape}: give ({len(positions)}, features)"
        )
    if rounds < 0:
        raise ValueError(f"rounds {rounds} is below 0")
    if not np.isfinite(features).all():
        particle = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise ValueError(
            f"features of particle {particle} are not finite, and averaging would spread them: "
            "repair them first"
        )
    dtype = np.float32 if features.dtype == np.float32 else np.float64
    averages = np.empty((rounds + 1, *features.shape), dtype=dtype)
    averages[0] = features
    matrix = shell_average_matrix(positions, box, cutoff).astype(dtype)
    for generation in range(rounds):
        averages[generation + 1] = matrix @ averages[generation]
    return averages


def coarse_grained(
    fields: np.ndarray,
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    lengths: Sequence[float],
    cutoff: float,
    spread: Sequence[int] | np.ndarray = (),
    *,
    species_count: int = 2,
) -> np.ndarray:
    """Return each field averaged with weights exp(-r_ij / L) over the particles within a cutoff.

    For each length L, over all particles (i itself among them) and over those of each species:
    the sum of the weights, the average of every field about its mean over the structure, and the
    variance of the fields named in `spread`. (N, L (1 + species_count) (1 + F + S)) float32.

    Source: Jung, Biroli & Berthier, Phys. Rev. Lett. 130, 238202 (2023), with sums of weights and
    a cutoff of our own.

    >>> import numpy as np
    >>> from glassbench.structure import coarse_grained
    >>> pair, species = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([0, 1], np.int8)
    >>> field = np.array([[0.0], [2.0]])
    >>> coarse_grained(field, pair, species, np.full(2, 9.0), [1.0], 3.0)[0].round(3)
    array([ 1.368, -0.462,  1.   , -1.   ,  0.368,  1.   ], dtype=float32)

    Parameters
    ----------
    fields : (N, F); positions (N, d); species (N,); box (d,)
    lengths : L, and `cutoff`, in the unit of the positions
    spread : columns of `fields`, S of them
    """
    from scipy import sparse

    pairs = neighbour_pairs(positions, box, cutoff, self_edges=True)
    count, chosen = len(positions), list(spread)
    fields = fields - fields.mean(axis=0)
    columns = np.concatenate([np.ones((count, 1)), fields, fields[:, chosen] ** 2], axis=1)
    of_species = [columns * (species == s)[:, None] for s in range(species_count)]
    columns = np.concatenate(of_species, axis=1).astype(np.float32)
    parts = []
    for length in lengths:
        weights = np.exp(-pairs.distances / length).astype(np.float32)
        matrix = sparse.csr_array((weights, pairs.senders, pairs.offsets), shape=(count, count))
        sums = (matrix @ columns).reshape(count, species_count, -1)
        for total in (sums.sum(axis=1), *(sums[:, s] for s in range(species_count))):
            weight = total[:, :1]
            means = total[:, 1:] / np.maximum(weight, 1e-6)
            average, square = means[:, : fields.shape[1]], means[:, fields.shape[1] :]
            parts += [weight, average, square - average[:, chosen] ** 2]
    return np.concatenate(parts, axis=1)
