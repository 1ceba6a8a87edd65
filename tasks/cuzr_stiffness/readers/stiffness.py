"""A group's own trajectories of a warm solid: stiffness K = k_B T / <|r - <r>|^2> of each atom.

A sample is a folder: a trajectory `T300.…` for each temperature in K, its frames evenly apart at
constant volume, and the structure that models see, `structure.…`; without it the first frame of
the coldest run is taken. Above it stand, as they are there, a folder of its parent sample, and
`train`, `valid` or `test`. Lengths are in Angstrom; the species are Cu and Zr.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.formats import ENDINGS, read_frames, structure_of
from glassbench.datasets.layout import StateLayout
from glassbench.datasets.source import (
    PlannedState,
    Problem,
    SourcePlan,
    Words,
    called_species,
    first_readable,
    one_number,
    own_attributes,
    own_configurations,
    own_splits,
)
from glassbench.model import Structure
from glassbench.simulation.generator import generator_of, import_generator
from glassbench.structure import wrap

_generator = import_generator(Path(__file__).resolve().parents[1] / "generate")
_alloy = generator_of("cuzr_plasticity")
warm_run = _alloy.warm_run

WORDS = ("cooling_rate", "composition", "test_fraction", "species.<label>")
SPECIES = ("Cu", "Zr")
STRUCTURE = "structure"
FEWEST_FRAMES = 8


def plan(source: Path, words: Words) -> SourcePlan:
    """Return the one state of a folder; the structure of its first readable sample is opened."""
    configurations = own_configurations(source, ENDINGS)
    structure, temperatures = first_readable(
        configurations,
        lambda one: (_structure(source, one.files, words), _runs(one.files)),
        "sample",
    )
    copper = 100 * float(np.mean(structure.species == 0))
    state = _generator.stiffness.StiffnessState(
        name="imported",
        attributes={
            "cooling_rate": one_number(words, "cooling_rate"),
            "composition": one_number(words, "composition", copper),
        },
        samples=own_splits(configurations, words, "imported"),
        particles=len(structure.positions),
        species=SPECIES,
        temperatures=tuple(temperatures),
        load=lambda index: {},
        hopped=True,
    )
    attributes = own_attributes(
        title="Stiffness of a group's own glasses",
        units_system="metal",
        protocol="trajectories at constant volume, imported",
    )
    files = tuple(one.files for one in configurations)
    return SourcePlan(attributes, (PlannedState(_generator.stiffness._layout(state), files),))


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of a sample; a sample that lacks a temperature cannot be used."""
    temperatures = layout.coordinates["temperature"].values
    try:
        structure, runs = _structure(source, files, words), _runs(files)
        if tuple(runs) != temperatures:
            raise SourceError(f"it has runs at {tuple(runs)} K, others at {temperatures}")
        if len(structure.positions) != layout.particles:
            raise SourceError(f"it has {len(structure.positions)} atoms, not {layout.particles}")
        measured = [_measure(source / file, t, structure) for t, file in runs.items()]
    except SourceError as error:
        return None, [Problem(files[0], str(error))]
    by_temperature, halves, hopped = (np.stack(values) for values in zip(*measured, strict=True))
    first, second = halves.mean(axis=0)
    return {
        "positions": structure.positions,
        "species": structure.species,
        "box": structure.box,
        "stiffness_by_temperature": by_temperature,
        "stiffness": by_temperature.mean(axis=0),
        "stiffness_half_difference": (first - second) / 2,
        "hopped": hopped,
    }, []


def _runs(files: Sequence[str]) -> dict[float, str]:
    """Return the trajectories by their temperatures in K, rising."""
    runs: dict[float, str] = {}
    for file in files:
        name = Path(file).name.partition(".")[0]
        if name == STRUCTURE:
            continue
        try:
            runs[float(name.removeprefix("T").removesuffix("K"))] = file
        except ValueError:
            raise SourceError(
                f"{file} does not say its temperature: call it T300.… for a run at 300 K, or "
                f"{STRUCTURE}.…"
            ) from None
    if not runs:
        raise SourceError(f"{files[0]} stands alone: trajectories T300.… belong beside it")
    return dict(sorted(runs.items()))


def _structure(source: Path, files: Sequence[str], words: Words) -> Structure:
    own = [file for file in files if Path(file).name.partition(".")[0] == STRUCTURE]
    path = source / (own or list(_runs(files).values()))[0]
    called = called_species(words, SPECIES)
    first = read_frames(path, on_problem=lambda message: None)[0]
    return structure_of(first, path.stem, dimension=3, species=SPECIES, called=called)


def _measure(
    path: Path, temperature: float, structure: Structure
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return K (N,), that of each half of the time (2, N), and which atoms hopped (N,)."""
    frames = read_frames(path)
    if len(frames) < FEWEST_FRAMES:
        raise SourceError(f"{path} has {len(frames)} frames: {FEWEST_FRAMES} at least are needed")
    box = frames[0].box
    masses = np.array(_alloy.potential.MASSES)[structure.species]
    moments = warm_run.BlockMoments(structure.positions * (box / structure.box), masses)
    for number, frame in enumerate(frames):
        if len(frame.positions) != len(masses) or not np.allclose(frame.box, box, rtol=1e-6):
            raise SourceError(
                f"{path}, frame {frame.number}: it has other atoms or another box than frame 0"
            )
        moments.add(number * warm_run.BLOCKS // len(frames), wrap(frame.positions, box), box)
    parts = (slice(0, warm_run.BLOCKS // 2), slice(warm_run.BLOCKS // 2, warm_run.BLOCKS))
    squares = [moments.mean_squared_displacement(p) for p in (slice(0, warm_run.BLOCKS), *parts)]
    if min(one.min() for one in squares) <= 0:
        raise SourceError(f"{path}: an atom does not move: its frames are copies of each other")
    whole, *halves = (warm_run._stiffness(one, temperature) for one in squares)
    return whole, np.stack(halves), moments.hopped()
