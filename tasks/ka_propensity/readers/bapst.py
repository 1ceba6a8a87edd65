"""The pickles of Bapst et al. (2020): one configuration each, at times of given F_s.

The times differ from configuration to configuration; the conditions are the values
of the intermediate scattering function. The coordinate `time` of an imported state
is that of its first readable file, and `observation_time` holds each one's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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

from ._pickles import load_restricted
from ._published import (
    CUTOFFS,
    Positions,
    Settings,
    ensemble_arrays,
    planned_state,
    settings_of,
    slots_of,
)

WORDS = CUTOFFS
PROBES = 3
# Relative differences within one state. Each configuration of a run at constant pressure has a
# density of its own.
SAME = {"pressure": 1e-6, "number density": 0.02}
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

    @property
    def number_density(self) -> float:
        """Particles per sigma_AA^3."""
        return len(self.positions) / float(np.prod(self.box))


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


def plan(source: Path, words: Words) -> SourcePlan:
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
    settings = settings_of(words)
    states = [_plan_state(source, folders[folder], settings) for folder in sorted(folders)]
    names = Counter(state.layout.name for state in states)
    for name, times in names.items():
        if times > 1:
            raise SourceError(
                f"{times} folders of {source} hold the state {name}: import them apart"
            )
    return SourcePlan(ATTRIBUTES, tuple(states))


def _plan_state(source: Path, files: list[tuple[str, Path]], settings: Settings) -> PlannedState:
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
    return planned_state(
        name,
        {
            "temperature": probe.temperature,
            "pressure": probe.pressure,
            "number_density": probe.number_density,
            "scattering_function": [float(f) for f in probe.scattering],
        },
        tuple(float(t) for t in probe.times),
        particles,
        [(path.stem, split, [path.relative_to(source).as_posix()]) for split, path in files],
        settings if any(probe.trajectories for probe in probes) else None,
        own_times=True,
    )


def pair_slots(source: Path, state: PlannedState, words: Words) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for; none without trajectories."""
    if "pair_cutoff" not in state.layout.attributes:
        return 0, 0

    def structure_of(files: Sequence[str]) -> Positions:
        file = read_bapst_file(source / files[0])
        return file.positions, file.types, file.box

    return slots_of(state, settings_of(words), structure_of)


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of one configuration, or why its file cannot be used."""
    try:
        file = read_bapst_file(source / files[0])
        _check_state(file, layout)
        split = layout.configurations[index].split
        return _arrays(file, layout, split, settings_of(words)), []
    except (DatasetError, SourceError) as error:
        return None, [Problem(files[0], str(error))]


def _check_state(file: BapstFile, layout: StateLayout) -> None:
    scattering = layout.attributes["scattering_function"]
    if len(file.positions) != layout.particles:
        raise SourceError(f"holds {len(file.positions)} particles, the others {layout.particles}")
    if abs(file.temperature - layout.attributes["temperature"]) > 1e-9:
        raise SourceError(
            f"was made at temperature {file.temperature:g}, the others of {layout.name} were not"
        )
    own = {"pressure": file.pressure, "number density": file.number_density}
    for quantity, value in own.items():
        others = layout.attributes[quantity.replace(" ", "_")]
        if abs(value - others) > SAME[quantity] * abs(others):
            raise SourceError(
                f"was made at {quantity} {value:.6g}, the others of {layout.name} at {others:.6g}: "
                "import it apart, from a folder of its own"
            )
    if not np.allclose(file.scattering, scattering, rtol=1e-6):
        raise SourceError(f"has the F_s values {file.scattering}, the others {scattering}")
    if file.trajectories and not layout.pair_slots:
        raise SourceError(
            "holds trajectories, the first files of its state do not: import it apart"
        )


def _arrays(
    file: BapstFile, layout: StateLayout, split: str, settings: Settings
) -> dict[str, np.ndarray]:
    arrays = ensemble_arrays(
        file.positions,
        file.types,
        file.box,
        enumerate(file.trajectories),
        len(file.times),
        pair_cutoff=settings.pair_cutoff if layout.pair_slots else None,
        close_pair_cutoff=settings.close_pair_cutoff,
        close_pair_halves=split != "train",
    )
    if not layout.pair_slots:
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
