"""GlassBench: how well a model predicts the dynamics of a glass from its structure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from .experiments.problem import Problem
    from .model import Structure
    from .pages.view import View
    from .trial.fitted import FittedModel

__all__ = ["__version__", "load_model", "load_task", "view"]
__version__ = "0.1.0"


def load_task(
    name: str | Path, dataset: str | Path | None = None, home: str | Path | None = None
) -> Problem:
    """Return a task with one of its datasets, ready for a notebook.

    >>> from glassbench import load_task
    >>> from glassbench.structure import local_density
    >>> task = load_task("ka_propensity")
    >>> train, test = task.examples("train", time=16.5), task.structures("test", time=16.5)
    >>> len(train), train[0].targets["propensity"].shape
    (16, (4096,))
    >>> density = {s.configuration: -local_density(s.positions, s.species, s.box) for s in test}
    >>> guesses = {name: {"propensity": values} for name, values in density.items()}
    >>> round(float(task.score(guesses, time=16.5).scores["pearson_a"].value), 3)
    0.187
    >>> task.data["T0.64"].propensity.sel(time=16.5).dims  # the whole dataset, for xarray
    ('configuration', 'particle')

    Parameters
    ----------
    name : name of a task, or path of its folder
    dataset : name or path, by default the one that the task takes
    home : folder of imported datasets, by default as the command line has it
    """
    from .experiments.problem import open_problem

    return open_problem(name, dataset, home)


def load_model(
    name: str | Path, task: str | None = None, home: str | Path | None = None
) -> FittedModel:
    """Return a model with its fits, to predict from structures of your own.

    >>> from glassbench import load_model  # doctest: +SKIP
    >>> model = load_model("averaged_ridge")  # doctest: +SKIP
    >>> model.predict(model.read("my.dump.gz"), time=16.5)[0]["propensity"]  # doctest: +SKIP

    Parameters
    ----------
    name : of a model that was run here, or of its run; path of a record or of a packed model
    task : where the model has runs on several
    home : folder of runs, by default as the command line has it
    """
    from .experiments.trained import load_model as load
    from .home.workspace import open_workspace

    return load(name, open_workspace(home), task=task)


def view(
    structure: Structure, values: Mapping[str, np.ndarray] | None = None, **options: Any
) -> View:
    """Return a page of a structure, which a notebook shows: a slice or spheres, and a threshold.

    >>> from glassbench import load_task, view
    >>> (example, *_) = load_task("ka_propensity").examples("test", time=16.5)
    >>> page = view(example.structure, {"propensity": example.targets["propensity"]})
    >>> page.html.startswith("<!doctype html>")
    True

    Parameters
    ----------
    values : (N,) by name, such as a target, a prediction or an error
    options : those of `glassbench.pages.view.view_structure`; `page.save(path)` writes a file
    """
    from .pages.view import view_structure

    return view_structure(structure, values, **options)
