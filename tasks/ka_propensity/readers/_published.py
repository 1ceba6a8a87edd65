"""What the published Kob-Andersen data have in common: times, settings, the layout of a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    Variable,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.datasets.pairs import (
    CLOSE_PAIR_CUTOFF,
    PAIR_CUTOFF,
    close_pair_index,
    pair_distances,
    undirected_pairs,
)
from glassbench.datasets.source import (
    OwnConfiguration,
    PlannedState,
    Words,
    first_readable,
    one_number,
    own_splits,
)
from glassbench.simulation.generator import import_generator

# Published trajectories are averaged as simulated ones.
_generator = import_generator(Path(__file__).resolve().parents[1] / "generate")
ensemble_arrays = _generator.isoconfigurational.ensemble_arrays

NUMBER_DENSITY = 1.2
# Shiba et al., J. Chem. Phys. 158, 084503 (2023), Table I; 0.56 from the roadmap's tables.
BOTAN_TIMES = {
    0.44: (0.13, 1.30, 13.0, 130.0, 412.0, 1300.0, 4120.0, 13000.0, 41200.0, 130000.0),
    0.50: (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217.0, 686.0, 2170.0, 6860.0),
    0.56: (0.104, 0.33, 0.99, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0, 1650.0),
    0.64: (0.100, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0),
}
# Jung et al., Zenodo 10118191, as its published scores are tabulated.
ROADMAP_TIMES = BOTAN_TIMES | {
    0.64: (0.032, 0.100, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0),
}
TAU_ALPHA = {0.44: 4120.0, 0.50: 217.0, 0.64: 16.5}
CUTOFFS = ("pair_cutoff", "close_pair_cutoff")
TIMES_WORD = "times.<temperature>"
# Positions (N, 3), species (N,) and box (3,) of a configuration.
Positions = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Settings:
    """What changes the outcome of an import: cutoffs in sigma_AA, times in tau by temperature."""

    pair_cutoff: float = PAIR_CUTOFF
    close_pair_cutoff: float = CLOSE_PAIR_CUTOFF
    times: Mapping[float, tuple[float, ...]] = field(default_factory=dict)


def settings_of(words: Words) -> Settings:
    """Return the settings that words such as `pair_cutoff` and `times.0.64` make."""
    cutoffs, times = {}, {}
    for word, values in words.items():
        if word in CUTOFFS:
            cutoffs[word] = one_number(words, word)
        else:
            temperature = word.removeprefix("times.")
            try:
                times[float(temperature)] = tuple(values)
            except ValueError:
                raise SourceError(f"`{temperature}` in `{word}` is not a number") from None
    return Settings(**cutoffs, times=times)


def times_at(
    temperature: float,
    table: Mapping[float, tuple[float, ...]],
    given: Mapping[float, tuple[float, ...]],
) -> tuple[float, ...]:
    """Return the times of a temperature: those that the user gave, or those of the table."""
    for known in (given, table):
        for key, times in known.items():
            if abs(key - temperature) < 1e-9:
                return tuple(times)
    raise SourceError(
        f"the times at temperature {temperature:g} are not known (known: "
        f"{', '.join(f'{key:g}' for key in sorted(table))}): give them"
    )


def box_of(particles: int) -> np.ndarray:
    """Return the edges (3,) of the published cubic box, in sigma_AA."""
    return np.full(3, (particles / NUMBER_DENSITY) ** (1 / 3))


def state_attributes(temperature: float) -> dict[str, float]:
    """Return what is known of a state of the published mixture."""
    known = {"temperature": temperature, "number_density": NUMBER_DENSITY}
    near = [tau for key, tau in TAU_ALPHA.items() if abs(key - temperature) < 1e-9]
    return known | ({"tau_alpha": near[0]} if near else {})


def planned_state(
    name: str,
    attributes: Mapping[str, object],
    times: tuple[float, ...],
    particles: int,
    configurations: Sequence[tuple[str, str, Sequence[str]]],
    settings: Settings | None,
    *,
    dtype: str = "float64",
    own_times: bool = False,
    minima: bool = False,
    more: tuple[Variable, ...] = (),
) -> PlannedState:
    """Return a state; published values keep their full precision.

    Parameters
    ----------
    configurations : name, split and files of each; each is an independent sample
    settings : where files hold trajectories, so that halves and pairs can be had; else None
    minima : whether positions in the inherent structure and within the cage are there
    more : arrays beside positions, propensity and pairs
    """
    variables = structure_variables(
        position_dtype="float64",
        others=("inherent_positions", "cage_positions") if minima else (),
    )
    variables += propensity_variables(dtype=dtype, halves=settings is not None) + more
    if settings is not None:
        variables += pair_variables(particles=particles, dtype=dtype)
        cutoffs = {name: getattr(settings, name) for name in CUTOFFS}
        attributes = {**attributes, **cutoffs}
    layout = StateLayout(
        name=name,
        attributes=attributes,
        configurations=tuple(
            ConfigurationEntry(own, split, f"{name}-{own}") for own, split, _ in configurations
        ),
        particles=particles,
        variables=variables,
        coordinates={"time": times_coordinate(times, nominal=own_times)},
        own_times=own_times,
    )
    return PlannedState(layout, tuple(tuple(files) for _, _, files in configurations))


def own_state(
    found: Sequence[OwnConfiguration],
    words: Words,
    temperature: float,
    box: np.ndarray,
    particles: int,
    times: tuple[float, ...],
    settings: Settings | None = None,
    more: tuple[Variable, ...] = (),
) -> PlannedState:
    """Return the state of a group's own configurations, split by their parents."""
    name = f"T{temperature:.2f}"
    entries = own_splits(found, words, name)
    attributes = {"temperature": temperature, "number_density": float(particles / box.prod())}
    files = [(e.name, e.split, one.files) for e, one in zip(entries, found, strict=True)]
    state = planned_state(name, attributes, times, particles, files, settings, more=more)
    return replace(state, layout=replace(state.layout, configurations=entries))


def slots_of(
    state: PlannedState, settings: Settings, structure_of: Callable[[Sequence[str]], Positions]
) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for: those of the first, and a tenth."""
    what = f"configuration of {state.layout.name}"
    positions, species, box = first_readable(state.files, structure_of, what)
    pairs = undirected_pairs(positions, box, settings.pair_cutoff)
    distances = pair_distances(positions, pairs, box)
    close = close_pair_index(pairs, distances, species, settings.close_pair_cutoff)
    return int(1.1 * len(pairs)) + 256, int(1.1 * len(close)) + 256
