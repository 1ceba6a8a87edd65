"""XTC and TRR of GROMACS, through the XDR library of MDAnalysis.

It gives numbers as they stand; chemfiles and ASE turn them from nm to Å, also those of reduced
units. The files hold no species: these are read from `structure.…`, or a file of the same stem,
in another format beside them. XTC keeps three digits after the point unless it was written finer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.errors import SourceError
from ...home.files import whole_file
from .frame import Frame, make_frame

ENDINGS = (".xtc", ".trr")
STRUCTURE = "structure"


def read(path: Path, columns: Sequence[str] = ()) -> Iterator[Frame | SourceError]:
    """Yield every frame, or what is wrong with it."""
    from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile

    labels = _labels(path)
    opened: Any = XTCFile if path.suffix.lower() == ".xtc" else TRRFile
    try:
        with opened(str(path)) as file:
            for number, frame in enumerate(file):
                if len(frame.x) != len(labels):
                    yield SourceError(f"it has {len(frame.x)} particles, {len(labels)} species")
                    continue
                facts = {"step": str(frame.step), "time": float(frame.time)}
                positions = np.asarray(frame.x, dtype=np.float64)
                yield make_frame(number, positions, np.asarray(frame.box), labels, facts=facts)
    except (OSError, RuntimeError) as error:
        yield SourceError(f"it is cut off, or no such file ({error})")


def write(path: Path, out: Path, frames: Sequence[Frame], columns: Sequence[dict]) -> None:
    """Write an `.npz`: these formats hold no columns."""
    arrays = {name: np.stack([more[name] for more in columns]) for name in columns[0]}
    arrays |= {
        "positions": np.stack([frame.positions for frame in frames]),
        "box": np.stack([frame.box for frame in frames]),
        "species": frames[0].labels,
    }
    with whole_file(out) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _labels(path: Path) -> np.ndarray:
    from . import read_frames

    for stem in (path.stem, STRUCTURE):
        for other in sorted(path.parent.glob(f"{stem}.*")):
            if other.suffix.lower() not in ENDINGS:
                return read_frames(other)[0].labels
    raise SourceError(
        f"its species are not known: put a file `{path.stem}.…` or `{STRUCTURE}.…` of one frame "
        "beside it, such as a dump or an extended XYZ, with the particles in the same order"
    )
