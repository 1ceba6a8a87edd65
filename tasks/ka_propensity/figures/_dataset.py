"""Panels of the figure of a dataset: relaxation, propensity and its noise."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from glassbench.contract.units import mathtext
from glassbench.datasets.state import State
from glassbench.datasets.store import Dataset
from glassbench.figures.canvas import draw_relaxation_time, label
from glassbench.figures.dataset import (
    COLOURS,
    draw_density,
    has,
    joined,
    some_of,
    states_of,
    with_training,
)  # fmt: skip
from glassbench.metrics import noise_ceiling


def _draw_scattering(axis: Axes, dataset: Dataset) -> None:
    for colour, state in states_of(dataset):
        checks = _checks(state)
        if "scattering" not in checks:
            continue
        axis.semilogx(
            checks["scattering_times"], checks["scattering"], "o-", color=colour, label=state.name
        )
        relaxation = checks.get("scattering_fit", {}).get("tau_alpha")
        if relaxation:
            text = f"{mathtext('tau_alpha')} = {relaxation:.3g} "
            draw_relaxation_time(axis, relaxation, text, 0.9, 7, color=colour, linewidth=1.0)
    axis.set_ylim(0, 1)
    axis.set_xlabel(label("t", dataset.state(dataset.states[0]).units("time")))
    axis.set_ylabel(r"$F_s(2\pi, t)$ of A")


def _draw_propensity(axis: Axes, dataset: Dataset) -> None:
    state = with_training(dataset)
    values = joined(state, "propensity", axis=1)
    values = values[:, joined(state, "species") == 0]
    for colour, time, at_time in zip(cycle(COLOURS), state.short("time").tolist(), values):
        draw_density(axis, at_time[np.isfinite(at_time)], colour, f"t = {time:g}")
    axis.set_xlabel(label(f"propensity of A, {state.name}", state.units("propensity")))


def _draw_ceiling(axis: Axes, dataset: Dataset) -> None:
    for colour, state in states_of(dataset):
        times = state.short("time")
        ceilings = []
        for t in times.tolist():
            known = [
                float(noise_ceiling(*state.halves(i, "propensity", time=t)))
                for i in some_of(state)
                if state.has_halves(i, "propensity", time=t)
            ]
            ceilings.append(np.nanmean(known) if known else np.nan)
        axis.semilogx(times, ceilings, "o-", color=colour, label=state.name)
    axis.set_ylim(0, 1)
    axis.set_xlabel(label("t", dataset.state(dataset.states[0]).units("time")))
    axis.set_ylabel("noise ceiling, all particles")


def _checks(state: State) -> Any:
    return state.attributes.get("checks") or {}


def _has_scattering(dataset: Dataset) -> bool:
    return any("scattering" in _checks(state) for _, state in states_of(dataset))


PANELS = (
    (_has_scattering, _draw_scattering),
    (has("propensity"), _draw_propensity),
    (has("propensity_half_difference"), _draw_ceiling),
)
