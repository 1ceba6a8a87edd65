"""The figure of a dataset card: structure, dynamics or mechanics, targets and their noise.

Each panel is drawn where the dataset has what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.units import mathtext
from ..datasets.state import State
from ..datasets.store import Dataset
from ..metrics import noise_ceiling
from ..model import Structure
from ..structure.pair_distribution import distributions_in_spacings
from .canvas import CEILING, FLOORS, MODEL, draw_relaxation_time, label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


COLOURS = (MODEL, *FLOORS)
# Of each state, so that the figure of a large dataset takes no longer than that of a small one.
MOST_CONFIGURATIONS = 8
# In mean distances of particles.
SMALLEST, LARGEST, WIDTH = 0.5, 5.0, 0.025
MOST_VALUES = 5000


def draw_dataset(dataset: Dataset, path: Path) -> Path:
    """Draw the `PANELS` for which a dataset holds the data, as a PNG at `path`.

    At most eight configurations of each state are read, those of the training split first.
    """
    panels = [draw for holds, draw in PANELS if holds(dataset)]
    figure = new_figure(3.7 * len(panels), 3.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, draw in zip(axes, panels, strict=True):
        draw(axis, dataset)
        axis.grid(alpha=0.25, linewidth=0.5)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7, frameon=False)
    title = dataset.attributes.get("title", dataset.name)
    figure.suptitle(f"{title}, dataset {dataset.name}", fontsize=10)
    return save_figure(figure, path)


def _draw_pair_distribution(axis: Axes, dataset: Dataset) -> None:
    unit = ""
    for colour, state in _states(dataset):
        arrays = [state.structure_arrays(index) for index in _some(state)]
        structures = [
            Structure(np.asarray(one["positions"]), one["species"], np.asarray(one["box"]))
            for one in arrays
        ]
        distances, around = distributions_in_spacings(structures, SMALLEST, LARGEST, WIDTH)
        mean = np.mean([g.mean(axis=0) for g in around], axis=0)
        axis.plot(distances, mean, color=colour, linewidth=1.2, label=state.name)
        unit = state.units("positions")
    axis.axhline(1.0, color=CEILING, linewidth=0.6)
    axis.set_xlabel(label("r", unit))
    axis.set_ylabel("g(r), all species")


def _draw_scattering(axis: Axes, dataset: Dataset) -> None:
    for colour, state in _states(dataset):
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
    state = _with_training(dataset)
    values = _joined(state, "propensity", axis=1)
    values = values[:, _joined(state, "species") == 0]
    for colour, time, at_time in zip(cycle(COLOURS), state.short("time").tolist(), values):
        _draw_density(axis, at_time[np.isfinite(at_time)], colour, f"t = {time:g}")
    axis.set_xlabel(label(f"propensity of A, {state.name}", state.units("propensity")))


def _draw_ceiling(axis: Axes, dataset: Dataset) -> None:
    for colour, state in _states(dataset):
        times = state.short("time")
        ceilings = []
        for t in times.tolist():
            known = [
                float(noise_ceiling(*state.halves(i, "propensity", time=t)))
                for i in _some(state)
                if state.has_halves(i, "propensity", time=t)
            ]
            ceilings.append(np.nanmean(known) if known else np.nan)
        axis.semilogx(times, ceilings, "o-", color=colour, label=state.name)
    axis.set_ylim(0, 1)
    axis.set_xlabel(label("t", dataset.state(dataset.states[0]).units("time")))
    axis.set_ylabel("noise ceiling, all particles")


def _draw_temperatures(axis: Axes, dataset: Dataset) -> None:
    for colour, state in _states(dataset):
        values = _joined(state, "stiffness_by_temperature", axis=1)
        text = f"{state.name}, mean and spread of atoms"
        _draw_spread(axis, state.short("temperature"), values, colour, text, marker="o")
        axis.set_ylabel(label("stiffness", state.units("stiffness")))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("T (K)")


def _draw_stiffness(axis: Axes, dataset: Dataset) -> None:
    state = _with_training(dataset)
    values = _joined(state, "stiffness")
    species = _joined(state, "species")
    for colour, kind in zip(COLOURS, np.unique(species), strict=False):
        _draw_density(axis, values[species == kind], colour, state.species_name(kind))
    axis.set_xlabel(label(f"stiffness, {state.name}", state.units("stiffness")))


def _draw_stress(axis: Axes, dataset: Dataset) -> None:
    for colour, state in _states(dataset):
        curves = _joined(state, "shear_stress")
        curves = curves[np.isfinite(curves).all(axis=1)]
        _draw_spread(axis, state.short("step"), curves.T, colour, f"{state.name}, mean and spread")
        axis.set_ylabel(label("shear stress", state.units("shear_stress")))
    axis.set_xlabel(r"$\gamma$")


def _draw_d2min(axis: Axes, dataset: Dataset) -> None:
    state = _with_training(dataset)
    values = _joined(state, "d2min")
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


def _draw_density(axis: Axes, values: np.ndarray, colour: str, name: str) -> None:
    from scipy.stats import gaussian_kde

    # A histogram of values that are stored in steps would show the steps.
    low, high = np.percentile(values, [0.1, 99.9])
    abscissae = np.linspace(low, high, 200)
    thinned = values[:: max(1, len(values) // MOST_VALUES)]
    axis.plot(abscissae, gaussian_kde(thinned)(abscissae), color=colour, label=name)
    axis.set_ylabel("density")


def _draw_spread(
    axis: Axes, x: np.ndarray, values: np.ndarray, colour: str, name: str, marker: str = ""
) -> None:
    """Draw mean and standard deviation of values (x, samples)."""
    mean, spread = values.mean(axis=1), values.std(axis=1)
    axis.plot(x, mean, color=colour, marker=marker, label=name)
    axis.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)


def _states(dataset: Dataset) -> Iterator[tuple[str, State]]:
    return zip(cycle(COLOURS), map(dataset.state, dataset.states))


def _with_training(dataset: Dataset) -> State:
    """Return the first state with configurations to train on, the first one where none has."""
    states = [state for _, state in _states(dataset)]
    return next((state for state in states if "train" in state.splits), states[0])


def _some(state: State) -> list[int]:
    """Return a few configurations of a state, those of the training split first."""
    indices = state.configurations().tolist()
    return sorted(indices, key=lambda i: state.splits[i] != "train")[:MOST_CONFIGURATIONS]


def _joined(state: State, variable: str, axis: int = 0) -> np.ndarray:
    return np.concatenate([state.one(variable, i) for i in _some(state)], axis=axis)


def _checks(state: State) -> Any:
    return state.attributes.get("checks") or {}


def _has(variable: str) -> Callable[[Dataset], bool]:
    return lambda dataset: all(variable in state.variables for _, state in _states(dataset))


def _has_scattering(dataset: Dataset) -> bool:
    return any("scattering" in _checks(state) for _, state in _states(dataset))


PANELS: tuple[tuple[Callable[[Dataset], bool], Callable[[Axes, Dataset], None]], ...] = (
    (_has("positions"), _draw_pair_distribution),
    (_has_scattering, _draw_scattering),
    (_has("propensity"), _draw_propensity),
    (_has("propensity_half_difference"), _draw_ceiling),
    (_has("stiffness_by_temperature"), _draw_temperatures),
    (_has("stiffness"), _draw_stiffness),
    (_has("shear_stress"), _draw_stress),
    (_has("d2min"), _draw_d2min),
)
