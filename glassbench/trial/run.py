"""One trial: fit, predict, score. It knows nothing of Ray and nothing of tracking.

Each stage leaves its outcome in the trial's folder before the next begins, so
that a trial stopped anywhere goes on where it was: a checkpoint while fitting,
`fitted/` after it, `predictions.npz` after predicting, `result.json` at the end.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..contract.errors import UserError
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task, read_task
from ..contract.trial_plan import Trial
from ..datasets.closing import closed_splits
from ..datasets.view import View, open_view
from ..home.files import write_json
from ..home.given_files import find_given_files
from ..home.storage import Storage
from ..home.workspace import Workspace
from ..metrics import MetricSpecification
from ..model import Condition, Example, Model, Predictions, Progress, Run, Structure
from ..plugins.registry import load_model_class
from .history_and_cost import Cost, History
from .perturbation import perturbed
from .predictions import read_predictions, write_predictions
from .result import ConditionScores, TrialResult, read_result, write_result
from .rotation_scores import is_probed, score_rotation, turned_structures
from .score import primary_score, score_condition
from .varied import centres_of, counted, fit_conditions, fit_examples

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
    model = _make_model(trial, card, workspace)
    history = History(folder / "history.jsonl", report)
    cost = Cost(folder / "cost.json")
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
        rotation=_score_rotation(task, view, trial, folder, predictions),
    )
    write_result(workspace, result)
    return result


def _make_model(trial: Trial, card: ModelCard, workspace: Workspace) -> Model:
    values = find_given_files(trial.hyperparameters, workspace)
    try:
        return load_model_class(card)(**values)
    except (TypeError, ValueError) as error:
        message = f"model {trial.model.name} refuses its hyperparameters: {error}"
        raise TrialError(message) from error


def _fit(model, trial, task, view, folder, checkpoints, shared, history, device, threads) -> None:
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
    compared = MetricSpecification.from_table(task.primary_metric).prediction

    def score(predictions: Sequence[Predictions], examples: Sequence[Example]) -> float:
        if trial.variation.other_targets and any(compared not in p for p in predictions):
            return math.nan
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
    """Return predictions for the test structures turned against their load."""
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


def _score_rotation(
    task: Task, view: View, trial: Trial, folder: Path, upright: ConditionPredictions
) -> tuple[dict, ...]:
    """Score the predictions for turned structures, one entry a condition, where there are any."""
    path = folder / ROTATION_FILE
    if not path.exists():
        return ()
    turned = read_predictions(path)
    # A trial that another version began may have been asked for other turns.
    return tuple(
        score_rotation(task, view, condition, upright[condition.name], turned[condition.name])
        for condition in trial.conditions
        if set(turned_structures(view, condition)) <= set(turned.get(condition.name, ()))
    )
