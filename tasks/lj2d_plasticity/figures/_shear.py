"""What figures that simulate need of a task: its substance, its loads, how it was sheared."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbench.datasets.state import State
from glassbench.figures.given import Given
from glassbench.simulation.generator import generator_of
from glassbench.simulation.quasistatic_shear import ShearSchedule

TASKS = ("lj2d_plasticity", "cuzr_plasticity")


def substance(task: str) -> tuple[Any, tuple]:
    """Return the material of a task for LAMMPS, and its loads."""
    generator = generator_of(task)
    if task == "lj2d_plasticity":
        return generator.lennard_jones_2d.LENNARD_JONES_2D, generator.loadings.loadings_2d()
    return generator.potential.alloy_material(), generator.loadings.loadings_3d()


def state_and_schedule(given: Given, **changes: Any) -> tuple[State, ShearSchedule]:
    """Return the first state, and its shear up to the largest strain that is asked for."""
    state = given.view.dataset.state(given.view.dataset.states[0])
    about = dict(state.attributes["shear"])
    last = max(condition["strain"] for condition in given.conditions)
    about["strains"] = tuple(s for s in about["strains"] if s <= last * (1 + 1e-9))
    return state, ShearSchedule(**(about | changes))


def test_samples(state: State, count: int) -> list[tuple[int, str, dict[str, np.ndarray]]]:
    """Return index, name and arrays of the first test samples."""
    chosen = [int(index) for index in state.configurations("test")[:count]]
    return [(i, state.configuration_ids[i], read(state, i)) for i in chosen]


def read(state: State, index: int) -> dict[str, np.ndarray]:
    arrays = state.structure_arrays(index)
    return {name: np.asarray(arrays[name]) for name in ("positions", "species", "box")}


def threshold(state: State, strain: float, fraction: float) -> float:
    return float(state.shared("d2min_threshold", strain=strain, fraction=fraction))
