"""A task with a dataset, for notebooks: splits, structures, targets, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import condition_of
from ..contract.task import Task
from ..datasets.view import View, open_view
from ..home.workspace import open_workspace
from ..metrics import MetricSpecification
from ..model import Condition, Example, Predictions, Structure
from ..plugins import registry
from ..plugins.datasets import find_dataset
from ..trial.result import ConditionScores, Score
from ..trial.score import noise_ceilings, score_condition

if TYPE_CHECKING:
    from xarray import DataTree

    from ..figures import Picture


SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Problem:
    """A task on one of its datasets.

    A condition is given by its values, `structures("test", temperature=0.64,
    time=16.5)`; an axis on which the dataset has one value may be left out.
    """

    task: Task
    dataset: str
    view: View

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return every condition of the dataset."""
        return tuple(self.view.conditions())

    @property
    def data(self) -> DataTree:
        """Return the whole dataset as an `xarray.DataTree`, read when values are asked for.

        >>> from glassbench import load_task
        >>> tree = load_task("ka_propensity").data
        >>> propensity = tree["T0.64"].propensity.sel(time=5.2)
        >>> propensity.dims, propensity.attrs["units"]
        (('configuration', 'particle'), 'sigma_AA')
        >>> test = propensity.where(propensity.split == "test", drop=True)
        >>> round(float(test.mean()), 3), round(float(test.isel(configuration=0).std()), 3)
        (0.304, 0.078)
        """
        return self.view.dataset.tree()

    @property
    def targets(self) -> Mapping[str, Any]:
        """Return what can be predicted, by name; `task.target` names the one that counts."""
        return self.task.targets

    @property
    def metrics(self) -> tuple[MetricSpecification, ...]:
        """Return the metrics that `task.toml` states."""
        return self.task.metrics

    def splits(self, **values: float) -> dict[str, tuple[str, ...]]:
        """Return the names of the configurations of each split at one condition."""
        condition = self.condition(**values)
        return {
            split: tuple(s.configuration for s in self.view.structures(split, condition))
            for split in SPLITS
        }

    def condition(self, **values: float) -> Condition:
        """Return the condition of the dataset that has these values."""
        return condition_of(self.conditions, values)

    def structures(self, split: str, **values: float) -> Sequence[Structure]:
        """Return the structures of a split at one condition: all that a model may see."""
        return self.view.structures(split, self.condition(**values))

    def examples(self, split: str, **values: float) -> Sequence[Example]:
        """Return structures with their targets at one condition."""
        return self.view.examples(split, (self.condition(**values),))

    def score(self, predictions: Mapping[str, Predictions], **values: float) -> ConditionScores:
        """Return all metrics of predictions on the test split.

        Parameters
        ----------
        predictions : by configuration of the test split, arrays by target name
        """
        return score_condition(self.task, self.view, self.condition(**values), predictions)

    def ceilings(self, **values: float) -> dict[str, Score]:
        """Return, by metric, the highest correlation that the data allow in expectation."""
        return noise_ceilings(self.task, self.view, self.condition(**values))

    def plot(
        self, predictions: Mapping[str, Predictions] | None = None, **values: float
    ) -> Picture:
        """Return a picture of the target in the first test structure, beside its prediction.

        Parameters
        ----------
        predictions : as for `score`
        """
        from ..figures import Picture, draw_slice

        condition, target = self.condition(**values), self.task.target
        (example, *_) = self.view.examples("test", (condition,))
        name = example.structure.configuration
        panels = {"true": example.targets[target]}
        if predictions is not None:
            panels["predicted"] = predictions[name][target]
        title = f"{self.task.title}, {condition.name}, {name}"
        return Picture.drawn(lambda p: draw_slice(example.structure, panels, self.task, title, p))


def open_problem(
    name: str | Path, dataset: str | Path | None = None, home: str | Path | None = None
) -> Problem:
    """Return a task with one of its datasets opened."""
    task = registry.load_task(name)
    word = str(dataset.absolute()) if isinstance(dataset, Path) else dataset
    found = find_dataset(task, word, open_workspace(home))
    return Problem(task, found.name, open_view(task, found.path))
