"""Panels of the figure of a dataset: stress and D2min, of three dimensions too."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes

from glassbench.datasets.store import Dataset
from glassbench.figures.canvas import label
from glassbench.figures.dataset import (
    COLOURS,
    draw_spread,
    has,
    joined,
    states_of,
    with_training,
)  # fmt: skip


def _draw_stress(axis: Axes, dataset: Dataset) -> None:
    for colour, state in states_of(dataset):
        curves = joined(state, "shear_stress")
        curves = curves[np.isfinite(curves).all(axis=1)]
        draw_spread(axis, state.short("step"), curves.T, colour, f"{state.name}, mean and spread")
        axis.set_ylabel(label("shear stress", state.units("shear_stress")))
    axis.set_xlabel(r"$\gamma$")


def _draw_d2min(axis: Axes, dataset: Dataset) -> None:
    state = with_training(dataset)
    values = joined(state, "d2min")
    thresholds = state.short("d2min_threshold")[0]
    for index, (colour, strain) in enumerate(zip(cycle(COLOURS), state.short("strain").tolist())):
        own = values[:, index].ravel()
        own = np.sort(own[np.isfinite(own)])
        above = 1 - np.arange(len(own)) / len(own)
        kept = np.unique(np.geomspace(1, len(own), 300).astype(int) - 1)
        axis.loglog(
            own[::-1][kept], above[::-1][kept], color=colour, label=rf"$\gamma$ = {strain:g}"
        )
        axis.plot(thresholds[index], state.short("fraction")[0], "o", color=colour, markersize=4)
    axis.set_xlabel(label(r"$D^2_\mathrm{min}$", state.units("d2min")))
    axis.set_ylabel("share of particles above")


PANELS = (
    (has("shear_stress"), _draw_stress),
    (has("d2min"), _draw_d2min),
)
