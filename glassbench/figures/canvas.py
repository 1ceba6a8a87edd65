"""What all figures share: an empty figure, writing it, colours, labels with units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.task import Task
from ..contract.units import mathtext
from ..home.files import whole_file
from ..model import Condition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008): eight colours that colour-blind readers tell apart.
MODEL = "#0072B2"
FLOORS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CEILING = "#999999"
MARKERS = "s^Dv<>phX*"
RESOLUTION = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches."""
    # Not through pyplot, which would keep every figure and ask for a display.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return its path."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return path


def condition_title(model: str, task: Task, condition: Condition) -> str:
    """Return the title of a figure of one condition."""
    values = ", ".join(
        f"{mathtext(task.axis(name).symbol)} = {condition[name]:g}" for name in condition
    )
    return f"{model}, {values}"


def label(name: str, unit: str) -> str:
    """Return the label of an axis: a quantity and its unit, if it has one."""
    return f"{name} ({mathtext(unit)})" if unit and unit != "1" else name
