"""Inherent and cage positions of a structure whose potential is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..contract.errors import UserError, did_you_mean
from ..model import OTHER_POSITIONS, Structure
from ..plugins.registry import list_tasks
from ..structure.periodic_box import wrap
from .cage import CageProtocol, cage_displacements
from .generator import FOLDER, import_generator
from .lammps_library import gather_by_id, lammps_session, place_atoms
from .material import Material, in_space, open_cell


@dataclass(frozen=True)
class Potential:
    """What the positions of a structure are made with: units are those of the material.

    Attributes
    ----------
    force_tolerance : of a minimum
    cages : how the cages of each array of positions are sampled, at the structure's temperature
    """

    material: Material
    force_tolerance: float
    cages: Mapping[str, CageProtocol]


def known_potentials() -> dict[str, tuple[Path, Callable[[], Potential]]]:
    """Return, by name, the generator's folder that defines a potential and what makes it."""
    folders = [task.folder / FOLDER for task in list_tasks()]
    return {
        name: (folder, make)
        for folder in folders
        if (folder / "__init__.py").is_file()
        for name, make in getattr(import_generator(folder), "POTENTIALS", {}).items()
    }


def find_potential(name: str) -> tuple[Path, Callable[[], Potential]]:
    """Return the folder that defines the potential of this name, and what makes it."""
    potentials = known_potentials()
    if name not in potentials:
        raise UserError(f"potential={name} is not known{did_you_mean(name, sorted(potentials))}")
    return potentials[name]


def load_potential(name: str) -> Potential:
    """Return the potential of this name."""
    return find_potential(name)[1]()


def prepare_structure(
    structure: Structure,
    potential: Potential | str,
    temperature: float | None = None,
    reads: Sequence[str] = ("inherent", "cage"),
    log: Path | str = "none",
) -> Structure:
    """Return the structure with the positions that a model reads beside the thermal ones.

    What the structure has already is kept.

    Parameters
    ----------
    potential : itself, or its name, one of `known_potentials`
    temperature : of the structure, in the unit of the potential (epsilon/k_B; kelvin for metals);
        cage positions need it
    reads : which are wanted: the tiers `inherent` and `cage`, or single arrays by their names;
        other names are ignored
    log : a file to which LAMMPS writes

    Raises
    ------
    UserError
        If the potential is not known, or has other species or another dimension than the
        structure, or cage positions are wanted without a temperature.
    """
    if isinstance(potential, str):
        potential = load_potential(potential)
    refuse_unfit(structure, potential)
    wanted = {name for name, tier in OTHER_POSITIONS.items() if {name, tier} & set(reads)}
    wanted = {name for name in wanted if getattr(structure, name) is None}
    if "inherent_positions" in wanted:
        structure = replace(structure, inherent_positions=_inherent(structure, potential, log))
    for name, protocol in potential.cages.items():
        if name in wanted:
            structure = _with_cage(structure, name, protocol, potential.material, temperature, log)
    return structure


def _with_cage(structure, name, protocol, material, temperature, log) -> Structure:
    if temperature is None or not temperature > 0:
        raise UserError(
            f"cage positions are sampled at the temperature of the structure, and it is "
            f"{temperature}: give it, such as temperature=0.44"
        )
    displacements = cage_displacements(
        structure.positions,
        structure.species,
        np.diag(structure.box),
        material,
        temperature,
        protocol,
        ("cage", temperature, protocol.radius, structure.configuration),
        log,
    )
    return replace(structure, **{name: wrap(structure.positions + displacements, structure.box)})


def _inherent(structure: Structure, potential: Potential, log: Path | str) -> np.ndarray:
    """Return the positions (N, d) of the nearest minimum of the energy, wrapped."""
    with lammps_session(log) as lammps:
        open_cell(lammps, potential.material, np.diag(structure.box), sort=False)
        place_atoms(lammps, in_space(structure.positions), structure.species + 1)
        lammps.command("min_style cg")
        lammps.command(f"minimize 0 {potential.force_tolerance} 20000 200000")
        minimum = gather_by_id(lammps, "x")[:, : len(structure.box)]
    return wrap(minimum, structure.box)


def refuse_unfit(structure: Structure, potential: Potential) -> None:
    """Refuse a structure that the potential cannot be of: other dimensions or more species."""
    material = potential.material
    dimension, kinds = len(structure.box), int(structure.species.max(initial=0)) + 1
    if dimension != material.dimension or kinds > len(material.masses):
        raise UserError(
            f"{structure.configuration or 'the structure'} has {dimension} dimensions and "
            f"{kinds} species, and the potential is of {material.dimension} dimensions and "
            f"{len(material.masses)} species: choose another potential"
        )
