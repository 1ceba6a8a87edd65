"""The Kob-Andersen `.npz` files of the roadmap dataset (Jung et al., Zenodo 10118191).

One file per configuration with published averages at all times: no trajectories, so
neither halves nor pair targets can be had from it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.layout import StateLayout, Variable
from glassbench.datasets.source import (
    PlannedState,
    Problem,
    SourcePlan,
    Words,
    refuse_two_splits,
    split_files,
)

from ._npz import read_npz
from ._published import (
    ROADMAP_TIMES,
    TIMES_WORD,
    box_of,
    planned_state,
    settings_of,
    state_attributes,
    times_at,
)

WORDS = (TIMES_WORD,)
BOND_BREAKING = Variable(
    "bond_breaking_propensity",
    ("configuration", "time", "particle"),
    "float64",
    "none",
    "bond-breaking propensity, as published",
)
NAME = re.compile(r"N(\d+)T(\d+\.\d+)_(\d+)\.npz")
ATTRIBUTES = {
    "title": "Kob-Andersen propensities of the roadmap dataset (Jung et al.)",
    "units_system": "lj",
    "simulator": "not stated in the published files",
    "potential": "Kob-Andersen, as in Shiba et al. (2023)",
    "protocol": "averages over the isoconfigurational ensembles of Shiba et al. (2023)",
    "seeds": "not published",
    "licence": "see Zenodo 10118191",
    "citation": "G. Jung et al., Nature Reviews Physics (2025), "
    "doi:10.1038/s42254-024-00791-4; Zenodo 10118191",
}


@dataclass(frozen=True)
class RoadmapFile:
    """One file: lengths in sigma_AA.

    Attributes
    ----------
    types : (N,) int8; the three kinds of positions : (N, 3) float64; box : (3,)
    propensity : (T, N) float64, `md_prop` as published
    bond_breaking : (T, N) float64, `bb_prop` as published, or None
    """

    types: np.ndarray
    initial_positions: np.ndarray
    inherent_positions: np.ndarray
    cage_positions: np.ndarray
    propensity: np.ndarray
    bond_breaking: np.ndarray | None
    box: np.ndarray


def read_roadmap_file(path: Path) -> RoadmapFile:
    """Read and check one published file.

    Raises
    ------
    SourceError
        If the name or the content is not what the format says.
    """
    particles, _, _ = parse_name(path.name)
    points = ("float", (particles, 3))
    arrays = read_npz(
        path,
        {
            "types": ("integer", (particles,)),
            "initial_positions": points,
            "initial_positions_inherent": points,
            "initial_positions_cage": points,
            "md_prop": ("float", (None, particles)),
        },
        {"bb_prop": ("float", (None, particles))},
    )
    if not np.isin(arrays["types"], (0, 1)).all():
        raise SourceError(f"{path} holds types {np.unique(arrays['types'])[:5]}: only 0 and 1 are")
    broken = arrays.get("bb_prop")
    if broken is not None and len(broken) != len(arrays["md_prop"]):
        raise SourceError(
            f"{path} holds `bb_prop` at {len(broken)} times, `md_prop` at {len(arrays['md_prop'])}"
        )
    return RoadmapFile(
        types=arrays["types"].astype(np.int8),
        initial_positions=arrays["initial_positions"].astype(np.float64),
        inherent_positions=arrays["initial_positions_inherent"].astype(np.float64),
        cage_positions=arrays["initial_positions_cage"].astype(np.float64),
        propensity=arrays["md_prop"].astype(np.float64),
        bond_breaking=None if broken is None else broken.astype(np.float64),
        box=box_of(particles),
    )


def parse_name(name: str) -> tuple[int, float, int]:
    """Return particles, temperature and number of a file's name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise SourceError(f"{name} is not named as N4096T0.44_401.npz")
    return int(match[1]), float(match[2]), int(match[3])


def plan(source: Path, words: Words) -> SourcePlan:
    """Return what a folder with train and test files holds; no file is opened."""
    problems = []
    files: dict[tuple[float, int], list] = defaultdict(list)
    for split, path in split_files(source, "*.npz"):
        relative = path.relative_to(source).as_posix()
        try:
            particles, temperature, number = parse_name(path.name)
        except SourceError as error:
            problems.append(Problem(relative, str(error)))
            continue
        files[temperature, particles].append((number, split, relative))
    temperatures = [temperature for temperature, _ in files]
    for temperature in temperatures:
        if temperatures.count(temperature) > 1:
            raise SourceError(f"T{temperature:.2f} has files of several sizes: import them apart")
    states = tuple(
        _plan_state(temperature, particles, sorted(listed), words)
        for (temperature, particles), listed in sorted(files.items())
    )
    return SourcePlan(ATTRIBUTES, states, tuple(problems))


def _plan_state(temperature: float, particles: int, files: list, words: Words) -> PlannedState:
    name = f"T{temperature:.2f}"
    refuse_two_splits(name, ((str(number), split) for number, split, _ in files))
    return planned_state(
        name,
        state_attributes(temperature),
        times_at(temperature, ROADMAP_TIMES, settings_of(words).times),
        particles,
        [(str(number), split, [path]) for number, split, path in files],
        settings=None,
        minima=True,
        more=(BOND_BREAKING,),
    )


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of one configuration, or why its file cannot be used."""
    (path,), times = files, layout.coordinates["time"].values
    try:
        file = read_roadmap_file(source / path)
        if len(file.propensity) != len(times):
            raise SourceError(
                f"{path} holds `md_prop` at {len(file.propensity)} times, {layout.name} has "
                f"{len(times)} ({', '.join(f'{t:g}' for t in times)}): give the times"
            )
    except SourceError as error:
        return None, [Problem(path, str(error))]
    arrays = {
        "positions": file.initial_positions,
        "inherent_positions": file.inherent_positions,
        "cage_positions": file.cage_positions,
        "species": file.types,
        "box": file.box,
        "propensity": file.propensity,
    }
    if file.bond_breaking is not None:
        arrays["bond_breaking_propensity"] = file.bond_breaking
    return arrays, []
