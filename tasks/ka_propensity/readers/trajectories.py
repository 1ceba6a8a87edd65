"""A group's own isoconfigurational trajectories: LAMMPS dumps, extended XYZ, GSD or `.npz`.

A configuration is a folder with one file a run, whose first frame is the configuration and whose
others are the later times; or one `.npz` with `initial_positions` (N, 3), `positions`
(T, R, N, 3), `times` (T,), `species` (N,) and `box` (3,). Above it stand, as they are there, a
folder of its parent sample, `train`, `valid` or `test`, and `T0.64` for the temperature. Lengths
are in sigma_AA, masses 1.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glassbench.contract.errors import DatasetError, SourceError
from glassbench.datasets.formats import ENDINGS, Frame, read_frames
from glassbench.datasets.formats.frame import species_numbers
from glassbench.datasets.formats.xdr import STRUCTURE
from glassbench.datasets.layout import StateLayout
from glassbench.datasets.source import (
    OwnConfiguration,
    PlannedState,
    Problem,
    SourcePlan,
    Words,
    called_species,
    first_readable,
    one_number,
    own_attributes,
    own_configurations,
)
from glassbench.structure import minimum_image, wrap

from ._npz import read_npz
from ._published import (
    CUTOFFS,
    Positions,
    Settings,
    _generator,
    ensemble_arrays,
    own_state,
    settings_of,
    slots_of,
)
from .botan import check_ballistic

WORDS = (*CUTOFFS, "temperature", "times", "timestep", "test_fraction", "species.<label>")
SPECIES = ("A", "B")
TEMPERATURE = re.compile(r"T_?(\d+(?:\.\d+)?)")
# How far the starts of two runs of a configuration may lie apart: GSD rounds to float32.
SAME_START = 1e-4
ATTRIBUTES = {
    "title": "Isoconfigurational trajectories of a group's own",
    "units_system": "lj",
    "protocol": "isoconfigurational runs, imported",
}


@dataclass(frozen=True)
class Runs:
    """The runs of a configuration; lengths in sigma_AA.

    `positions` (R, T, N, 3) follow particles through the faces of the box from `start` (N, 3),
    which lies in it; `times` (T,).
    """

    start: np.ndarray
    species: np.ndarray
    box: np.ndarray
    times: tuple[float, ...]
    positions: np.ndarray


def plan(source: Path, words: Words) -> SourcePlan:
    """Return what a folder holds; of each temperature one configuration is opened."""
    states: dict[float, list[OwnConfiguration]] = defaultdict(list)
    for one in own_configurations(source, ENDINGS):
        # What tells the species of runs whose files do not.
        runs = tuple(f for f in one.files if not Path(f).name.startswith(f"{STRUCTURE}."))
        states[_temperature(one, words)].append(replace(one, files=runs or one.files))
    return SourcePlan(
        own_attributes(**ATTRIBUTES),
        tuple(_plan_state(source, t, states[t], words) for t in sorted(states)),
    )


def _temperature(one: OwnConfiguration, words: Words) -> float:
    for folder in one.folders:
        if match := TEMPERATURE.fullmatch(folder):
            return float(match[1])
    if "temperature" not in words:
        raise SourceError(
            f"the temperature of {one.name} is not known: give temperature=T, or name a folder "
            "T0.64"
        )
    return one_number(words, "temperature")


def _plan_state(
    source: Path, temperature: float, found: list[OwnConfiguration], words: Words
) -> PlannedState:
    name = f"T{temperature:.2f}"
    first = first_readable(
        found,
        lambda one: _read_runs(source, one.files[:1], words, []),
        f"configuration of {name}",
    )
    motion = _generator.local_motion
    return own_state(
        found,
        words,
        temperature,
        first.box,
        len(first.start),
        first.times,
        _settings(words),
        more=motion.local_motion_variables(dict.fromkeys(motion.MEANINGS)),
    )


def pair_slots(source: Path, state: PlannedState, words: Words) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for."""

    def structure_of(files: Sequence[str]) -> Positions:
        runs = _read_runs(source, files[:1], words, [])
        return runs.start, runs.species, runs.box

    return slots_of(state, _settings(words), structure_of)


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of one configuration, from the runs that are whole, and the others."""
    problems: list[Problem] = []
    settings, times = _settings(words), layout.coordinates["time"].values
    try:
        runs = _read_runs(source, files, words, problems)
        if runs.times != times:
            raise SourceError(f"its times are {runs.times}, those of {layout.name} {times}")
        if len(runs.start) != layout.particles:
            raise SourceError(f"it has {len(runs.start)} particles, others {layout.particles}")
        count = len(runs.positions) // 2 * 2
        if count < len(runs.positions):
            problems.append(Problem(files[-1], "the number of runs is odd: the last is left out"))
        motion = _generator.local_motion
        arrays = ensemble_arrays(
            runs.start,
            runs.species,
            runs.box,
            ((time, list(runs.positions[:count, time])) for time in range(len(times))),
            len(times),
            pair_cutoff=settings.pair_cutoff,
            close_pair_cutoff=settings.close_pair_cutoff,
            close_pair_halves=layout.configurations[index].split != "train",
            observables=[
                motion.neighbour_relative_motion(runs.start, runs.box),
                motion.bond_breaking(
                    runs.start, runs.species, runs.box, _generator.kob_andersen.DIAMETERS
                ),
            ],
        )
        for time, propensity in zip(times, arrays["propensity"], strict=True):
            temperature = float(layout.attributes["temperature"])  # type: ignore[arg-type]
            check_ballistic(float(propensity.mean()), float(time), temperature)
    except (DatasetError, SourceError, ValueError) as error:
        return None, [*problems, Problem(files[0], str(error))]
    return arrays, problems


def _read_runs(source: Path, files: Sequence[str], words: Words, problems: list[Problem]) -> Runs:
    """Return the runs of one configuration; those that cannot be used become problems."""
    if files[0].lower().endswith(".npz"):
        return _from_npz(source / files[0], words)
    runs: list[Runs] = []
    for file in files:
        try:
            one = _from_frames(source / file, words)
            if runs:
                _refuse_other_start(one, runs[0])
            runs.append(one)
        except SourceError as error:
            problems.append(Problem(file, str(error)))
    if not runs:
        raise SourceError(f"none of its {len(files)} files can be used: {problems[0].message}")
    return replace(runs[0], positions=np.concatenate([one.positions for one in runs]))


def _from_frames(path: Path, words: Words) -> Runs:
    frames = read_frames(path)
    first, later = frames[0], frames[1:]
    if not later:
        raise SourceError(f"{path} holds one frame: the start and later ones are needed")
    called = called_species(words, SPECIES)
    start = wrap(first.positions, first.box)
    positions = np.empty((1, len(later), *start.shape))
    for number, frame in enumerate(later):
        same = np.array_equal(frame.labels, first.labels) and (
            first.ids is None or np.array_equal(frame.ids, first.ids)
        )
        if not same or not np.allclose(frame.box, first.box, rtol=1e-6):
            raise SourceError(
                f"{path}, frame {frame.number}: it has other particles or another box than frame 0"
            )
        positions[0, number] = start + _displacements(frame, first)
    return Runs(
        start,
        species_numbers(first.labels, SPECIES, called),
        first.box,
        _times(path, frames, words),
        positions,
    )


def _displacements(frame: Frame, first: Frame) -> np.ndarray:
    """Return how far particles moved; of positions in the box alone, the shortest way is taken."""
    moved = frame.positions - first.positions
    inside = ((frame.positions > -SAME_START) & (frame.positions < frame.box + SAME_START)).all()
    return minimum_image(moved, first.box) if inside and not frame.unwrapped else moved


def _times(path: Path, frames: Sequence[Frame], words: Words) -> tuple[float, ...]:
    """Return the times of the later frames: as given, as the file has them, or from its steps."""
    if "times" in words:
        times = tuple(words["times"])
        if len(times) != len(frames) - 1:
            raise SourceError(
                f"{path} holds {len(frames) - 1} frames after the first, and times= has "
                f"{len(times)}"
            )
        return times
    for name in ("time", "Time"):
        if all(name in frame.facts for frame in frames):
            stated = [float(frame.facts[name]) for frame in frames]
            return tuple(round(time - stated[0], 9) for time in stated[1:])
    steps = [str(frame.facts.get("step", "")) for frame in frames]
    if "timestep" not in words or not all(step.isdigit() for step in steps):
        raise SourceError(f"{path} does not say its times: give times=T1,T2,… or timestep=DT")
    step = one_number(words, "timestep")
    return tuple(round((int(each) - int(steps[0])) * step, 9) for each in steps[1:])


def _from_npz(path: Path, words: Words) -> Runs:
    shape = (None, None, None, 3)
    arrays = read_npz(
        path,
        {
            "initial_positions": ("float", (None, 3)),
            "positions": ("float", shape),
            "species": ("integer", (None,)),
            "box": ("float", (3,)),
        },
        {"times": ("float", (None,))},
    )
    start, box = arrays["initial_positions"].astype(np.float64), arrays["box"].astype(np.float64)
    positions = arrays["positions"].astype(np.float64)
    times = tuple(words.get("times", ())) or tuple(arrays.get("times", np.empty(0)).tolist())
    if len(times) != len(positions) or positions.shape[2] != len(start):
        raise SourceError(
            f"{path}: {len(times)} times and {len(start)} particles do not fit positions "
            f"{positions.shape} (times, runs, particles, 3)"
        )
    inside = wrap(start, box)
    species = species_numbers(arrays["species"].astype(np.str_), SPECIES, {})
    moved = np.moveaxis(positions + (inside - start), 1, 0)
    return Runs(inside, species, box, times, moved)


def _refuse_other_start(one: Runs, first: Runs) -> None:
    if one.start.shape != first.start.shape or one.times != first.times:
        raise SourceError("it has other particles or times than the first run")
    apart = np.abs(minimum_image(one.start - first.start, first.box)).max()
    if apart > SAME_START or not np.array_equal(one.species, first.species):
        raise SourceError(
            f"it does not start from the configuration of the first run: {apart:.3g} apart"
        )


def _settings(words: Words) -> Settings:
    return settings_of({word: values for word, values in words.items() if word in CUTOFFS})
