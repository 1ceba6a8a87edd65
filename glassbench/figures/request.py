"""The figures of a request, drawn from its record, its predictions and its dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..contract.units import mathtext
from ..datasets.pairs import pair_distances
from ..datasets.view import View
from ..home.workspace import Workspace
from ..metrics import MetricSpecification, select_pairs, select_particles
from ..model import Condition, Structure
from ..trial.predictions import read_predictions
from ..trial.result import TrialResult
from . import draw_classes, draw_parity, draw_rotation, draw_scores, draw_slice


def draw_request(record: Mapping[str, Any], task: Task, folder: Path) -> list[Path]:
    """Draw the scores of a record, and the rotation probe of each condition that has one."""
    paths = [draw_scores(record, task, folder / f"{task.primary_metric.name}.png")]
    for entry in record["conditions"]:
        if "rotation_probe" in entry:
            condition = Condition.of(**entry["condition"])
            title = _title(record["model"]["title"], task, condition)
            path = folder / f"rotation_{_file_name(condition)}.png"
            paths.append(draw_rotation(entry["rotation_probe"], title, path))
    return paths


def draw_trial(
    result: TrialResult,
    task: Task,
    view: View,
    model: ModelCard,
    workspace: Workspace,
    folder: Path,
) -> list[Path]:
    """Draw, at each condition of a trial, parity and (for particles) a slice of one configuration.

    For labels the distributions of the two classes are drawn instead of parity. A figure that is
    newer than the predictions is not drawn again.
    """
    predictions = workspace.trial_folder(result.key) / result.predictions["path"]
    target = task.targets[task.target]
    paths = []
    for scored in result.conditions:
        condition = Condition.of(**scored.condition)
        name = _file_name(condition)
        wanted = [folder / f"{'classes' if target.label_of else 'parity'}_{name}.png"]
        if target.per == "particle":
            wanted.append(folder / f"slice_{name}.png")
        if not all(_is_newer(path, predictions) for path in wanted):
            _draw_condition(predictions, condition, task, view, model, wanted)
        paths += wanted
    return paths


def _file_name(condition: Condition) -> str:
    return re.sub(r"[^\w.=-]+", "_", condition.name)


def _is_newer(path: Path, other: Path) -> bool:
    return path.exists() and path.stat().st_mtime_ns >= other.stat().st_mtime_ns


def _draw_condition(
    predictions: Path,
    condition: Condition,
    task: Task,
    view: View,
    model: ModelCard,
    wanted: list[Path],
) -> None:
    guesses = read_predictions(predictions)[condition.name]
    examples = list(view.examples("test", (condition,)))
    truths, predicted = [], []
    for example in examples:
        chosen = counted(task.primary_metric, example.structure)
        truths.append(example.targets[task.target][chosen])
        predicted.append(guesses[example.structure.configuration][task.target][chosen])
    title = _title(model.title, task, condition)
    draw = draw_classes if task.targets[task.target].label_of else draw_parity
    draw(truths, predicted, task, title, wanted[0])
    if len(wanted) > 1:
        structure, truth = examples[0].structure, examples[0].targets[task.target]
        guess = guesses[structure.configuration][task.target]
        title += f", configuration {structure.configuration}"
        draw_slice(structure, {"true": truth, "predicted": guess}, task, title, wanted[1])


def _title(model: str, task: Task, condition: Condition) -> str:
    values = (f"{mathtext(task.axis(name).symbol)} = {condition[name]:g}" for name in condition)
    return ", ".join([model, *values])


def counted(metric: MetricSpecification, structure: Structure) -> np.ndarray:
    """Return the mask of the particles, or pairs, that a metric counts: all of balanced sets."""
    if metric.particles == "balanced":
        return np.ones(len(structure.species), bool)
    if not metric.on_pairs:
        return select_particles(metric, structure.species)
    pairs = np.asarray(structure.pairs)
    distances = pair_distances(structure.positions, pairs, structure.box)
    return select_pairs(metric, structure.species, pairs, distances)
