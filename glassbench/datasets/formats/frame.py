"""One frame of a file, and the structure that a model sees of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...contract.errors import SourceError, did_you_mean
from ...contract.task import DYNAMICS
from ...model import OTHER_POSITIONS, Structure
from ...structure import wrap

# What a file may hold of each particle beside position and species, and the tier that it serves.
VECTORS = OTHER_POSITIONS
NUMBERS = dict.fromkeys(DYNAMICS, "dynamics")
TIERS = VECTORS | NUMBERS
AXES = "xyz"
# Beyond this share of the edges a box is taken for tilted.
TILT = 1e-6


@dataclass(frozen=True)
class Frame:
    """One frame of a file, particles in the order of their ids where it has ids.

    Attributes
    ----------
    number : of the frame in the file, from 0
    positions : (N, d) float64 from the corner of the box, in the unit of the file
    box : (d,) edges; `periodic` (d,) says along which axes it repeats
    cell : (d, d) rows are the vectors of a box without right angles, else None
    labels : (N,) what the file calls the species: `A`, `Cu`, `1`
    order : (N,) the row of the file in which each particle stands
    ids : (N,) int64, or None where the file has none
    unwrapped : whether positions follow particles through the faces of the box
    arrays : those of `TIERS` that the file holds, and columns of numbers that were asked for
    facts : what else the file says of the frame, such as `step`
    """

    number: int
    positions: np.ndarray
    box: np.ndarray
    labels: np.ndarray
    order: np.ndarray
    periodic: np.ndarray
    cell: np.ndarray | None = None
    ids: np.ndarray | None = None
    unwrapped: bool = False
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def make_frame(
    number: int,
    positions: np.ndarray,
    box: np.ndarray,
    labels: np.ndarray,
    *,
    ids: np.ndarray | None = None,
    periodic: Sequence[bool] | None = None,
    arrays: Mapping[str, np.ndarray] | None = None,
    **more: Any,
) -> Frame:
    """Return a checked frame, its particles sorted by id. The rows of all arrays are the file's.

    `box` are its edges (d,), or rows (d, d) that are its vectors.
    """
    cell = None
    if np.ndim(box) == 2:
        box, cell = np.diag(box), np.asarray(box, dtype=np.float64)
        if np.abs(cell - np.diag(box)).max() <= TILT * np.abs(box).max():
            cell = None
    if not len(positions):
        raise SourceError("it holds no particle")
    if not (np.isfinite(box).all() and (box > 0).all()):
        raise SourceError(f"its box has the edges {box.tolist()}: they must be above 0")
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        raise SourceError(f"the position of particle {int(np.argmin(finite))} is no finite number")
    order = np.arange(len(positions))
    if ids is not None:
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        twice = ids[1:][ids[1:] == ids[:-1]]
        if len(twice):
            raise SourceError(f"two particles have the id {twice[0]}")
    return Frame(
        number,
        np.asarray(positions, dtype=np.float64)[order],
        np.asarray(box, dtype=np.float64),
        np.asarray(labels)[order].astype(np.str_),
        order,
        np.asarray([True] * len(box) if periodic is None else periodic)[: len(box)],
        cell=cell,
        ids=ids,
        arrays={name: np.asarray(values)[order] for name, values in (arrays or {}).items()},
        **more,
    )


def numbers_in(names: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Return the names of numbers to be read: dynamics, and `columns` with or without `_…`."""
    starts = tuple(f"{name}_" for name in columns)
    return [n for n in names if n in NUMBERS or n in columns or n.startswith(starts)]


def structure_of(
    frame: Frame,
    name: str = "",
    *,
    dimension: int | None = None,
    species: Sequence[str] = ("A", "B"),
    called: Mapping[str, str] | None = None,
) -> Structure:
    """Return the structure that a model sees, its particles in the box.

    Parameters
    ----------
    dimension : 2 drops the third axis of a flat layer
    species : names of the species in the order of their numbers
    called : names by the labels of the file, where it has others, such as `{"1": "A"}`
    """
    frame = in_dimension(frame, dimension or len(frame.box))
    if not frame.periodic.all():
        axes = " and ".join(AXES[k] for k in np.flatnonzero(~frame.periodic))
        raise SourceError(f"its box is not periodic along {axes}: only periodic ones can be used")
    inside = wrap(frame.positions, frame.box)
    vectors: dict[str, Any] = {n: frame.arrays[n] for n in VECTORS if n in frame.arrays}
    numbers = {n: frame.arrays[n] for n in NUMBERS if n in frame.arrays}
    # The same images as those of the positions.
    moved = inside - frame.positions
    return Structure(
        positions=inside,
        species=species_numbers(frame.labels, species, called or {}),
        box=frame.box,
        configuration=name,
        dynamics=numbers or None,
        **{n: values + moved for n, values in vectors.items()},
    )


def in_dimension(frame: Frame, dimension: int) -> Frame:
    """Return the frame in 2 dimensions where it is a flat layer in 3, else as it is."""
    if len(frame.box) == dimension:
        return frame
    if len(frame.box) < dimension:
        raise SourceError(f"it has {len(frame.box)} dimensions, {dimension} are wanted")
    heights = frame.positions[:, 2]
    if np.ptp(heights) > TILT * frame.box[:2].max():
        raise SourceError(
            f"it is no flat layer: its z runs from {heights.min():.4g} to {heights.max():.4g}, and "
            "a structure in 2 dimensions is wanted"
        )
    return replace(
        frame,
        positions=frame.positions[:, :2],
        box=frame.box[:2],
        cell=None if frame.cell is None else frame.cell[:2, :2],
        periodic=frame.periodic[:2],
        arrays={n: v[:, :2] if n in VECTORS else v for n, v in frame.arrays.items()},
    )


def species_numbers(
    labels: np.ndarray, species: Sequence[str], called: Mapping[str, str]
) -> np.ndarray:
    """Return the numbers (N,) int8 of the species that labels name.

    Labels are names of species, or whole numbers from 0, or from 1 where no 0 is among them.
    """
    kinds, inverse = np.unique(labels, return_inverse=True)
    names = [called.get(str(kind), str(kind)) for kind in kinds]
    known = {name.casefold(): number for number, name in enumerate(species)}
    if all(name.casefold() in known for name in names):
        numbers = [known[name.casefold()] for name in names]
    elif all(name.isdigit() for name in names) and not called:
        first = 0 if any(int(name) == 0 for name in names) else 1
        numbers = [int(name) - first for name in names]
    else:
        wrong = next(name for name in names if name.casefold() not in known)
        raise SourceError(
            f"its species are called {', '.join(map(str, kinds))}; `{wrong}` is not known"
            f"{did_you_mean(wrong, species)}: say which is which, as "
            f"species={','.join(f'{k}:{s}' for k, s in zip(kinds, species))}"
        )
    if max(numbers) >= len(species):
        raise SourceError(
            f"its species are numbered {', '.join(map(str, kinds))}, and there are "
            f"{len(species)}: {', '.join(species)}"
        )
    return np.array(numbers, dtype=np.int8)[inverse]
