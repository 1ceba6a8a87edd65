"""Structures in which neighbours of chosen particles, the centres, are removed or displaced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..contract.errors import UserError
from ..contract.trial_plan import Perturbation
from ..model import OTHER_POSITIONS, Example, Structure
from ..structure.periodic_box import minimum_image


class Cut(NamedTuple):
    """What a model is given: centres with what is left of their surroundings.

    Attributes
    ----------
    centres : (M,) int64, where the centres stand in the structure
    taken : (n,) int64, which particle of the configuration each of its particles is
    """

    structure: Structure
    centres: np.ndarray
    taken: np.ndarray


def draw_centres(configuration: str, particles: int, count: int) -> np.ndarray:
    """Return `count` particles (M,), ascending, or all of fewer, drawn from the name."""
    drawn = _generator(configuration, "centres").permutation(particles)[:count]
    return np.sort(drawn).astype(np.int64)


def centres_of(structure: Structure, perturbation: Perturbation) -> np.ndarray:
    """Return the particles (M,) of a structure about which a model is asked."""
    return draw_centres(structure.configuration, len(structure.positions), perturbation.centres)


def perturbed(
    structure: Structure, perturbation: Perturbation, centres: np.ndarray, seed: int = 0
) -> Iterator[Cut]:
    """Yield the structures in which a model is asked about each centre, in their order.

    Where everything beyond a radius is removed, the surroundings of all centres are laid
    out in one structure, far apart in an empty box; where nothing happens, all stand in the
    structure as it is; otherwise each centre has one of its own. Directions of
    displacements follow from the seed.
    """
    _check(structure, perturbation)
    if perturbation.action == "none":
        yield Cut(replace(structure, pairs=None), centres, np.arange(len(structure.positions)))
        return
    if perturbation.action == "remove" and perturbation.outer is None:
        yield cut_out(structure, centres, perturbation.inner)
        return
    for centre in centres:
        distances = np.linalg.norm(_vectors_from(structure, int(centre)), axis=1)
        outer = np.inf if perturbation.outer is None else perturbation.outer
        in_shell = (distances >= perturbation.inner) & (distances < outer)
        in_shell[centre] = False
        if perturbation.action == "remove":
            taken = np.flatnonzero(~in_shell)
            yield Cut(_part(structure, taken), np.searchsorted(taken, [centre]), taken)
            continue
        generator = _generator(structure.configuration, f"{seed}\x1f{centre}")
        steps = generator.normal(size=structure.positions.shape)
        steps *= perturbation.amplitude / np.linalg.norm(steps, axis=1, keepdims=True)
        positions = structure.positions + np.where(in_shell[:, None], steps, 0.0)
        moved = replace(structure, positions=positions % structure.box, pairs=None)
        yield Cut(moved, np.array([centre]), np.arange(len(positions)))


def cut_out(structure: Structure, centres: np.ndarray, radius: float) -> Cut:
    """Return the particles at r < radius from each centre, laid out in one empty box.

    The clusters stand on a grid, so far apart that no cutoff that fits into the box of the
    configuration reaches from one to another. A particle near several centres occurs in
    the cluster of each.
    """
    dimension = len(structure.box)
    spacing = 2 * radius + float(structure.box.max())
    side = max(2, int(np.ceil(len(centres) ** (1 / dimension))))
    sites = (np.indices((side,) * dimension).reshape(dimension, -1).T + 0.5) * spacing
    positions, taken, places, count = [], [], [], 0
    for site, centre in zip(sites, centres, strict=False):
        vectors = _vectors_from(structure, int(centre))
        near = np.linalg.norm(vectors, axis=1) < radius
        near[centre] = True
        inside = np.flatnonzero(near)
        positions.append(site + vectors[inside])
        taken.append(inside)
        places.append(count + int(np.searchsorted(inside, centre)))
        count += len(inside)
    which = np.concatenate(taken)
    laid_out = replace(
        structure,
        positions=np.concatenate(positions),
        species=structure.species[which],
        box=np.full(dimension, side * spacing),
        pairs=None,
    )
    return Cut(laid_out, np.array(places, dtype=np.int64), which)


def cut_example(example: Example, perturbation: Perturbation) -> Example:
    """Return an example of cut surroundings, whose `balanced` set is the centres."""
    centres = centres_of(example.structure, perturbation)
    (cut,) = perturbed(example.structure, perturbation, centres)
    targets = _targets_at(example, cut.taken)
    return replace(example, structure=cut.structure, targets=targets, balanced=cut.centres)


def at_particles(example: Example, chosen: np.ndarray) -> Example:
    """Return an example of some particles alone, as scores read it."""
    targets = _targets_at(example, chosen)
    structure = _part(example.structure, chosen)
    return replace(example, structure=structure, targets=targets, balanced=None)


def _targets_at(example: Example, particles: np.ndarray) -> dict[str, np.ndarray]:
    """Return targets of some particles; those of pairs are left out."""
    count = len(example.structure.positions)
    return {n: v[particles] for n, v in example.targets.items() if len(v) == count}


def _part(structure: Structure, taken: np.ndarray) -> Structure:
    positions, species = structure.positions[taken], structure.species[taken]
    return replace(structure, positions=positions, species=species, pairs=None)


def _vectors_from(structure: Structure, centre: int) -> np.ndarray:
    """Return the vectors (N, d) from a particle to all, minimum image."""
    return minimum_image(structure.positions - structure.positions[centre], structure.box)


def _check(structure: Structure, perturbation: Perturbation) -> None:
    optional = [getattr(structure, name) for name in (*OTHER_POSITIONS, "dynamics")]
    if any(part is not None for part in optional):
        raise UserError(
            "a perturbation moves the thermal positions alone, and this model also reads inherent "
            "or cage positions or dynamics, which would show it what was removed"
        )
    reach = max(perturbation.inner, perturbation.outer or 0.0)
    if reach > structure.box.min() / 2:
        raise UserError(
            f"a shell that ends at {reach:g} reaches beyond half of the box edge "
            f"{structure.box.min():g} of configuration {structure.configuration}: "
            "its particles would be counted with their images; take smaller radii"
        )


def _generator(configuration: str, purpose: str) -> np.random.Generator:
    name = f"{purpose}\x1f{configuration}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()[:8]))
