"""Plain arrays in an `.npz`: `positions` (N, d) or (F, N, d), `species` (N,), `box` (d,) or (F, d).

Other names that are read: `initial_positions`, and `types` for the species. The tiers of input
stand under their own names, such as `cage_positions`, with the shape of the positions.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ...contract.errors import SourceError
from ...home.files import whole_file
from .frame import VECTORS, Frame, make_frame, numbers_in

ENDINGS = (".npz",)


def read(path: Path, columns: Sequence[str] = ()) -> Iterator[Frame | SourceError]:
    """Yield every frame, or what is wrong with it."""
    arrays = _arrays(path)
    positions = _first(arrays, "initial_positions", "positions")
    species, box = _first(arrays, "species", "types"), _first(arrays, "box")
    if positions.ndim == 2:
        positions = positions[None]
    if positions.ndim != 3 or positions.shape[2] not in (2, 3) or not positions.size:
        raise SourceError(f"its positions have the shape {positions.shape}, not (frames, N, 2 | 3)")
    count, particles, size = positions.shape
    boxes = np.broadcast_to(box, (count, size)) if box.shape[-1:] in ((size,), ()) else None
    if boxes is None or species.shape[-1:] != (particles,):
        raise SourceError(
            f"its box has the shape {box.shape} and its species {species.shape}, with positions "
            f"{positions.shape}"
        )
    for number in range(count):
        extra = {}
        for name in [*(n for n in VECTORS if n in arrays), *numbers_in(arrays, columns)]:
            own = arrays[name]
            extra[name] = own if own.ndim == (2 if name in VECTORS else 1) else own[number]
        labels = species if species.ndim == 1 else species[number]
        try:
            yield make_frame(
                number, positions[number], boxes[number], labels, arrays=extra, unwrapped=True
            )
        except (SourceError, IndexError) as error:
            yield SourceError(str(error))


def write(path: Path, out: Path, frames: Sequence[Frame], columns: Sequence[dict]) -> None:
    """Write the arrays of `path` and, by name, the columns of its frames: (N,) or (F, N)."""
    arrays = _arrays(path)
    flat = _first(arrays, "initial_positions", "positions").ndim == 2
    for name in columns[0]:
        values = np.stack([more[name] for more in columns])
        arrays[name] = values[0] if flat else values
    with whole_file(out) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"it is no .npz of plain arrays, or is cut off ({error})") from None


def _first(arrays: dict[str, np.ndarray], *names: str) -> np.ndarray:
    for name in names:
        if name in arrays:
            return arrays[name]
    raise SourceError(f"it has no array `{names[0]}`: it has {', '.join(sorted(arrays))}")
