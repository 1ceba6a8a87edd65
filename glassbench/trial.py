"""One trial: fit, predict, score. It knows nothing of Ray and nothing of tracking.

Each stage leaves its outcome in the trial's folder before the next begins, so
that a trial stopped anywhere goes on where it was: a checkpoint while fitting,
`fitted/` after it, `predictions.npz` after predicting, `result.json` at the end.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import resource
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .datasets.closing import closed_splits
from .datasets.view import View, open_view
from .errors import UserError
from .model import Condition, Example, Model, Predictions, Progress, Run, Structure
from .model_card import ModelCard, read_model_card
from .perturbation import perturbed
from .plan import Trial
from .predictions import read_predictions, write_predictions
from .registry import load_model_class
from .results import ConditionScores, TrialResult, read_result, write_json, write_result
from .rotation_scores import is_probed, score_rotation, turned_structures
from .scoring import primary_score, score_condition
from .storage import Storage
from .task import Task, read_task
from .varied import centres_of, counted, fit_conditions, fit_examples
from .workspace import Workspace

ConditionPredictions = dict[str, dict[str, Predictions]]
TRANSFER_FILE, ROTATION_FILE = "transfer.npz", "rotation.npz"
FITTED = "fitted"


class TrialError(UserError):
    """A trial cannot be run or its model broke the contract; the message says which and how."""


def run_trial(
    trial: Trial,
    workspace: Workspace,
    *,
    report: Callable[[Progress], None] | None = None,
    device: str = "cpu",
    threads: int = 1,
    rank: int = 0,
) -> TrialResult | None:
    """Run a trial to its end, from wherever an earlier attempt left it.

    Returns the stored result where the trial is finished already. Of several workers that
    train it together, those with a rank above 0 take part in the fit, and return None.

    Raises
    ------
    TrialError
        If the dataset is not the one of the trial, or the model breaks its contract.
    """
    finished = read_result(workspace, trial)
    if finished is not None:
        return finished
    # A model that is tuned learns nothing of the test split, whatever it asks for.
    closed = ("test",) if trial.variation.scored_split == "valid" else ()
    with closed_splits(*closed):
        return _run(trial, workspace, report, device, threads, rank)


def _run(trial, workspace, report, device, threads, rank) -> TrialResult | None:
    """Fit, predict, score, each stage from wherever an earlier attempt left it."""
    folder = workspace.trial_folder(trial.key)
    write_json(folder / "trial.json", trial.to_json())
    task = read_task(Path(trial.task_folder))
    card = read_model_card(Path(trial.model.folder))
    view = open_view(task, Path(trial.dataset.path), reads=card.reads)
    if view.digest != trial.dataset.digest:
        raise TrialError(
            f"dataset {trial.dataset.name} at {trial.dataset.path} has the digest {view.digest}, "
            f"the trial was planned on {trial.dataset.digest}: plan the run again"
        )
    model = _make_model(trial, card)
    history = _History(folder / "history.jsonl", report)
    cost = _Cost(folder / "cost.json")
    predictions = _stored_predictions(folder)
    if predictions is None:
        shared = workspace.trial_folder(trial.fit_key) / FITTED
        with cost.of("fit"):
            checkpoints = workspace.trial_checkpoints(trial.key)
            _fit(model, trial, task, view, folder, checkpoints, shared, history, device, threads)
        if rank > 0:
            return None
        cost.remember("parameters", getattr(model, "parameters", None))
        with cost.of("predict"):
            predictions = _predict(model, trial, view, trial.conditions)
            elsewhere = _predict(model, trial, view, _transfer_conditions(task, view, trial))
        # The predictions come last: where they are, the others are.
        if elsewhere:
            write_predictions(folder / TRANSFER_FILE, elsewhere)
        if is_probed(task) and trial.variation.scored_split == "test":
            write_predictions(folder / ROTATION_FILE, _predict_turned(model, trial, view))
        write_predictions(folder / "predictions.npz", predictions)
    result = TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=_score(task, view, trial, trial.conditions, predictions),
        history=tuple(history.read()),
        cost=cost.total(device),
        predictions={
            "path": "predictions.npz",
            "sha256": hashlib.sha256((folder / "predictions.npz").read_bytes()).hexdigest(),
        },
        parameters=cost.spent.get("parameters"),
        transfer=_score_transfer(task, view, trial, folder),
        rotation=_score_rotation(task, view, trial, folder),
    )
    write_result(workspace, result)
    return result


def _make_model(trial: Trial, card: ModelCard) -> Model:
    try:
        return load_model_class(card)(**trial.hyperparameters)
    except (TypeError, ValueError) as error:
        message = f"model {trial.model.name} refuses its hyperparameters: {error}"
        raise TrialError(message) from error


def _fit(
    model, trial, task, view, folder, checkpoints, shared, history, device, threads
) -> None:
    """Fit the model, or load what an earlier attempt fitted, or a trial with the same fit."""
    fitted = folder / FITTED
    for stored in (fitted, shared):
        if stored.exists() and hasattr(model, "load"):
            model.load(stored)
            return
    train = fit_examples(view, trial, "train")
    valid = fit_examples(view, trial, "valid")
    if not len(train):
        raise TrialError(f"dataset {trial.dataset.name} has no training configuration here")

    cut = trial.variation.of_fit().perturbation is not None

    def score(predictions: Sequence[Predictions], examples: Sequence[Example]) -> float:
        if cut:
            predictions = [
                {name: values[example.balanced] for name, values in prediction.items()}
                for prediction, example in zip(predictions, examples, strict=True)
            ]
            examples = [counted(example) for example in examples]
        return primary_score(task, predictions, examples)

    model.fit(
        train,
        valid,
        Run(
            seed=trial.seed,
            target=task.target,
            symmetry=task.symmetry,
            folder=folder / "checkpoint",
            checkpoints=checkpoints,
            conditions=fit_conditions(trial),
            score=score,
            report=history.add,
            device=device,
            threads=threads,
        ),
    )
    if hasattr(model, "save"):
        partial = folder / "fitted.partial"
        shutil.rmtree(partial, ignore_errors=True)
        model.save(partial)
        partial.rename(fitted)
    for place in filter(None, (folder / "checkpoint", checkpoints)):
        Storage(place).remove()


def _transfer_conditions(task: Task, view: View, trial: Trial) -> list[Condition]:
    """Return the conditions that differ from the trial's one on the transfer axes alone."""
    if not task.transfer or len(trial.conditions) != 1 or not trial.variation.is_standard:
        return []
    own = dict(trial.conditions[0])
    fixed = [axis for axis in own if axis not in task.transfer]
    return [
        condition
        for condition in view.conditions("test")
        if dict(condition) != own and all(condition[axis] == own[axis] for axis in fixed)
    ]


def _predict(
    model: Model, trial: Trial, view: View, conditions: Sequence[Condition]
) -> ConditionPredictions:
    """Return predictions for the structures that are scored, at each condition.

    A model that was fitted at one condition is asked about that one, wherever the
    structures come from.
    """
    fitted, of_all = fit_conditions(trial), trial.model.conditions_per_fit == "all"
    ask = _ask if trial.variation.perturbation is None else _ask_about_centres
    predictions: ConditionPredictions = {}
    for condition in conditions:
        structures = view.structures(trial.variation.scored_split, condition)
        structures = {s.configuration: s for s in structures}
        asked = condition if of_all or condition in fitted else fitted[0]
        predictions[condition.name] = ask(model, trial, asked, structures)
    return predictions


def _ask_about_centres(
    model: Model, trial: Trial, condition: Condition, structures: Mapping[str, Structure]
) -> dict[str, Predictions]:
    """Return predictions (M,) for the centres of each structure, its neighbours perturbed."""
    perturbation = trial.variation.perturbation
    centres = centres_of(perturbation)
    predictions: dict[str, Predictions] = {}
    for name, structure in structures.items():
        cuts = list(perturbed(structure, perturbation, centres(structure), trial.seed))
        asked = {str(number): cut.structure for number, cut in enumerate(cuts)}
        answers = _ask(model, trial, condition, asked).values()
        at_centres = [
            {t: v[cut.centres] for t, v in answer.items() if len(v) == len(cut.taken)}
            for cut, answer in zip(cuts, answers, strict=True)
        ]
        predictions[name] = {
            target: np.concatenate([answer[target] for answer in at_centres])
            for target in at_centres[0]
        }
    return predictions


def _predict_turned(model: Model, trial: Trial, view: View) -> ConditionPredictions:
    """Return predictions for some test structures turned against their load."""
    return {
        condition.name: _ask(model, trial, condition, turned_structures(view, condition))
        for condition in trial.conditions
    }


def _ask(
    model: Model, trial: Trial, condition: Condition, structures: Mapping[str, Structure]
) -> dict[str, Predictions]:
    """Return the checked predictions of a model for structures, by their names."""
    answers = list(model.predict(list(structures.values()), condition))
    if len(answers) != len(structures):
        raise TrialError(
            f"model {trial.model.name} returned {len(answers)} predictions for "
            f"{len(structures)} structures at {condition.name}"
        )
    return {
        name: {
            target: _checked(values, trial, condition, target, name)
            for target, values in answer.items()
        }
        for name, answer in zip(structures, answers, strict=True)
    }


def _checked(values, trial: Trial, condition: Condition, target: str, configuration: str):
    array = np.asarray(values, dtype=np.float32)
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise TrialError(
            f"model {trial.model.name} predicted {count} values of {target} that are not finite "
            f"for configuration {configuration} at {condition.name}"
        )
    return array


def _stored_predictions(folder: Path) -> ConditionPredictions | None:
    path = folder / "predictions.npz"
    return read_predictions(path) if path.exists() else None


def _score(
    task: Task,
    view: View,
    trial: Trial,
    conditions: Sequence[Condition],
    predictions: ConditionPredictions,
) -> tuple[ConditionScores, ...]:
    perturbation = trial.variation.perturbation
    chosen = None if perturbation is None else centres_of(perturbation)
    split = trial.variation.scored_split
    return tuple(
        score_condition(
            task, view, condition, predictions[condition.name], split=split, chosen=chosen
        )
        for condition in conditions
    )


def _score_transfer(
    task: Task, view: View, trial: Trial, folder: Path
) -> tuple[ConditionScores, ...]:
    """Score the predictions at other conditions than the fit's, where there are any."""
    path = folder / TRANSFER_FILE
    if not path.exists():
        return ()
    predictions = read_predictions(path)
    conditions = [c for c in view.conditions("test") if c.name in predictions]
    return _score(task, view, trial, conditions, predictions)


def _score_rotation(task: Task, view: View, trial: Trial, folder: Path) -> tuple[dict, ...]:
    """Score the predictions for turned structures, one entry a condition, where there are any."""
    path = folder / ROTATION_FILE
    if not path.exists():
        return ()
    predictions = read_predictions(path)
    return tuple(
        score_rotation(task, view, condition, predictions[condition.name])
        for condition in trial.conditions
        if condition.name in predictions
    )


class _History:
    """Progress of each epoch, kept on disk so that a resumed fit does not lose it."""

    def __init__(self, path: Path, report: Callable[[Progress], None] | None) -> None:
        self.path, self.report = path, report

    def add(self, progress: Progress) -> None:
        with open(self.path, "a+b") as file:
            # A line that a crash or a full disk tore must not take the next one along.
            if file.tell() and not _ends_whole(file):
                file.write(b"\n")
            file.write(json.dumps(asdict(progress)).encode() + b"\n")
        if self.report is not None:
            self.report(progress)

    def read(self) -> list[dict]:
        """Return the last report of each epoch, in order; a torn last line does not count."""
        epochs: dict[int, dict] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue
                epochs[entry["epoch"]] = {k: _finite(v) for k, v in entry.items()}
        return [epochs[epoch] for epoch in sorted(epochs)]


def _ends_whole(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _finite(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Cost:
    """Seconds and memory of each stage, kept on disk over attempts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent = json.loads(path.read_text()) if path.exists() else {}

    def of(self, stage: str) -> _Stage:
        return _Stage(self, stage)

    def add(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self.spent[name] = self.spent.get(name, 0.0) + amount
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.spent["peak_memory_bytes"] = max(self.spent.get("peak_memory_bytes", 0), peak)
        write_json(self.path, self.spent)

    def remember(self, name: str, value) -> None:
        """Keep a fact that a later attempt, which does not fit again, could not tell."""
        if value is not None:
            self.spent[name] = value
            write_json(self.path, self.spent)

    def total(self, device: str) -> dict[str, float]:
        wall = self.spent.get("fit_seconds", 0.0) + self.spent.get("predict_seconds", 0.0)
        return {
            "wall_seconds": wall,
            "cpu_seconds": self.spent.get("cpu_seconds", 0.0),
            "gpu_seconds": wall if device.startswith("cuda") else 0.0,
            "peak_memory_bytes": self.spent.get("peak_memory_bytes", 0),
            "fit_seconds": self.spent.get("fit_seconds", 0.0),
            "predict_seconds": self.spent.get("predict_seconds", 0.0),
        }


class _Stage:
    """Times one stage; what a failed stage spent counts too."""

    def __init__(self, cost: _Cost, stage: str) -> None:
        self.cost, self.stage = cost, stage

    def __enter__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.cost.add(
            **{f"{self.stage}_seconds": time.perf_counter() - self.wall},
            cpu_seconds=time.process_time() - self.cpu,
        )
