"""GlassBench: how well a model predicts the dynamics of a glass from its structure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trial.problem import Problem

__all__ = ["__version__", "load_task"]
__version__ = "0.1.0"


def load_task(
    name: str | Path, dataset: str | Path | None = None, home: str | Path | None = None
) -> Problem:
    """Return a task with one of its datasets, ready for a notebook.

    >>> from glassbench import load_task
    >>> task = load_task("ka_propensity")
    >>> train = task.examples("train", time=16.5)
    >>> guesses = {s.configuration: my_model(s) for s in task.structures("test", time=16.5)}
    >>> task.score(guesses, time=16.5).scores["pearson_a"]

    Parameters
    ----------
    name : name of a task, or path of its folder
    dataset : name or path, by default the one that the task takes
    home : folder of imported datasets, by default as the command line has it
    """
    from .trial.problem import open_problem

    return open_problem(name, dataset, home)
