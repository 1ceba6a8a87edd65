"""A thinner table of an embedded-atom potential: the same functions in fewer points.

LAMMPS looks up seven numbers at every function of the distance and every pair. The tables of
Mendelev's copper-zirconium have 10 000 points each and together 4 MB, more than the caches
next to a core hold; a tenth of them is read faster. It loses nothing: values in the file are
rounded, so that forces from neighbouring points carry an error of 1e-5 eV/Angstrom, by which
the two differ (`python benchmarks/thinned_table.py`).
"""

from __future__ import annotations

from pathlib import Path

LARGEST_SPACING = 0.008


def thinning(source: Path) -> tuple[int, float]:
    """Return every which point in r is kept of an `eam/fs` file, and their spacing (Angstrom).

    It is as many as stay within `LARGEST_SPACING`, and 1 where the table is no finer.
    """
    with open(source, encoding="utf-8") as file:
        spacing = float([next(file) for _ in range(5)][4].split()[3])
    every = max(1, int(LARGEST_SPACING / spacing))
    return every, every * spacing


def write_thinned(source: Path, destination: Path) -> None:
    """Write an `eam/fs` file with every n-th point of its tables in r, n as in `thinning`.

    What does not depend on r, the embedding energy, is copied.

    Raises
    ------
    ValueError
        If the file does not hold as many numbers as its header says.
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
