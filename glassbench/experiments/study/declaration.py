"""What a study is: a declaration, and what its way of varying has to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...contract.errors import UserError
from ...contract.model_card import ModelCard
from ...contract.task import Task
from ...contract.trial_plan import STANDARD
from ...contract.variation import Variation
from ...model import Condition

if TYPE_CHECKING:
    from ...datasets.view import View


class StudyError(UserError):
    """A study cannot be done as asked; the message says why and what would be possible."""


@dataclass(frozen=True)
class Setting:
    """One value of what a study varies, for one model.

    Attributes
    ----------
    text : the value in words, as tables show it
    x : where it stands on the axis; a place in the order where values are words
    hyperparameters : what differs from the model's defaults
    variation : what differs from the standard use of the dataset
    """

    text: str
    x: float
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    variation: Variation = STANDARD


@dataclass(frozen=True)
class Subject:
    """Of what a study is asked: one model on one dataset of one task, at some conditions.

    Attributes
    ----------
    hyperparameters : those of the model on this dataset, with what the user chose
    options : words of the study itself, such as `amplitude`, by name
    """

    task: Task
    view: View
    dataset: str
    card: ModelCard
    hyperparameters: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    options: Mapping[str, str] = field(default_factory=dict)


class Varies(Protocol):
    """How a study varies what it varies.

    Attributes
    ----------
    options : words that the study takes beside those of a run, with their defaults
    over : name of the axis of conditions along which the figure goes, empty where it goes
        along the values
    """

    options: Mapping[str, str]
    over: str

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        """Return one setting for each value; raise StudyError where one is not possible."""


@dataclass(frozen=True)
class Study:
    """A study of a paper as a named sweep.

    Attributes
    ----------
    name, title : for the command line, and for people
    source : paper and figure
    varies : how
    values : defaults, as words of the command line; empty where the dataset decides
    label : of the axis of the figure
    scale : `linear`, `log`, or `words` for values that are no numbers
    seeds : default seeds
    fixed : hyperparameters that the study sets where the model has them
    metrics : names of the metrics that are drawn; the primary one where empty
    spread : what bars show: `interval` (95 % over configurations), or `seeds` (median, best
        and worst)
    """

    name: str
    title: str
    source: str
    varies: Varies
    values: tuple[str, ...]
    label: str
    scale: str = "linear"
    seeds: tuple[int, ...] = (0,)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    spread: str = "interval"
