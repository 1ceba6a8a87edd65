"""The layout of a store for a published dataset."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from .errors import SourceError
from .layout import (
    ConfigurationEntry,
    StateLayout,
    Variable,
    pair_variables,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from .pairs import close_pair_index, pair_distances, undirected_pairs
from .readers.source import PlannedState, Settings


def slots_of(
    reader: ModuleType, source: Path, state: PlannedState, settings: Settings
) -> tuple[int, int]:
    """Return how many pairs and close pairs to make room for: those of the first, and a tenth."""
    if not state.trajectories:
        return 0, 0
    reason = ""
    for entry in state.configurations:
        try:
            positions, species, box = reader.read_structure(source, state, entry)
        except SourceError as error:
            reason = reason or str(error)
            continue
        pairs = undirected_pairs(positions, box, settings.pair_cutoff)
        distances = pair_distances(positions, pairs, box)
        close = close_pair_index(pairs, distances, species, settings.close_pair_cutoff)
        return tuple(int(1.1 * len(found)) + 256 for found in (pairs, close))
    raise SourceError(f"no configuration of {state.name} can be read. First: {reason}")


def layout_of(
    state: PlannedState, pair_slots: int, close_pair_slots: int, settings: Settings
) -> StateLayout:
    """Return the layout of a planned state; published values keep their full precision."""
    variables = structure_variables(
        position_dtype="float64", inherent=state.inherent, cage=state.cage
    ) + propensity_variables(dtype=state.propensity_dtype, halves=state.trajectories)
    attributes: dict[str, object] = dict(state.attributes)
    if state.trajectories:
        variables += pair_variables(particles=state.particles, dtype=state.propensity_dtype)
        attributes |= {
            "pair_cutoff": settings.pair_cutoff,
            "close_pair_cutoff": settings.close_pair_cutoff,
        }
    if state.scattering:
        attributes["scattering_function"] = list(state.scattering)
    if state.bond_breaking:
        dimensions = ("configuration", "time", "particle")
        meaning = "bond-breaking propensity, as published"
        variables += (Variable("bond_breaking_propensity", dimensions, "float64", "none", meaning),)
    return StateLayout(
        name=state.name,
        attributes=attributes,
        configurations=tuple(
            ConfigurationEntry(c.name, c.split, c.parent) for c in state.configurations
        ),
        particles=state.particles,
        variables=variables,
        coordinates={"time": times_coordinate(state.times, nominal=state.own_times)},
        pair_slots=pair_slots,
        close_pair_slots=close_pair_slots,
        own_times=state.own_times,
    )
