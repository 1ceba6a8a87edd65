"""A study as `studies.toml` declares it, and the studies that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ...contract.checked import Checked, Name, Names, Text, Texts, checked, read_toml
from ...contract.errors import UserError, did_you_mean
from ...contract.model_card import ModelCard
from ...contract.task import Task
from ...contract.trial_plan import STANDARD
from ...contract.variation import Variation
from ...model import Condition
from ...plugins.registry import list_tasks

if TYPE_CHECKING:
    from ...datasets.view import View

STUDIES_FILE = "studies.toml"


class StudyError(UserError):
    """A study cannot be done as asked; the message says why and what would be possible."""


class Study(Checked):
    """A named sweep that varies one thing.

    Attributes
    ----------
    longest_edge : whether the hyperparameter's values are lengths that edges may have at most
    other_targets : whether a model may leave the task's target unpredicted
    over : axis of the conditions between which a model is transferred, and of the figure
    values : by default; empty where the dataset decides
    options : further words, such as `amplitude`, with their defaults
    scale : of the axis of the figure; `words` for values that are no numbers
    fixed : hyperparameters that the study sets where a model has them
    metrics : those that are drawn; the primary one where empty
    """

    name: Name
    title: Text
    source: Text
    varies: Literal[
        "hyperparameter", "training_configurations", "shells_removed", "shells_displaced",
        "transfer", "seeds",
    ]  # fmt: skip
    hyperparameter: Text = ""
    longest_edge: bool = False
    other_targets: bool = False
    over: Text = ""
    values: Texts = ()
    options: Mapping[str, Text] = {}
    label: Text = ""
    scale: Literal["linear", "log", "words"] = "linear"
    seeds: Annotated[tuple[int, ...], Field(strict=False, min_length=1)] = (0,)
    fixed: Mapping[str, Any] = {}
    metrics: Names = ()


@dataclass(frozen=True)
class Setting:
    """One value of what a study varies, at `x`, and what differs from the model's usual trial."""

    text: str
    x: float
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    variation: Variation = STANDARD


@dataclass(frozen=True)
class Subject:
    """One model on one dataset of one task at some conditions, of which a study is asked."""

    task: Task
    view: View
    dataset: str
    card: ModelCard
    hyperparameters: Mapping[str, Any]
    conditions: tuple[Condition, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def list_studies() -> list[Study]:
    """Return the studies of the package, then those of the tasks."""
    folders = [Path(__file__).parent, *(task.folder for task in list_tasks() if not task.error)]
    studies = []
    for path in (folder / STUDIES_FILE for folder in folders):
        for name, table in (read_toml(path, StudyError) if path.exists() else {}).items():
            studies.append(checked(Study, table, f"{path} [{name}]", StudyError, name=name))
    return studies


def find_study(name: str) -> Study:
    """Return the study of a name; where there is none, the error suggests the nearest."""
    studies = {study.name: study for study in list_studies()}
    if name not in studies:
        raise StudyError(f"there is no study `{name}`{did_you_mean(name, studies)}")
    return studies[name]
