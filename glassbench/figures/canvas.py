"""What all figures share: an empty figure, writing it whole, colours, words with units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.task import Task
from ..home.files import whole_file
from ..model import Condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008): eight colours that colour-blind readers tell apart.
MODEL = "#0072B2"
FLOORS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CEILING = "#999999"
MARKERS = "s^Dv<>phX*"
UNITS = {
    "sigma_AA": r"$\sigma_{AA}$",
    "tau": r"$\tau$",
    "epsilon_AA/k_B": r"$\epsilon_{AA}/k_B$",
    "angstrom": "Å",
    "Angstrom": "Å",
    "Angstrom^2": "Å²",
    "eV/Angstrom^2": "eV/Å²",
    "sigma_SL": r"$\sigma_{SL}$",
    "sigma_SL^2": r"$\sigma_{SL}^2$",
    "epsilon_SL/sigma_SL^2": r"$\epsilon_{SL}/\sigma_{SL}^2$",
    "t_0": r"$t_0$",
}
SYMBOLS = {"tau_alpha": r"$\tau_\alpha$"}
RESOLUTION = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches."""
    # Not through pyplot, which would keep every figure and ask for a display.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG so that it appears whole, and return its path."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return path


def condition_title(model: str, task: Task, condition: Condition) -> str:
    """Return the words over a figure of one condition."""
    words = ", ".join(f"{task.axis(name).symbol} = {condition[name]:g}" for name in condition)
    return f"{model}, {words}"


def label(name: str, unit: str) -> str:
    """Return the words at an axis: a quantity and its unit, if it has one."""
    return f"{name} ({UNITS.get(unit, unit)})" if unit and unit != "1" else name
