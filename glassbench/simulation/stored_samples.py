"""Samples that another dataset holds, in place of the quench that made them.

A dataset keeps the positions of its minimised copper-zirconium samples with all their digits.
A piece that reads them there stands for melt, quench and minimisation, and all that
follows from it is the same, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..contract.errors import UserError
from ..datasets.store import Dataset, open_dataset
from .copper_zirconium import Protocol, measure_minimum
from .copper_zirconium_potential import potential_attribute
from .pieces import Piece

PROTOCOL_NAMES = ("protocol", "quench")


def with_stored_samples(pieces: Sequence[Piece], path: Path | str) -> list[Piece]:
    """Return a plan in which samples that the dataset at `path` holds are read from there.

    Samples that it does not hold stay as they were planned.

    Raises
    ------
    UserError
        If the dataset was made with another potential or protocol, or holds no sample.
    """
    dataset = open_dataset(path)
    places = _places(dataset)
    stored = {piece.name: piece for piece in pieces if piece.kind == "minimise"}
    stored = {name: piece for name, piece in stored.items() if name in places}
    if not stored:
        raise UserError(
            f"samples={path}: dataset {dataset.name} holds none of the samples of this plan: leave "
            "the word out to make them"
        )
    replaced = _before(stored, {piece.name: piece for piece in pieces})
    found = []
    for piece in pieces:
        if piece.name in stored:
            _check_same(dataset, places[piece.name][0], piece)
            found.append(_read_there(piece, Path(path).absolute(), *places[piece.name]))
        elif piece.name not in replaced:
            found.append(piece)
    return found


def make_stored(request: dict) -> dict[str, np.ndarray]:
    """Make the piece of a minimised sample from where a dataset holds it."""
    arguments = request["arguments"]
    dataset = open_dataset(arguments["dataset"])
    found = dataset.structure_arrays(arguments["state"], arguments["index"])
    return measure_minimum(
        found["positions"],
        found["species"],
        float(found["box"][0]),
        Path(request["log"]),
        arguments["protocol"]["potential"],
    )


STORED_WORK = {"stored": make_stored}


def _places(dataset: Dataset) -> dict[str, tuple[str, int]]:
    """Return the state and the index of every sample that a dataset holds whole."""
    return {
        dataset.state(state).configuration_ids[index]: (state, int(index))
        for state in dataset.states
        for index in dataset.configurations(state)
    }


def _before(stored: dict[str, Piece], by_name: dict[str, Piece]) -> set[str]:
    """Return the names of the pieces that stored samples were made from."""
    found: set[str] = set()
    waiting = [need for piece in stored.values() for need in piece.needs]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].needs
    return found


def _read_there(piece: Piece, path: Path, state: str, index: int) -> Piece:
    arguments = piece.arguments | {"dataset": str(path), "state": state, "index": index}
    return Piece(piece.name, "stored", arguments, here=True)


def _check_same(dataset: Dataset, state: str, piece: Piece) -> None:
    """Refuse samples that were made in another way than the plan says."""
    protocol = Protocol(**piece.arguments["protocol"])
    attributes = dataset.state(state).attributes
    made = next((attributes[name] for name in PROTOCOL_NAMES if name in attributes), {})
    wanted = asdict(protocol) | {"stages": [list(stage) for stage in protocol.stages]}
    for name, value in wanted.items():
        if name != "potential" and made.get(name) != value:
            raise UserError(
                f"samples={dataset.path}: {piece.name} was made there with {name} = "
                f"{made.get(name)}, and the plan has {value}: leave the word out"
            )
    potential = potential_attribute(protocol.potential)
    if dataset.attributes["potential"] != potential:
        raise UserError(
            f"samples={dataset.path} was made with `{dataset.attributes['potential']}`, and the "
            f"plan has `{potential}`: leave the word out, or name that file with potential="
        )
