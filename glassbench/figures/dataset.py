"""The figure of a dataset card: its structure, and the panels that tasks offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..datasets.state import State
from ..datasets.store import Dataset
from ..model import Structure
from ..plugins.task_modules import list_panels
from ..structure.pair_distribution import distributions_in_spacings
from .canvas import CEILING, FLOORS, MODEL, label, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


COLOURS = (MODEL, *FLOORS)
# Of each state, so that the figure of a large dataset takes no longer than that of a small one.
MOST_CONFIGURATIONS = 8
# In mean distances of particles.
SMALLEST, LARGEST, WIDTH = 0.5, 5.0, 0.025
MOST_VALUES = 5000


def draw_dataset(dataset: Dataset, path: Path) -> Path:
    """Draw the panels for which a dataset holds the data, as a PNG at `path`.

    Beside the pair distribution these are the `PANELS` of `figures/_dataset.py` in the folders of
    tasks: pairs of functions, whether a dataset holds what is shown, and what draws it on an axis.

    At most eight configurations of each state are read, those of the training split first.
    """
    offered = [panel for module in list_panels() for panel in module.load().PANELS]
    panels = [_draw_pair_distribution, *(draw for holds, draw in offered if holds(dataset))]
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
    for colour, state in states_of(dataset):
        arrays = [state.structure_arrays(index) for index in some_of(state)]
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


def draw_density(axis: Axes, values: np.ndarray, colour: str, name: str) -> None:
    from scipy.stats import gaussian_kde

    # A histogram of values that are stored in steps would show the steps.
    low, high = np.percentile(values, [0.1, 99.9])
    abscissae = np.linspace(low, high, 200)
    thinned = values[:: max(1, len(values) // MOST_VALUES)]
    axis.plot(abscissae, gaussian_kde(thinned)(abscissae), color=colour, label=name)
    axis.set_ylabel("density")


def draw_spread(
    axis: Axes, x: np.ndarray, values: np.ndarray, colour: str, name: str, marker: str = ""
) -> None:
    """Draw mean and standard deviation of values (x, samples)."""
    mean, spread = values.mean(axis=1), values.std(axis=1)
    axis.plot(x, mean, color=colour, marker=marker, label=name)
    axis.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)


def states_of(dataset: Dataset) -> Iterator[tuple[str, State]]:
    return zip(cycle(COLOURS), map(dataset.state, dataset.states))


def with_training(dataset: Dataset) -> State:
    """Return the first state with configurations to train on, the first one where none has."""
    states = [state for _, state in states_of(dataset)]
    return next((state for state in states if "train" in state.splits), states[0])


def some_of(state: State) -> list[int]:
    """Return a few configurations of a state, those of the training split first."""
    indices = state.configurations().tolist()
    return sorted(indices, key=lambda i: state.splits[i] != "train")[:MOST_CONFIGURATIONS]


def joined(state: State, variable: str, axis: int = 0) -> np.ndarray:
    return np.concatenate([state.one(variable, i) for i in some_of(state)], axis=axis)


def has(variable: str) -> Callable[[Dataset], bool]:
    return lambda dataset: all(variable in state.variables for _, state in states_of(dataset))
