"""Targets of each particle that were computed already: a column of the files.

A configuration is one file of one frame, in a folder of its own or beside others. Columns are
called `propensity_time_16p5`, one a time (or `propensity`, and `time=16.5` says when), or
`stiffness`. Above it stand, as they are there, a folder of its parent sample, `train`, `valid` or
`test`, and `T0.64` for the temperature.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.formats import ENDINGS, Frame, read_frames, structure_of
from glassbench.datasets.layout import PER_PARTICLE, StateLayout, Variable, structure_variables
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
    own_splits,
)

from ._published import own_state

WORDS = ("temperature", "time", "cooling_rate", "composition", "test_fraction", "species.<label>")
TARGETS = ("propensity", "stiffness")
SPECIES = {"propensity": ("A", "B"), "stiffness": ("Cu", "Zr")}
TEMPERATURE = re.compile(r"T_?(\d+(?:\.\d+)?)")
TIME = re.compile(r"propensity_time_(\d+(?:[p.]\d+)?)")


def plan(source: Path, words: Words) -> SourcePlan:
    """Return what a folder holds; the first configuration that can be read says its columns."""
    states: dict[float | None, list[OwnConfiguration]] = defaultdict(list)
    for one in own_configurations(source, ENDINGS, single_files=True):
        matches = [m for folder in one.folders if (m := TEMPERATURE.fullmatch(folder))]
        states[float(matches[0][1]) if matches else None].append(one)
    planned = [_plan_state(source, known, ones, words) for known, ones in states.items()]
    metal = planned[0].layout.name == "imported"
    attributes = own_attributes(
        title="Targets that a group computed",
        units_system="metal" if metal else "lj",
        protocol="columns of files, imported",
    )
    return SourcePlan(attributes, tuple(planned))


def _plan_state(
    source: Path, known: float | None, found: list[OwnConfiguration], words: Words
) -> PlannedState:
    frame = first_readable(found, lambda one: _frame(source, one.files), "configuration")
    particles = len(frame.positions)
    if "stiffness" in frame.arrays:
        entries = own_splits(found, words, "imported")
        what = "stiffness k_B T / <|dr|^2>, as the files state it"
        layout = StateLayout(
            name="imported",
            attributes={"cooling_rate": one_number(words, "cooling_rate")},
            configurations=entries,
            particles=particles,
            variables=(
                *structure_variables(position_dtype="float64", species=SPECIES["stiffness"]),
                Variable("stiffness", PER_PARTICLE, "float64", "stiffness", what),
            ),
        )
        return PlannedState(layout, tuple(one.files for one in found))
    temperature = one_number(words, "temperature", known)
    times = tuple(_times(frame, words))
    return own_state(found, words, temperature, frame.box, particles, times)


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return structure and targets of one configuration."""
    target = "propensity" if "time" in layout.coordinates else "stiffness"
    species = SPECIES[target]
    called = called_species(words, species)
    try:
        frame = _frame(source, files)
        structure = structure_of(frame, files[0], dimension=3, species=species, called=called)
        if len(frame.positions) != layout.particles:
            raise SourceError(f"it has {len(frame.positions)} particles, not {layout.particles}")
        if target == "stiffness":
            values = frame.arrays.get(target)
        else:
            times = _times(frame, words)
            if tuple(times) != layout.coordinates["time"].values:
                raise SourceError(f"its times are {tuple(times)}, others have others")
            values = np.stack([frame.arrays[column] for column in times.values()])
        if values is None or not (np.isfinite(values).all() and (values >= 0).all()):
            raise SourceError(f"its column `{target}` is missing, not finite, or below 0")
    except SourceError as error:
        return None, [Problem(files[0], str(error))]
    given = {name: getattr(structure, name) for name in ("positions", "species", "box")}
    return given | {target: values}, []


def _frame(source: Path, files: Sequence[str]) -> Frame:
    if len(files) > 1:
        raise SourceError(f"{files[0]} and {files[1]} are the same configuration: keep one of them")
    frames = read_frames(source / files[0], columns=TARGETS)
    if len(frames) > 1 or not [n for n in frames[0].arrays if n.startswith(TARGETS)]:
        raise SourceError(
            f"{files[0]} has {len(frames)} frames and the columns "
            f"{', '.join(frames[0].arrays) or 'none'}: one frame with a column of "
            f"{' or '.join(TARGETS)} is wanted"
        )
    return frames[0]


def _times(frame: Frame, words: Words) -> dict[float, str]:
    """Return the columns of the propensity by their times, rising."""
    columns = {float(m[1].replace("p", ".")): n for n in frame.arrays if (m := TIME.fullmatch(n))}
    if not columns and "propensity" in frame.arrays:
        columns = {one_number(words, "time"): "propensity"}
    return dict(sorted(columns.items()))
