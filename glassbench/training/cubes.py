"""A configuration cut into cubes: more and smaller updates from the same data."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..model import Example, Structure

EMPTY = 4.0


def cut_into_cubes(example: Example, cells: int, margin: float) -> list[Example]:
    """Return `cells` cubed parts of a configuration, each with its surroundings.

    Every particle is inside one cell. A part holds the cell and all within `margin` of
    it, in a larger box that is otherwise empty; particle targets outside the cell are
    NaN, and of the pairs those are kept whose first particle is in the cell.

    Parameters
    ----------
    example : particle targets (N,), pair targets (P,) on `structure.pairs`
    cells : cells along each edge of the box
    margin : unit of the positions, at least the length of the longest edge, so that a
        particle of the cell keeps its neighbours

    Raises
    ------
    ValueError
        If a part would reach around the box and meet itself.
    """
    structure = example.structure
    cell = structure.box / cells
    if (cell + 2 * margin > structure.box).any():
        raise ValueError(
            f"a cell of edge {cell.min():.3g} with margin {margin:g} does not fit the box "
            f"{structure.box.min():.3g}: cut into more cells, or lower the margin"
        )
    corners = product(range(cells), repeat=len(structure.box))
    return [_part(example, np.array(corner) * cell, cell, margin) for corner in corners]


def _part(example: Example, corner: np.ndarray, cell: np.ndarray, margin: float) -> Example:
    whole = example.structure
    positions = np.mod(whole.positions - corner + margin, whole.box)
    inside = (positions < cell + 2 * margin).all(axis=1)
    core = ((positions >= margin) & (positions < cell + margin)).all(axis=1)
    number = np.cumsum(inside) - 1
    kept, pairs = np.zeros(0, dtype=bool), None
    if whole.pairs is not None:
        first, second = whole.pairs.T
        near = np.abs(positions[second] - positions[first]) <= whole.box / 2
        kept = core[first] & inside[second] & near.all(axis=1)
        pairs = number[whole.pairs[kept]]
    targets = {}
    for name, values in example.targets.items():
        if len(values) == len(whole.positions):
            targets[name] = np.where(core, values, np.nan)[inside]
        else:
            targets[name] = values[kept]
    name = f"{whole.configuration}@{'-'.join(f'{edge:.3f}' for edge in corner)}"
    part = Structure(
        positions=positions[inside],
        species=whole.species[inside],
        box=cell + 2 * margin + EMPTY,
        configuration=name if whole.configuration else "",
        pairs=pairs,
    )
    return Example(part, example.condition, targets)
