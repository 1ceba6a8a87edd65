"""The figure of a dataset card: structure, dynamics or mechanics, targets and their noise.

Each panel is drawn where the dataset has what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.units import mathtext
from ..datasets.store import Dataset
from ..metrics import noise_ceiling
from ..structure.pair_distribution import particle_pair_distribution
from .canvas import CEILING, FLOORS, MODEL, label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..datasets.state import State

COLOURS = (MODEL, *FLOORS)
# Of each state, so that the figure of a large dataset takes no longer than that of a small one.
MOST_CONFIGURATIONS = 8
# In mean distances of particles.
SMALLEST, LARGEST, WIDTH = 0.5, 5.0, 0.025
MOST_VALUES = 5000


def draw_dataset(dataset: Dataset, path: Path) -> Path:
    """Draw what a dataset holds, as far as it holds it.

    g(r); F_s(k, t) with tau_alpha; the distribution of the target and its noise ceiling;
    stiffness against temperature; stress against strain, and the distribution of D2min with
    the thresholds of its labels. At most eight configurations of each state are read, those of
    the training split first.

    Parameters
    ----------
    path : PNG to write

    Returns
    -------
    path
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
    for colour, name in zip(_colours(dataset.states), dataset.states, strict=True):
        distances, mean = _pair_distribution(dataset, name)
        axis.plot(distances, mean, color=colour, linewidth=1.2, label=name)
        unit = dataset.state(name).units("positions")
    axis.axhline(1.0, color=CEILING, linewidth=0.6)
    axis.set_xlabel(label("r", unit))
    axis.set_ylabel("g(r), all species")


def _pair_distribution(dataset: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    arrays = [dataset.structure_arrays(name, index) for index in _some(dataset, name)]
    structures = [(np.asarray(one["positions"]), np.asarray(one["box"])) for one in arrays]
    count, dimension = structures[0][0].shape
    spacing = float(np.prod(structures[0][1]) / count) ** (1 / dimension)
    reach = min(LARGEST * spacing, min(float(box.min()) for _, box in structures) / 2)
    bins = int((reach / spacing - SMALLEST) / WIDTH)
    edges = spacing * (SMALLEST + WIDTH * np.arange(bins + 1))
    around = [
        particle_pair_distribution(positions, box, edges[0], edges[-1], bins)
        for positions, box in structures
    ]
    return (edges[1:] + edges[:-1]) / 2, np.mean([g.mean(axis=0) for g in around], axis=0)


def _draw_scattering(axis: Axes, dataset: Dataset) -> None:
    for colour, name in zip(_colours(dataset.states), dataset.states, strict=True):
        checks = _checks(dataset.state(name))
        if "scattering" not in checks:
            continue
        axis.semilogx(
            checks["scattering_times"], checks["scattering"], "o-", color=colour, label=name
        )
        relaxation = checks.get("scattering_fit", {}).get("tau_alpha")
        if relaxation:
            axis.axvline(relaxation, color=colour, linestyle=":", linewidth=1.0)
            axis.text(
                relaxation,
                0.9,
                f"{mathtext('tau_alpha')} = {relaxation:.3g} ",
                fontsize=7,
                ha="right",
                transform=axis.get_xaxis_transform(),
            )
    axis.set_ylim(0, 1)
    axis.set_xlabel(label("t", dataset.state(dataset.states[0]).units("time")))
    axis.set_ylabel(r"$F_s(2\pi, t)$ of A")


def _draw_propensity(axis: Axes, dataset: Dataset) -> None:
    name = _state_with_training(dataset)
    state = dataset.state(name)
    values = np.concatenate([_of_first_species(state, i) for i in _some(dataset, name)], axis=1)
    for colour, time, at_time in zip(
        _colours(values), state.short("time").tolist(), values, strict=True
    ):
        _draw_density(axis, at_time[np.isfinite(at_time)], colour, f"t = {time:g}")
    axis.set_xlabel(label(f"propensity of A, {name}", state.units("propensity")))
    axis.set_ylabel("density")


def _of_first_species(state: State, index: int) -> np.ndarray:
    return state.one("propensity", index)[:, state.one("species", index) == 0]


def _draw_ceiling(axis: Axes, dataset: Dataset) -> None:
    for colour, name in zip(_colours(dataset.states), dataset.states, strict=True):
        state = dataset.state(name)
        times = state.short("time")
        ceilings = []
        for t in times.tolist():
            known = [
                float(noise_ceiling(*dataset.halves(name, i, "propensity", time=t)))
                for i in _some(dataset, name)
                if dataset.has_halves(name, i, "propensity", time=t)
            ]
            ceilings.append(np.nanmean(known) if known else np.nan)
        axis.semilogx(times, ceilings, "o-", color=colour, label=name)
    axis.set_ylim(0, 1)
    axis.set_xlabel(label("t", dataset.state(dataset.states[0]).units("time")))
    axis.set_ylabel("noise ceiling, all particles")


def _draw_temperatures(axis: Axes, dataset: Dataset) -> None:
    for colour, name in zip(_colours(dataset.states), dataset.states, strict=True):
        state, chosen = dataset.state(name), _some(dataset, name)
        values = np.concatenate([state.one("stiffness_by_temperature", i) for i in chosen], axis=1)
        temperatures, mean, spread = state.short("temperature"), values.mean(1), values.std(1)
        axis.plot(temperatures, mean, "o-", color=colour, label=f"{name}, mean and spread of atoms")
        axis.fill_between(
            temperatures, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0
        )
        axis.set_ylabel(label("stiffness", state.units("stiffness")))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("T (K)")


def _draw_stiffness(axis: Axes, dataset: Dataset) -> None:
    name = _state_with_training(dataset)
    state = dataset.state(name)
    chosen = _some(dataset, name)
    values = np.concatenate([state.one("stiffness", i) for i in chosen])
    species = np.concatenate([state.one("species", i) for i in chosen])
    for colour, kind in zip(COLOURS, np.unique(species), strict=False):
        _draw_density(axis, values[species == kind], colour, state.species_name(kind))
    axis.set_xlabel(label(f"stiffness, {name}", state.units("stiffness")))
    axis.set_ylabel("density")


def _draw_stress(axis: Axes, dataset: Dataset) -> None:
    for colour, name in zip(_colours(dataset.states), dataset.states, strict=True):
        state = dataset.state(name)
        curves = np.concatenate([state.one("shear_stress", i) for i in _some(dataset, name)])
        curves = curves[np.isfinite(curves).all(axis=1)]
        strains, mean, spread = state.short("step"), curves.mean(axis=0), curves.std(axis=0)
        axis.plot(strains, mean, color=colour, label=f"{name}, mean and spread")
        axis.fill_between(
            strains, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0
        )
        axis.set_ylabel(label("shear stress", state.units("shear_stress")))
    axis.set_xlabel(r"$\gamma$")


def _draw_d2min(axis: Axes, dataset: Dataset) -> None:
    name = _state_with_training(dataset)
    state = dataset.state(name)
    values = np.concatenate([state.one("d2min", i) for i in _some(dataset, name)])
    thresholds = state.short("d2min_threshold")[0]
    strains = state.short("strain").tolist()
    for index, (colour, strain) in enumerate(zip(_colours(strains), strains, strict=True)):
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


def _state_with_training(dataset: Dataset) -> str:
    """Return the first state with configurations to train on, the first one where none has."""
    states = dataset.states
    return next((name for name in states if "train" in dataset.state(name).splits), states[0])


def _some(dataset: Dataset, name: str) -> list[int]:
    """Return a few configurations of a state, those of the training split first."""
    splits = dataset.state(name).splits
    indices = sorted(dataset.configurations(name).tolist(), key=lambda i: splits[i] != "train")
    return indices[:MOST_CONFIGURATIONS]


def _colours(things: Sized) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(len(things))]


def _checks(state: State) -> dict[str, Any]:
    checks: Any = state.attributes.get("checks")
    return dict(checks or {})


def _has(variable: str) -> Callable[[Dataset], bool]:
    return lambda dataset: all(variable in dataset.state(s).variables for s in dataset.states)


def _has_scattering(dataset: Dataset) -> bool:
    return any("scattering" in _checks(dataset.state(name)) for name in dataset.states)


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
