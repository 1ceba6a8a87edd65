"""The `.npz` files of Shiba et al. (2023): one per configuration and time, with trajectories.

Names as `isoconfig_N4096T0.44_401_tc07.npz`; the time index counts from 1 in the
paper's Table I. At T = 0.64 the table lists nine times from 0.100 on; where a
folder's indices mean others, give the times. Each file's mean displacement is
held against the ballistic limit, so that a wrong table does not pass.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.contract.errors import DatasetError, SourceError
from glassbench.datasets.layout import StateLayout
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
    BOTAN_TIMES,
    CUTOFFS,
    TIMES_WORD,
    Positions,
    Settings,
    box_of,
    ensemble_arrays,
    planned_state,
    settings_of,
    slots_of,
    state_attributes,
    times_at,
)

WORDS = (*CUTOFFS, TIMES_WORD)
NAME = re.compile(r"isoconfig_N(\d+)T(\d+\.\d+)_(\d+)_tc(\d+)\.npz")
ATTRIBUTES = {
    "title": "Kob-Andersen isoconfigurational ensembles of Shiba et al. (2023)",
    "units_system": "lj",
    "simulator": "not stated in the published files",
    "potential": "Kob-Andersen, Lennard-Jones shifted in energy and force at 2.5 sigma (Eq. 7, 8)",
    "protocol": "melt at T = 5.0, quench within 20 tau, Nose-Hoover for 40 tau_alpha; "
    "32 NVE trajectories a configuration, time step 0.001",
    "seeds": "not published",
    "licence": "see the authors' archive of the data",
    "citation": "H. Shiba, M. Hanai, T. Suzumura, T. Shimokawabe, J. Chem. Phys. 158, 084503 "
    "(2023), doi:10.1063/5.0129791",
}


@dataclass(frozen=True)
class BotanFile:
    """One file: lengths in sigma_AA.

    Attributes
    ----------
    types : (N,) int8, 0 = A, 1 = B
    initial_positions : (N, 3) float64
    positions : (R, N, 3) float64, absolute, at one time
    box : (3,) float64
    """

    temperature: float
    number: int
    time_index: int
    types: np.ndarray
    initial_positions: np.ndarray
    positions: np.ndarray
    box: np.ndarray


def read_botan_file(path: Path) -> BotanFile:
    """Read and check one published file.

    Raises
    ------
    SourceError
        If the name or the content is not what the format says.
    """
    particles, temperature, number, time_index = parse_name(path.name)
    arrays = read_npz(
        path,
        {
            "types": ("integer", (particles,)),
            "initial_positions": ("float", (particles, 3)),
            "positions": ("float", (None, particles, 3)),
        },
    )
    types, count = arrays["types"], len(arrays["positions"])
    if not np.isin(types, (0, 1)).all():
        raise SourceError(f"{path} holds types {np.unique(types)[:5]}: only 0 (A) and 1 (B) are")
    if count < 2 or count % 2:
        raise SourceError(f"{path} holds {count} trajectories: an even number is needed for halves")
    return BotanFile(
        temperature=temperature,
        number=number,
        time_index=time_index,
        types=types.astype(np.int8),
        initial_positions=arrays["initial_positions"].astype(np.float64),
        positions=arrays["positions"].astype(np.float64, copy=False),
        box=box_of(particles),
    )


def parse_name(name: str) -> tuple[int, float, int, int]:
    """Return particles, temperature, number and time index of a file's name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise SourceError(f"{name} is not named as isoconfig_N4096T0.44_401_tc07.npz")
    particles, temperature, number, time_index = match.groups()
    return int(particles), float(temperature), int(number), int(time_index)


def plan(source: Path, words: Words) -> SourcePlan:
    """Return what a folder with train and test files holds; no file is opened."""
    settings, problems = settings_of(words), []
    files: dict[float, dict[int, list]] = defaultdict(lambda: defaultdict(list))
    sizes: dict[float, set[int]] = defaultdict(set)
    for split, path in split_files(source, "*.npz"):
        relative = path.relative_to(source).as_posix()
        try:
            particles, temperature, number, time_index = parse_name(path.name)
            times = times_at(temperature, BOTAN_TIMES, settings.times)
            if not 1 <= time_index <= len(times):
                raise SourceError(
                    f"time index {time_index} is not within 1 to {len(times)} at "
                    f"temperature {temperature:g}: give the times"
                )
        except SourceError as error:
            problems.append(Problem(relative, str(error)))
            continue
        files[temperature][number].append((time_index, split, relative))
        sizes[temperature].add(particles)
    states = [_plan_state(t, files[t], sizes[t], settings) for t in sorted(files)]
    return SourcePlan(ATTRIBUTES, tuple(states), tuple(problems))


def _plan_state(
    temperature: float, numbers: dict[int, list], sizes: set[int], settings: Settings
) -> PlannedState:
    name = f"T{temperature:.2f}"
    if len(sizes) > 1:
        raise SourceError(f"{name} has files of {sorted(sizes)} particles: import them apart")
    refuse_two_splits(name, ((str(n), s) for n, files in numbers.items() for _, s, _ in files))
    configurations = []
    for number, files in sorted(numbers.items()):
        if len({index for index, _, _ in files}) < len(files):
            raise SourceError(f"configuration {number} of {name} has two files of one time index")
        configurations.append((str(number), files[0][1], [path for _, _, path in sorted(files)]))
    table = times_at(temperature, BOTAN_TIMES, settings.times)
    indices = sorted({index for files in numbers.values() for index, _, _ in files})
    return planned_state(
        name,
        state_attributes(temperature),
        tuple(table[index - 1] for index in indices),
        sizes.pop(),
        configurations,
        settings,
        dtype="float32",
    )


def pair_slots(source: Path, state: PlannedState, words: Words) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for."""

    def structure_of(files: Sequence[str]) -> Positions:
        for file in files:
            with contextlib.suppress(SourceError):
                content = read_botan_file(source / file)
                return content.initial_positions, content.types, content.box
        raise SourceError(f"none of {', '.join(files)} can be read")

    return slots_of(state, settings_of(words), structure_of)


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of one configuration, from the files that are whole, and the others."""
    settings, times = settings_of(words), layout.coordinates["time"].values
    arrays: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    first = None
    for file in files:
        try:
            content = read_botan_file(source / file)
            if first is not None:
                _check_same_structure(content, first, file)
            table = times_at(content.temperature, BOTAN_TIMES, settings.times)
            time = times.index(table[content.time_index - 1])
            part = ensemble_arrays(
                content.initial_positions,
                content.types,
                content.box,
                [(time, list(content.positions))],
                len(times),
                pair_cutoff=settings.pair_cutoff,
                close_pair_cutoff=settings.close_pair_cutoff,
                close_pair_halves=layout.configurations[index].split != "train",
            )
            mean = float(part["propensity"][time].mean())
            check_ballistic(mean, table[content.time_index - 1], content.temperature)
        except (DatasetError, SourceError) as error:
            problems.append(Problem(file, str(error)))
            continue
        if first is None:
            arrays, first = part, content
        else:
            _merge(arrays, part, time)
    return arrays or None, problems


def check_ballistic(mean: float, time: float, temperature: float) -> None:
    """Hold a mean displacement against free flight, to catch a wrong time or a wrong unit.

    With masses of 1, <|Δr|> <= sqrt(8 T / π) t at any time; at t <= 0.15 the mean stays
    above 0.6 of it.

    Raises
    ------
    SourceError
        If the displacement lies outside.
    """
    limit = np.sqrt(8 * temperature / np.pi) * time
    lower = 0.6 * limit if time <= 0.15 else 0.0
    if not lower <= mean <= 1.05 * limit:
        raise SourceError(
            f"mean displacement {mean:.4g} lies outside {lower:.4g} to {1.05 * limit:.4g}, what "
            f"free flight allows at t = {time:g} and T = {temperature:g}: the time is another one; "
            "give the times"
        )


def _check_same_structure(file: BotanFile, first: BotanFile, path: str) -> None:
    for name in ("types", "initial_positions"):
        if not np.array_equal(getattr(file, name), getattr(first, name)):
            raise SourceError(
                f"`{name}` of {path} differ from those of this configuration's time index "
                f"{first.time_index}: one of the two files is another configuration"
            )


def _merge(arrays: dict[str, np.ndarray], part: dict[str, np.ndarray], time: int) -> None:
    for name in (
        "propensity",
        "propensity_half_difference",
        "pair_distance_change",
        "pair_distance_change_half_difference",
        "trajectory_count",
    ):
        arrays[name][time] = part[name][time]
