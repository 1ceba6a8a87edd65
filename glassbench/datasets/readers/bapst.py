"""The pickles of Bapst et al. (2020): one configuration each, at times of given F_s.

The times differ from configuration to configuration; the conditions are the values
of the intermediate scattering function. The coordinate `time` of an imported state
is that of its first readable file, and `observation_time` holds each one's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DatasetError, SourceError
from ..isoconfigurational import ensemble_arrays
from .restricted_pickle import load_restricted
from .source import (
    PlannedConfiguration,
    PlannedState,
    Positions,
    Problem,
    Settings,
    SourceFile,
    SourcePlan,
    planned,
    refuse_two_splits,
    split_files,
)

PROBES = 3
ATTRIBUTES = {
    "title": "Kob-Andersen isoconfigurational ensembles of Bapst et al. (2020)",
    "units_system": "lj",
    "simulator": "LAMMPS, version not stated in the files",
    "potential": "Kob-Andersen Lennard-Jones",
    "protocol": "constant pressure; 30 trajectories a configuration",
    "seeds": "not published",
    "licence": "Apache-2.0",
    "citation": "V. Bapst et al., Nature Physics 16, 448 (2020), doi:10.1038/s41567-020-0842-8",
}


@dataclass(frozen=True)
class BapstFile:
    """One configuration; lengths in sigma_AA, times in tau.

    Attributes
    ----------
    types : (N,) int8; positions : (N, 3); box : (3,)
    times, scattering : (T,) time and F_s of each condition, as published
    targets : (T, N) published propensity, or None
    trajectories : for the conditions from the first on, arrays (R, N, 3)
    """

    temperature: float
    pressure: float
    types: np.ndarray
    positions: np.ndarray
    box: np.ndarray
    times: np.ndarray
    scattering: np.ndarray
    targets: np.ndarray | None
    trajectories: tuple[np.ndarray, ...]


def read_bapst_file(path: Path) -> BapstFile:
    """Read and check one published pickle, by an unpickler that runs nothing.

    Raises
    ------
    SourceError
        If the pickle asks for more than arrays and containers, or its content is not
        what the format says.
    """
    content = load_restricted(path)
    try:
        return _checked(content)
    except SourceError as error:
        raise SourceError(f"{path} {error}") from None
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise SourceError(f"{path} does not hold what the format says: {error!r}") from error


def _checked(content: object) -> BapstFile:
    needed = ("positions", "types", "box", "time", "time_indices", "is_values", "metadata")
    if not isinstance(content, dict) or any(name not in content for name in needed):
        have = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise SourceError(f"holds {have}, expected a dictionary with {', '.join(needed)}")
    positions = _floats(content["positions"], "positions", (None, 3))
    particles = len(positions)
    types = np.asarray(content["types"])
    if (
        types.shape != (particles,)
        or types.dtype.kind not in "iu"
        or not np.isin(types, (0, 1)).all()
    ):
        raise SourceError(
            f"holds `types` of the shape {types.shape}, expected ({particles},) of 0, 1"
        )
    scattering = _floats(content["is_values"], "is_values", (None,))
    conditions = len(scattering)
    all_times = _floats(content["time"], "time", (None,))
    indices = np.asarray(content["time_indices"])
    if indices.shape != (conditions,) or indices.min() < 0 or indices.max() >= len(all_times):
        raise SourceError(f"holds `time_indices` {indices.tolist()} for {conditions} conditions")
    targets = None
    if "targets" in content:
        targets = _floats(content["targets"], "targets", (conditions, particles))
    trajectories = tuple(
        _floats(one, "trajectory_target_positions", (None, particles, 3))
        for one in content.get("trajectory_target_positions", ())
    )
    if len(trajectories) > conditions:
        raise SourceError(f"holds trajectories at {len(trajectories)} times, {conditions} expected")
    if targets is None and len(trajectories) < conditions:
        raise SourceError("holds neither targets nor trajectories for all of its times")
    return BapstFile(
        temperature=float(content["metadata"]["temperature"]),
        pressure=float(content["metadata"]["pressure"]),
        types=types.astype(np.int8),
        positions=positions,
        box=_floats(content["box"], "box", (3,)),
        times=all_times[indices],
        scattering=scattering,
        targets=targets,
        trajectories=trajectories,
    )


def _floats(value: object, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind != "f" or not fits:
        raise SourceError(
            f"holds `{name}` as {array.dtype} of the shape {array.shape}, expected {shape}"
        )
    if not np.isfinite(array).all():
        raise SourceError(f"holds values in `{name}` that are not finite")
    return array.astype(np.float64, copy=False)


def plan(source: Path, settings: Settings) -> SourcePlan:
    """Return what a folder with train and test pickles holds, or a single pickle as a test."""
    if source.is_file():
        files = [("test", source)]
        source = source.parent
    else:
        files = split_files(source, "*.pickle")
    folders: dict[Path, list[tuple[str, Path]]] = defaultdict(list)
    for split, path in files:
        folder = path.parent.parent if path.parent.name.lower() == split else path.parent
        folders[folder].append((split, path))
    states = [_plan_state(source, folders[folder]) for folder in sorted(folders)]
    names = Counter(state.name for state in states)
    for name, times in names.items():
        if times > 1:
            raise SourceError(
                f"{times} folders of {source} hold the state {name}: import them apart"
            )
    return SourcePlan(ATTRIBUTES, tuple(states))


def _plan_state(source: Path, files: list[tuple[str, Path]]) -> PlannedState:
    probes, reasons = [], []
    for _, path in files:
        try:
            probes.append(read_bapst_file(path))
        except SourceError as error:
            reasons.append(str(error))
        if len(probes) == PROBES:
            break
    if not probes:
        raise SourceError(f"none of {len(files)} pickles can be read. First: {reasons[0]}")
    particles = Counter(len(probe.positions) for probe in probes).most_common(1)[0][0]
    probe = next(probe for probe in probes if len(probe.positions) == particles)
    name = f"T{probe.temperature:.2f}"
    refuse_two_splits(name, ((path.stem, split) for split, path in files))
    return PlannedState(
        name=name,
        attributes={"temperature": probe.temperature, "pressure": probe.pressure},
        times=tuple(float(t) for t in probe.times),
        particles=particles,
        configurations=tuple(
            planned(name, path.stem, split, [SourceFile(path.relative_to(source).as_posix())])
            for split, path in files
        ),
        trajectories=any(probe.trajectories for probe in probes),
        own_times=True,
        scattering=tuple(float(f) for f in probe.scattering),
    )


def read_structure(source: Path, state: PlannedState, entry: PlannedConfiguration) -> Positions:
    """Return positions (N, 3), species (N,) and box (3,) of a configuration."""
    file = read_bapst_file(_root(source) / entry.files[0].path)
    return file.positions, file.types, file.box


def read(
    source: Path, state: PlannedState, entry: PlannedConfiguration, settings: Settings
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of one configuration, or why its file cannot be used."""
    path = entry.files[0].path
    try:
        file = read_bapst_file(_root(source) / path)
        _check_state(file, state)
        return _arrays(file, state, entry, settings), []
    except (DatasetError, SourceError) as error:
        return None, [Problem(path, str(error))]


def _root(source: Path) -> Path:
    return source.parent if source.is_file() else source


def _check_state(file: BapstFile, state: PlannedState) -> None:
    if len(file.positions) != state.particles:
        raise SourceError(f"holds {len(file.positions)} particles, the others {state.particles}")
    if abs(file.temperature - state.attributes["temperature"]) > 1e-9:
        raise SourceError(
            f"was made at temperature {file.temperature:g}, the others of {state.name} were not"
        )
    if not np.allclose(file.scattering, state.scattering, rtol=1e-6):
        raise SourceError(f"has the F_s values {file.scattering}, the others {state.scattering}")
    if file.trajectories and not state.trajectories:
        raise SourceError(
            "holds trajectories, the first files of its state do not: import it apart"
        )


def _arrays(
    file: BapstFile, state: PlannedState, entry: PlannedConfiguration, settings: Settings
) -> dict[str, np.ndarray]:
    arrays = ensemble_arrays(
        file.positions,
        file.types,
        file.box,
        enumerate(file.trajectories),
        len(state.times),
        pair_cutoff=settings.pair_cutoff if state.trajectories else None,
        close_pair_cutoff=settings.close_pair_cutoff,
        close_pair_halves=entry.split != "train",
    )
    if not state.trajectories:
        del arrays["propensity_half_difference"]
    if file.targets is not None:
        made = arrays["trajectory_count"] > 0
        difference = np.abs(arrays["propensity"][made] - file.targets[made]).max(initial=0)
        if difference > 1e-6:
            raise SourceError(
                f"`targets` differ by {difference:.2g} from the average over its trajectories"
            )
        arrays["propensity"] = file.targets
    arrays["observation_time"] = file.times
    return arrays
