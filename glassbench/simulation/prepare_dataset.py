"""`glassbench data prepare`: a dataset with the inherent and cage positions that it lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ..contract.errors import UserError
from ..datasets.layout import structure_variables
from ..datasets.manifest import content_digest
from ..datasets.reading import whole_members
from ..datasets.store import Dataset, open_dataset
from ..datasets.writing import COMPACT, create_array, open_to_write
from ..model import OTHER_POSITIONS, Structure
from .cage import rounded_positions
from .generate import GenerationCost, GenerationEvent, OpenRunner, make_pieces
from .generator import write_packed
from .piece_process import open_local_runner
from .pieces import Piece, read_need, read_piece, unfinished
from .prepare import find_potential, load_potential, prepare_structure, refuse_unfit

START, KIND = "start", "prepare"


def prepare_dataset(
    source: Path,
    potential: str,
    folder: Path,
    destination: Path,
    open_runner: OpenRunner = open_local_runner,
    on_event: Callable[[GenerationEvent], None] = lambda event: None,
) -> Path:
    """Write a copy of a dataset with the positions that it lacks; return its path.

    After an interruption the same call continues with the configurations that are missing.

    Parameters
    ----------
    source, destination : paths of the dataset and of its copy, a `.zarr.zip`
    potential : name of the potential of its particles
    folder : for the pieces, one a configuration and array; those of each dataset lie by themselves
    """
    dataset = open_dataset(source)
    folder = folder / f"{potential}-{dataset.digest.removeprefix('sha256:')[:16]}"
    pieces = _pieces(dataset, potential)
    if not pieces:
        raise UserError(f"{source} has all positions that potential={potential} can make already")
    cost = GenerationCost(folder, tuple(pieces), tuple(unfinished(pieces, folder)), None, 0)
    make_pieces(cost, find_potential(potential)[0], open_runner, on_event)
    made = {piece.name for piece in pieces}
    return write_packed(folder, destination, partial(_write, dataset, potential, made, folder))


def _pieces(dataset: Dataset, potential: str) -> list[Piece]:
    """Return, for each configuration, its structure and the arrays that it lacks."""
    made_with = load_potential(potential)
    makes = ("inherent_positions", *made_with.cages)
    pieces = []
    for name in dataset.states:
        state = dataset.state(name)
        missing = [array for array in makes if array not in state.variables]
        temperature = state.attributes.get("temperature")
        if missing:
            first = state.structure_arrays(int(state.configurations()[0]))
            refuse_unfit(_structure(first, f"{dataset.path}, state {name}"), made_with)
        if missing and temperature is None:
            raise UserError(
                f"state {name} of {dataset.path} has no temperature, at which cage positions are "
                "sampled: take a dataset that states it"
            )
        for index in state.configurations() if missing else ():
            configuration = state.configuration_ids[index]
            start = f"{name}-{configuration}-start"
            where = {"dataset": str(dataset.path), "state": name, "index": int(index)}
            pieces.append(Piece(start, START, where, here=True))
            shared = {"potential": potential, "temperature": temperature, "name": configuration}
            pieces += [
                Piece(f"{name}-{configuration}-{array}", KIND, shared | {"array": array}, (start,))
                for array in missing
            ]
    return pieces


def make_start(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Read positions, species and box of one configuration."""
    where = piece.arguments
    arrays = open_dataset(where["dataset"]).state(where["state"]).structure_arrays(where["index"])
    return {name: arrays[name] for name in ("positions", "species", "box")}


def make_prepared(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Make one array of positions (N, d) of one configuration."""
    arguments, start = piece.arguments, read_need(piece, folder)
    structure = _structure(start, arguments["name"])
    array = arguments["array"]
    prepared = prepare_structure(
        structure,
        arguments["potential"],
        arguments["temperature"],
        reads=[array],
        log=piece.log_path(folder),
    )
    return {array: rounded_positions(getattr(prepared, array), structure.box)}


def _structure(arrays: Mapping[str, np.ndarray], name: str) -> Structure:
    positions = arrays["positions"].astype(np.float64)
    return Structure(positions, arrays["species"], arrays["box"], configuration=name)


PREPARE_WORK = {START: make_start, KIND: make_prepared}


def _write(dataset: Dataset, potential: str, made: set[str], folder: Path, directory: Path) -> None:
    """Write the copy of a dataset at `directory`, with the `made` pieces of `folder`."""
    for name, content in whole_members(dataset.path):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    cages = load_potential(potential).cages
    root, system = open_to_write(directory), str(dataset.attributes["units_system"])
    for name in dataset.states:
        state = dataset.state(name)
        positions = state.array("positions")
        sizes = dict(zip(positions.dimensions, positions.shape, strict=True))
        for variable in structure_variables(others=tuple(OTHER_POSITIONS)):
            pieces = [f"{name}-{each}-{variable.name}" for each in state.configuration_ids]
            if made.isdisjoint(pieces):
                continue
            array = create_array(
                directory / name, variable, sizes, system, per_configuration=True, level=COMPACT
            )
            for index, piece in enumerate(pieces):
                if piece in made:
                    array[index] = read_piece(folder, piece)[variable.name]
        about = {key: vars(cage) for key, cage in cages.items()}
        open_to_write(directory / name).update_attributes({"cages": about})
    root.update_attributes({"content_digest": content_digest(directory)})
