"""What all figures share: an empty figure, writing it, colours, labels with units."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contract.task import Task
from ..contract.units import mathtext
from ..home.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


class Picture(NamedTuple):
    """A PNG, which notebooks show."""

    png: bytes

    @classmethod
    def drawn(cls, draw: Callable[[Path], Path]) -> Picture:
        """Return what a function draws into a file."""
        with tempfile.TemporaryDirectory(prefix="glassbench-") as folder:
            return cls(draw(Path(folder) / "picture.png").read_bytes())

    def _repr_png_(self) -> bytes:
        return self.png


def in_symbols(task: Task, condition: Mapping[str, float]) -> str:
    """Return values on axes of a task, as `T = 0.64, t = 5.2`."""
    return ", ".join(f"{mathtext(task.axis(n).symbol)} = {v:g}" for n, v in condition.items())


def label(name: str, unit: str) -> str:
    """Return the label of an axis: a quantity and its unit, if it has one."""
    return f"{name} ({mathtext(unit)})" if unit and unit != "1" else name


def draw_relaxation_time(
    axis: Axes, time: float, text: str, height: float, fontsize: int, **line: Any
) -> None:
    """Draw a dotted line at a time, with a text left of it at a share of the axis' height."""
    axis.axvline(time, linestyle=":", **line)
    transform = axis.get_xaxis_transform()
    axis.text(time, height, text, fontsize=fontsize, ha="right", transform=transform)
