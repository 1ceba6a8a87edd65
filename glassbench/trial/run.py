"""One trial: fit, predict, score. It knows nothing of Ray and nothing of tracking.

Each stage leaves its outcome in the trial's folder before the next begins, so
that a trial stopped anywhere goes on where it was: a checkpoint while fitting,
`fitted/` after it, `predictions.npz` after predicting, `result.json` at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ..contract.model_card import read_model_card
from ..contract.task import Task, read_task
from ..contract.trial_plan import Trial
from ..datasets.closing import closed_splits
from ..datasets.view import View, open_view
from ..home.files import write_json
from ..home.given_files import find_given_files
from ..home.storage import Storage
from ..home.workspace import Workspace
from ..model import Condition, Model, Progress, Run
from .answers import Asked
from .history_and_cost import Cost, History
from .perturbation import fit_conditions, fit_examples
from .predictions import (
    ConditionPredictions,
    predictions_digest,
    read_predictions,
    write_predictions,
)
from .result import TrialResult, read_result, write_result
from .rotation import is_probed, turned_structures
from .stages import (
    TrialError,
    fit_run,
    make_model,
    predict,
    predict_centres,
    score_conditions,
    score_rotations,
)

PREDICTIONS_FILE = "predictions.npz"
TRANSFER_FILE, ROTATION_FILE = "transfer.npz", "rotation.npz"
FITTED = "fitted"


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
        If the dataset is not the one of the trial, or the model refuses its hyperparameters.
    PredictionsError
        If the model answers with something else than the contract says.
    """
    finished = read_result(workspace, trial)
    if finished is not None:
        return finished
    # A model that is tuned learns nothing of the test split, whatever it asks for.
    closed = ("test",) if trial.variation.scored_split == "valid" else ()
    with closed_splits(*closed):
        return _run(trial, workspace, report, device, threads, rank)


def _run(
    trial: Trial,
    workspace: Workspace,
    report: Callable[[Progress], None] | None,
    device: str,
    threads: int,
    rank: int,
) -> TrialResult | None:
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
    history = History(folder / "history.jsonl", report)
    cost = Cost(folder / "cost.json")
    if not (folder / PREDICTIONS_FILE).exists():
        model = make_model(card, find_given_files(trial.hyperparameters, workspace))
        run = fit_run(
            task,
            folder / "checkpoint",
            seed=trial.seed,
            conditions=fit_conditions(trial),
            variation=trial.variation,
            report=history.add,
            device=device,
            threads=threads,
            checkpoints=workspace.trial_checkpoints(trial.key),
        )
        with cost.of("fit"):
            _fit(model, trial, view, run, folder, workspace.trial_folder(trial.fit_key) / FITTED)
        if rank > 0:
            return None
        cost.remember("parameters", getattr(model, "parameters", None))
        with cost.of("predict"):
            _predict(model, trial, task, view, folder)
    result = _score(trial, task, view, folder, history, cost, device)
    write_result(workspace, result)
    return result


def _fit(model: Model, trial: Trial, view: View, run: Run, folder: Path, shared: Path) -> None:
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
    model.fit(train, valid, run)
    if hasattr(model, "save"):
        partial = folder / "fitted.partial"
        shutil.rmtree(partial, ignore_errors=True)
        model.save(partial)
        partial.rename(fitted)
    for checkpoints in filter(None, (run.folder, run.checkpoints)):
        Storage(checkpoints).remove()


def _predict(model: Model, trial: Trial, task: Task, view: View, folder: Path) -> None:
    """Write the predictions for the structures that are scored; `predictions.npz` comes last."""
    predictions = _ask(model, trial, task, view, trial.conditions)
    elsewhere = _ask(model, trial, task, view, _transfer_conditions(task, view, trial))
    if elsewhere:
        write_predictions(folder / TRANSFER_FILE, elsewhere)
    if is_probed(task) and trial.variation.scored_split == "test":
        turned = {
            condition.name: predict(
                model, _asked(trial, task, condition), turned_structures(view, condition)
            )
            for condition in trial.conditions
        }
        write_predictions(folder / ROTATION_FILE, turned)
    write_predictions(folder / PREDICTIONS_FILE, predictions)


def _ask(
    model: Model, trial: Trial, task: Task, view: View, conditions: Sequence[Condition]
) -> ConditionPredictions:
    """Return predictions for the structures that are scored, at each condition.

    A model that was fitted at one condition is asked about that one, wherever the
    structures come from.
    """
    fitted, of_all = fit_conditions(trial), trial.model.conditions_per_fit == "all"
    predictions: ConditionPredictions = {}
    for condition in conditions:
        listed = view.structures(trial.variation.scored_split, condition)
        structures = {structure.configuration: structure for structure in listed}
        asked = _asked(trial, task, condition if of_all or condition in fitted else fitted[0])
        predictions[condition.name] = (
            predict(model, asked, structures)
            if trial.variation.perturbation is None
            else predict_centres(model, asked, structures, trial)
        )
    return predictions


def _asked(trial: Trial, task: Task, condition: Condition) -> Asked:
    return Asked(trial.model.name, task, condition, not trial.variation.other_targets)


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


def _score(
    trial: Trial, task: Task, view: View, folder: Path, history: History, cost: Cost, device: str
) -> TrialResult:
    """Return the result of a trial from its stored predictions."""
    # A view of its own: what the model did to the structures that it was given does not count.
    view = View(task, view.dataset, ())
    predictions = read_predictions(folder / PREDICTIONS_FILE)
    transfer, rotation = folder / TRANSFER_FILE, folder / ROTATION_FILE
    elsewhere = read_predictions(transfer) if transfer.exists() else {}
    turned = read_predictions(rotation) if rotation.exists() else {}
    others = [c for c in view.conditions("test") if c.name in elsewhere] if elsewhere else []
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=score_conditions(task, view, trial.conditions, predictions, trial.variation),
        history=tuple(history.read()),
        cost=cost.total(device),
        predictions={
            "path": PREDICTIONS_FILE,
            "sha256": predictions_digest(folder / PREDICTIONS_FILE),
        },
        parameters=cost.spent.get("parameters"),
        transfer=score_conditions(task, view, others, elsewhere, trial.variation),
        rotation=(
            score_rotations(task, view, trial.conditions, predictions, turned) if turned else ()
        ),
    )
