"""Panels of the figure of a dataset: stiffness by temperature and by species."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from glassbench.datasets.store import Dataset
from glassbench.figures.canvas import label
from glassbench.figures.dataset import (
    COLOURS,
    draw_density,
    draw_spread,
    has,
    joined,
    states_of,
    with_training,
)  # fmt: skip


def _draw_temperatures(axis: Axes, dataset: Dataset) -> None:
    for colour, state in states_of(dataset):
        values = joined(state, "stiffness_by_temperature", axis=1)
        text = f"{state.name}, mean and spread of atoms"
        draw_spread(axis, state.short("temperature"), values, colour, text, marker="o")
        axis.set_ylabel(label("stiffness", state.units("stiffness")))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("T (K)")


def _draw_stiffness(axis: Axes, dataset: Dataset) -> None:
    state = with_training(dataset)
    values = joined(state, "stiffness")
    species = joined(state, "species")
    for colour, kind in zip(COLOURS, np.unique(species), strict=False):
        draw_density(axis, values[species == kind], colour, state.species_name(kind))
    axis.set_xlabel(label(f"stiffness, {state.name}", state.units("stiffness")))


PANELS = (
    (has("stiffness_by_temperature"), _draw_temperatures),
    (has("stiffness"), _draw_stiffness),
)
