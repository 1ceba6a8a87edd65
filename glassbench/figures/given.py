"""What a figure of a task is given, and what it returns: a picture and its numbers as a table.

`glassbench figure NAME` imports `figures/NAME.py` of a task's folder, calls its `draw`, and
writes the picture and the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..datasets.view import View
from ..home.workspace import Workspace, find_given_files
from ..model import Condition, Example, Model
from ..trial.predictions import read_predictions
from ..trial.result import TrialResult
from ..trial.stages import make_model
from .canvas import in_symbols

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawn(NamedTuple):
    """A picture, the rows of its table with the same keys each, and remarks for people."""

    figure: Figure
    rows: list[dict[str, Any]]
    notes: Sequence[str] = ()


class FigureModule(Protocol):
    """The names that `figures/NAME.py` defines; its docstring begins with a title.

    Attributes
    ----------
    SOURCE : publication and figure
    REPORTED : what the publication says of it, in words and numbers
    MODELS : whether it shows predictions of models, which are trained where they have not been
    OPTIONS : words of its own with their defaults, whose types they have

    `TASKS`, where it serves other tasks than that of its folder, names them all.
    """

    SOURCE: str
    REPORTED: str
    MODELS: bool
    OPTIONS: Mapping[str, Any]

    def draw(self, given: Given) -> Drawn:
        """Return the picture and its table."""
        ...


@dataclass(frozen=True)
class Answers:
    """The finished trials of one model, and its hyperparameters."""

    card: ModelCard
    hyperparameters: Mapping[str, Any]
    results: tuple[TrialResult, ...]
    workspace: Workspace

    def predictions(self, condition: Condition) -> dict[str, dict[str, np.ndarray]]:
        """Return arrays by configuration and target, of the first seed."""
        result = self._result(condition)
        path = self.workspace.trial_folder(result.key) / result.predictions["path"]
        return read_predictions(path)[condition.name]

    def fitted(self, condition: Condition) -> Model:
        """Return the fitted model of the first seed; UserError where its fit was not kept."""
        values = find_given_files(self.hyperparameters, self.workspace)
        model, key = make_model(self.card, values), self._result(condition).key
        folder = self.workspace.trial_folder(key) / "fitted"
        if not hasattr(model, "load") or not folder.is_dir():
            raise UserError(f"the fit of {self.card.name} is not kept: it has no `save` and `load`")
        model.load(folder)
        return model

    def _result(self, condition: Condition) -> TrialResult:
        for result in self.results:
            if any(dict(scored.condition) == dict(condition) for scored in result.conditions):
                return result
        raise UserError(f"{self.card.name} has no finished trial at {condition.name}")


@dataclass(frozen=True)
class Given:
    """What a figure is drawn from: data at some conditions, and answers of models.

    `folder` is where the picture goes, for logs of simulations.
    """

    task: Task
    view: View
    conditions: tuple[Condition, ...]
    options: Mapping[str, Any]
    folder: Path
    models: tuple[Answers, ...] = field(default=())

    def answers(
        self, model: Answers, condition: Condition
    ) -> Iterator[tuple[Example, np.ndarray, np.ndarray]]:
        """Yield test examples with truth and prediction of the task's target."""
        predictions, target = model.predictions(condition), self.task.target
        metrics = [m for m in self.task.metrics if m.prediction == target]
        compared = next((m.target for m in metrics if m.primary), target)
        for example in self.view.examples("test", (condition,)):
            guess = predictions[example.structure.configuration][target]
            yield example, np.asarray(example.targets[compared], float), np.asarray(guess, float)

    def title(self, condition: Condition, without: Sequence[str] = ()) -> str:
        """Return the condition in symbols, as `T = 0.64, t = 5.2`."""
        shown = {name: value for name, value in condition.items() if name not in without}
        return in_symbols(self.task, shown)
