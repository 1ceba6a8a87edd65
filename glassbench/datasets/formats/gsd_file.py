"""GSD files of HOOMD, through the `gsd` package of its authors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.errors import SourceError
from ...home.files import whole_file
from .frame import VECTORS, Frame, make_frame, numbers_in

ENDINGS = (".gsd",)
# OVITO shows what a frame logs under this name as a property of its particles.
LOGGED = "particles/"


def read(path: Path, columns: Sequence[str] = ()) -> Iterator[Frame | SourceError]:
    """Yield every frame, or what is wrong with it."""
    with _open(path, "r") as file:
        for number in range(len(file)):
            try:
                yield _frame(number, file[number], columns)
            except SourceError as error:
                yield error
            except (RuntimeError, OSError, ValueError, KeyError) as error:
                yield SourceError(f"it cannot be read: {error}")


def write(path: Path, out: Path, frames: Sequence[Frame], columns: Sequence[dict]) -> None:
    """Write the given frames of `path` with columns more, by name, for each of them."""
    with _open(path, "r") as source, whole_file(out) as partial, _open(partial, "w") as file:
        for frame, more in zip(frames, columns, strict=True):
            snapshot = source[frame.number]
            for name, values in more.items():
                snapshot.log[LOGGED + name] = np.asarray(values)
            file.append(snapshot)


def _open(path: Path, mode: str) -> Any:
    import gsd.hoomd

    try:
        return gsd.hoomd.open(str(path), mode)
    except (RuntimeError, OSError) as error:
        raise SourceError(f"it is no GSD file, or is cut off ({error})") from None


def _frame(number: int, snapshot: Any, columns: Sequence[str]) -> Frame:
    particles = snapshot.particles
    x, y, z, xy, xz, yz = np.asarray(snapshot.configuration.box, dtype=float)
    size = 2 if snapshot.configuration.dimensions == 2 else 3
    cell = np.array([[x, 0, 0], [xy * y, y, 0], [xz * z, yz * z, z]])[:size, :size]
    # The origin of HOOMD is the centre of the box.
    corner = -cell.sum(axis=0) / 2
    positions = np.asarray(particles.position, dtype=np.float64)[:, :size] - corner
    if particles.image is not None:
        positions = positions + np.asarray(particles.image)[:, :size] @ cell
    log = {n.removeprefix(LOGGED): v for n, v in snapshot.log.items() if n.startswith(LOGGED)}
    arrays = {n: np.asarray(log[n]) for n in numbers_in(log, columns)}
    arrays |= {n: np.asarray(log[n])[:, :size] - corner for n in VECTORS if n in log}
    names = np.array(particles.types, dtype=np.str_)
    return make_frame(
        number,
        positions,
        cell,
        names[particles.typeid],
        arrays=arrays,
        unwrapped=True,
        facts={"step": str(snapshot.configuration.step)},
    )
