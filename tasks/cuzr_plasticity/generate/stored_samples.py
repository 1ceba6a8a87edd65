"""Samples that another dataset holds, in place of the quench that made them.

A dataset keeps the positions of its minimised copper-zirconium samples with all their digits.
A piece that reads them there stands for melt, quench and minimisation, and all that
follows from it is the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from glassbench.contract.errors import UserError
from glassbench.datasets.store import Dataset, open_dataset
from glassbench.simulation.pieces import Piece
from glassbench.simulation.stored_states import refuse_other

from .copper_zirconium import Protocol, measure_minimum
from .potential import potential_attribute

PROTOCOL_NAMES = ("protocol", "quench")


def with_stored_samples(pieces: Sequence[Piece], path: Path) -> list[Piece]:
    """Return a plan in which samples that the dataset at `path` holds are read from there.

    Samples that it does not hold stay as they were planned.

    Raises
    ------
    UserError
        If the dataset was made with another potential or protocol, or holds no sample.
    """
    dataset = open_dataset(path)
    held = {
        dataset.state(state).configuration_ids[index]: (state, int(index))
        for state in dataset.states
        for index in dataset.state(state).configurations()
    }
    stored = {p.name: p for p in pieces if p.kind == "minimise" and p.name in held}
    if not stored:
        raise UserError(
            f"samples={path}: dataset {dataset.name} holds none of the samples of this plan: leave "
            "the word out to make them"
        )
    for name, piece in stored.items():
        state, index = held[name]
        _refuse_other_making(dataset, state, piece)
        where = {"dataset": str(path.absolute()), "state": state, "index": index}
        stored[name] = Piece(name, "stored", piece.arguments | where, here=True)
    replaced = _ancestors(stored, {piece.name: piece for piece in pieces})
    return [stored.get(piece.name, piece) for piece in pieces if piece.name not in replaced]


def make_stored(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Make the piece of a minimised sample from a dataset that holds it."""
    arguments = piece.arguments
    dataset = open_dataset(arguments["dataset"])
    structure = dataset.state(arguments["state"]).structure_arrays(arguments["index"])
    return measure_minimum(
        np.asarray(structure["positions"]),
        np.asarray(structure["species"]),
        float(structure["box"][0]),
        piece.log_path(folder),
        arguments["protocol"]["potential"],
    )


STORED_WORK = {"stored": make_stored}


def _ancestors(names: Mapping[str, Piece], by_name: Mapping[str, Piece]) -> set[str]:
    """Return the names of the pieces that some pieces of a plan are made from."""
    ancestors: set[str] = set()
    waiting = [need for name in names for need in by_name[name].needs]
    while waiting:
        name = waiting.pop()
        if name not in ancestors:
            ancestors.add(name)
            waiting += by_name[name].needs
    return ancestors


def _refuse_other_making(dataset: Dataset, state: str, piece: Piece) -> None:
    """Refuse samples that were made in another way than the plan says."""
    protocol = Protocol(**piece.arguments["protocol"])
    attributes = dataset.state(state).attributes
    made: Any = next((attributes[name] for name in PROTOCOL_NAMES if name in attributes), {})
    wanted = asdict(protocol) | {"stages": [list(stage) for stage in protocol.stages]}
    for name in wanted.keys() - {"potential"}:
        refuse_other(dataset, piece.name, name, made.get(name), wanted[name])
    potential = potential_attribute(protocol.potential)
    if dataset.attributes["potential"] != potential:
        raise UserError(
            f"samples={dataset.path} was made with `{dataset.attributes['potential']}`, and the "
            f"plan has `{potential}`: leave the word out, or name that file with potential="
        )
