"""Structures in the files of the field: read whole, and written back with a column more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.errors import SourceError
from ...model import Structure
from . import extxyz, gsd_file, lammps_dump, npz, xdr
from .frame import Frame, structure_of
from .lammps_dump import is_binary
from .text import Text, open_text

__all__ = ["FORMATS", "Frame", "read_frames", "read_structures", "structure_of", "write_columns"]
FORMATS: Mapping[str, Any] = {
    "extxyz": Text(extxyz),
    "lammps-dump": Text(lammps_dump),
    "gsd": gsd_file,
    "npz": npz,
    "xdr": xdr,
}
ENDINGS = tuple(ending for module in FORMATS.values() for ending in module.ENDINGS)
NEEDS = "pip install 'glassbench[formats]'"


def format_of(path: Path) -> str:
    """Return the name of a file's format, by its content where that tells, else by its name."""
    if not path.is_file():
        raise SourceError(f"{path} is {'a folder' if path.exists() else 'not there'}")
    name = path.name.lower().removesuffix(".gz")
    for kind, module in FORMATS.items():
        if name.endswith(module.ENDINGS) and kind != "lammps-dump":
            return kind
    if is_binary(path):
        return "lammps-dump"
    try:
        with open_text(path) as file:
            first = file.readline(80)
    except (UnicodeDecodeError, EOFError, OSError):
        first = ""
    if first.startswith("ITEM: ") or name.endswith(lammps_dump.ENDINGS):
        return "lammps-dump"
    if first.strip().isdigit():
        return "extxyz"
    raise SourceError(f"{path} is of no format that can be read: {', '.join(FORMATS)}")


def read_frames(
    path: Path | str,
    on_problem: Callable[[str], None] | None = None,
    columns: Sequence[str] = (),
    tilted: bool = False,
) -> list[Frame]:
    """Return the frames of a file that are whole.

    What is wrong with the others is handed to `on_problem`, or raised where there is none.
    A SourceError names the file where no frame of it is whole.

    Parameters
    ----------
    columns : names of further numbers of each particle to be read, with what follows after `_`
    tilted : whether boxes without right angles can be used
    """
    path = Path(path).expanduser()
    module = FORMATS[format_of(path)]
    frames: list[Frame] = []
    problems: list[str] = []
    try:
        for number, frame in enumerate(module.read(path, columns)):
            if isinstance(frame, Frame) and frame.cell is not None and not tilted:
                frame = SourceError(
                    f"its box is triclinic (edges {frame.cell.round(4).tolist()}): only boxes with "
                    "right angles can be used"
                )
            if isinstance(frame, Frame):
                frames.append(frame)
            else:
                problems.append(f"{path}, frame {number}: {frame}")
    except ImportError as error:
        package = str(error.name).partition(".")[0]
        raise SourceError(f"{path} needs the package {package}: {NEEDS}") from None
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None
    if not frames or (problems and on_problem is None):
        raise SourceError(problems[0] if problems else f"{path} holds no frame")
    for problem in problems:
        assert on_problem is not None
        on_problem(problem)
    return frames


def read_structures(path: Path | str, **options: Any) -> list[Structure]:
    """Return a structure for each frame of a file; options are those of `structure_of`.

    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> file = Path(mkdtemp()) / "two.dump"
    >>> _ = file.write_text('''ITEM: TIMESTEP
    ... 0
    ... ITEM: NUMBER OF ATOMS
    ... 2
    ... ITEM: BOX BOUNDS pp pp pp
    ... -2 2
    ... -2 2
    ... -2 2
    ... ITEM: ATOMS id type x y z
    ... 7 2 -1.0 0.0 1.0
    ... 3 1 -1.5 0.0 2.5
    ... ''')
    >>> (structure,) = read_structures(file)
    >>> structure.positions.tolist(), structure.species.tolist()
    ([[0.5, 2.0, 0.5], [1.0, 2.0, 3.0]], [0, 1])
    """
    path = Path(path)
    structures = []
    for frame in read_frames(path):
        try:
            structures.append(structure_of(frame, name_of(path, frame), **options))
        except SourceError as error:
            raise SourceError(f"{path}, frame {frame.number}: {error}") from None
    return structures


def name_of(path: Path, frame: Frame) -> str:
    """Return how a frame of a file is called."""
    return f"{path.name}:{frame.number}"


def write_columns(
    path: Path, out: Path, frames: Sequence[Frame], columns: Sequence[Mapping[str, np.ndarray]]
) -> None:
    """Write frames of `path` to `out` in its own format, each with columns (N,) more by name.

    The values follow the particles of the frames; all else stays as the file has it.
    """
    if out.resolve() == path.resolve():
        raise SourceError(f"{out} is the file that is read: give another out=")
    out.parent.mkdir(parents=True, exist_ok=True)
    FORMATS[format_of(path)].write(path, out, frames, columns)
