"""A study as `studies.toml` declares it, and the settings that it has for one request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ...contract.checked import Checked, Name, Names, Text, Texts, checked, read_toml
from ...contract.errors import UserError, did_you_mean
from ...contract.hyperparameters import typed_value
from ...contract.trial_plan import STANDARD, Perturbation, Variation
from ...datasets.pairs import pair_distances
from ...plugins.registry import list_tasks, load_model_class, whole_models
from ..request import BenchmarkRequest
from ..words import RunRequest, parse_count, parse_number, parse_switch

STUDIES_FILE, ALL = "studies.toml", "all"


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
        "hyperparameter", "changes", "training_configurations", "shells_removed",
        "shells_displaced", "transfer", "seeds",
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
class StudyRequest:
    """What `glassbench study` was asked to do: what a run is asked too, and the study's own."""

    study: Study
    run: RunRequest
    values: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """One value of what a study varies, at `x`, and what differs from the model's usual trial."""

    text: str
    x: float
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    variation: Variation = STANDARD


def list_studies() -> list[Study]:
    """Return the studies of the package, then those of the tasks."""
    folders = [Path(__file__).parent, *(task.folder for task in list_tasks() if not task.error)]
    studies = []
    for path in (folder / STUDIES_FILE for folder in folders):
        for name, table in (read_toml(path, StudyError) if path.exists() else {}).items():
            studies.append(checked(Study, table, f"{path} [{name}]", StudyError, name=name))
    return studies


def find_study(name: str) -> Study:
    studies = {study.name: study for study in list_studies()}
    if name not in studies:
        raise StudyError(f"there is no study `{name}`{did_you_mean(name, studies)}")
    return studies[name]


def settings_of(asked: StudyRequest, request: BenchmarkRequest) -> list[Setting]:
    """Return one setting for each value; where one cannot be, the error says what can."""
    return list(SETTINGS[asked.study.varies](asked, request))


def _seeds(asked: StudyRequest, request: BenchmarkRequest) -> list[Setting]:
    if asked.values:
        raise StudyError("this study varies the seed: give `seed=0..4` in place of `values=`")
    return [Setting("", 0.0)]


def _hyperparameter(asked: StudyRequest, request: BenchmarkRequest) -> Iterator[Setting]:
    name = asked.study.hyperparameter
    longest_pair = _longest_pair(request) if asked.study.longest_edge else 0.0
    for position, text in enumerate(asked.values):
        value = _typed(name, text, request)
        if asked.study.longest_edge and value < longest_pair:
            raise StudyError(
                f"{name} = {text} of {request.model.name}: it learns the change of pairs up to "
                f"{longest_pair:.3g}, which would have no edge (p = "
                f"{request.hyperparameters['p']:g}): take values from {longest_pair:.3g} on, or "
                "model.p=1"
            )
        x = float(value) if isinstance(value, int | float) else float(position)
        yield Setting(text, x, {name: value}, Variation(other_targets=asked.study.other_targets))


def _changes(asked: StudyRequest, request: BenchmarkRequest) -> Iterator[Setting]:
    """Yield one setting for each value `name=value`, `name=value+name=value`, or `none`.

    Of the study's own values those are left out that change what the model has not.
    """
    own, has = asked.values == asked.study.values, set(request.model.hyperparameters)
    for position, text in enumerate(asked.values):
        words = [] if text == "none" else [change.partition("=") for change in text.split("+")]
        if own and not {name for name, _, _ in words} <= has:
            continue
        changed = {name: _typed(name, value, request) for name, _, value in words}
        yield Setting(text, float(position), changed, Variation(other_targets=True))


def _typed(name: str, text: str, request: BenchmarkRequest) -> Any:
    """Return the value of a hyperparameter that a word gives."""
    card = request.model
    if name not in card.hyperparameters:
        serving = [model for model in whole_models() if request.task.name in model.tasks]
        models = [model.name for model in serving if name in model.hyperparameters]
        raise StudyError(
            f"model {card.name} has no hyperparameter `{name}`: on {request.task.name} "
            f"{', '.join(models) or 'no model'} {'have' if len(models) > 1 else 'has'} it"
        )
    try:
        return typed_value(text, card.hyperparameters[name])
    except ValueError as error:
        raise StudyError(f"values: {name} of {card.name}: {error}") from None


def _longest_pair(request: BenchmarkRequest) -> float:
    """Return the length of the longest pair whose change the model learns, 0 where it learns none.

    With p = 1 a model learns particles alone (Shiba et al. 2023, Eq. 12).
    """
    structure = request.view.structures("train", request.conditions[0])[0]
    pairs, p = structure.pairs, request.hyperparameters.get("p", 1.0)
    if pairs is None or not len(pairs) or p == 1.0:
        return 0.0
    return float(pair_distances(structure.positions, pairs, structure.box).max())


def _training_configurations(asked: StudyRequest, request: BenchmarkRequest) -> list[Setting]:
    entries = [request.view.examples("train", (c,)).entries for c in request.conditions]
    available = min(len({member.configuration for member, _ in each}) for each in entries)
    doubling = [str(2**k) for k in range(available.bit_length()) if 2**k < available]
    settings = {}
    for text in asked.values or [*doubling, ALL]:
        count = available if text == ALL else parse_count("values", text)
        if count > available:
            raise StudyError(
                f"values: dataset {request.dataset.name} has {available} training configurations, "
                f"fewer than {count}: give numbers up to {available}, or `{ALL}`"
            )
        # All of them are the standard trial itself.
        variation = Variation(training_configurations=None if count == available else count)
        settings[count] = Setting(str(count), float(count), variation=variation)
    return list(settings.values())


def _shells_removed(asked: StudyRequest, request: BenchmarkRequest) -> Iterator[Setting]:
    """Yield the settings in which all beyond a radius is removed, in training too or not."""
    _check_surroundings(request)
    retrain = parse_switch("retrain", asked.options["retrain"])
    if retrain and not getattr(load_model_class(request.model), "learns_from_chosen", False):
        raise StudyError(
            f"model {request.model.name} trains on all particles of a structure, and here only "
            "chosen ones keep their surroundings: with retrain=off it is trained on whole "
            "structures and asked about cut ones"
        )
    centres = int(_positive(asked.options["centres"], "centres"))
    for radius in (_radius(text, request) for text in asked.values):
        cut = Perturbation("remove", inner=radius, centres=centres, in_training=retrain)
        yield Setting(f"{radius:g}", radius, variation=Variation(perturbation=cut))


def _shells_displaced(asked: StudyRequest, request: BenchmarkRequest) -> Iterator[Setting]:
    """Yield the settings in which one shell is displaced, each up to one of the radii."""
    _check_surroundings(request)
    amplitude = _positive(asked.options["amplitude"], "amplitude")
    centres = int(_positive(asked.options["centres"], "centres"))
    for inner, outer in pairwise([0.0, *(_radius(text, request) for text in asked.values)]):
        if outer <= inner:
            raise StudyError(f"values: the shell from {inner:g} to {outer:g} is empty")
        shell = Variation(perturbation=Perturbation("displace", inner, outer, amplitude, centres))
        yield Setting(f"{inner:g}–{outer:g}", outer, variation=shell)


def _check_surroundings(request: BenchmarkRequest) -> None:
    """Refuse tasks and models for which surroundings of single particles mean nothing."""
    metric, card = request.task.primary_metric, request.model
    if metric.on_pairs:
        raise StudyError(
            f"task {request.task.name} asks about pairs, and surroundings are perturbed around "
            "single particles: take a task that asks about particles"
        )
    if metric.function != "pearson":
        raise StudyError(
            f"{metric.title} of {request.task.name} is a property of all particles at once, and "
            "only some are asked about here: take a task whose metric is a correlation"
        )
    if card.reads != ("thermal",):
        raise StudyError(
            f"model {card.name} reads {', '.join(card.reads)}: only thermal positions are "
            "perturbed, and the others would show it what was removed"
        )


def _radius(text: str, request: BenchmarkRequest) -> float:
    radius = _positive(text, "values")
    box = request.view.structures("test", request.conditions[0])[0].box
    if radius > box.min() / 2:
        raise StudyError(
            f"values: radius {radius:g} is beyond half of the box edge {box.min():.4g}: "
            "give smaller ones"
        )
    return radius


def _positive(text: str, key: str) -> float:
    value = parse_number(key, text)
    if value <= 0:
        raise StudyError(f"`{text}` in `{key}` is not above 0")
    return value


def _trained_at(asked: StudyRequest, request: BenchmarkRequest) -> list[Setting]:
    """Return one setting for each value of the axis at which the model is trained."""
    task, axes, axis = (
        request.task.name,
        [each.name for each in request.task.axes],
        asked.study.over,
    )
    if axis not in axes:
        raise StudyError(f"task {task} has no axis {axis}: it has {', '.join(axes)}")
    available = sorted({condition[axis] for condition in request.conditions})
    if len(available) < 2:
        everything = {condition[axis] for condition in request.view.conditions("train")}
        shown = ", ".join(f"{each:g}" for each in sorted(everything))
        if len(everything) > 1:
            raise StudyError(
                f"one {axis} was asked for, {available[0]:g}, of {shown}: leave `{axis}=` out"
            )
        raise StudyError(
            f"dataset {request.dataset.name} has one {axis} to train at, {shown}: training at one "
            f"and testing at another needs two; `glassbench show {task}` names data with more"
        )
    chosen = []
    for text in asked.values:
        wanted = parse_number("values", text)
        near = [value for value in available if math.isclose(value, wanted, rel_tol=1e-9)]
        if not near:
            shown = ", ".join(f"{value:g}" for value in available)
            raise StudyError(f"values: the study has no {axis} {text}: it has {shown}")
        chosen += near[:1]
    return [Setting(f"{value:g}", value) for value in dict.fromkeys(chosen or available)]


SETTINGS: dict[str, Callable[[StudyRequest, BenchmarkRequest], Iterable[Setting]]] = {
    "hyperparameter": _hyperparameter,
    "changes": _changes,
    "training_configurations": _training_configurations,
    "shells_removed": _shells_removed,
    "shells_displaced": _shells_displaced,
    "transfer": _trained_at,
    "seeds": _seeds,
}
