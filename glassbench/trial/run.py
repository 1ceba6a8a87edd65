"""One trial: fit, predict, score. It knows nothing of Ray and nothing of tracking.

Each stage leaves its outcome in the trial's folder before the next begins, so
that a trial stopped anywhere goes on where it was: a checkpoint while fitting,
`fitted/` after it, `predictions.npz` after predicting, `result.json` at the end.
"""

from __future__ import annotations

import contextlib
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..contract.checked import finite
from ..contract.errors import UserError
from ..contract.model_card import read_model_card
from ..contract.task import Task, read_task
from ..contract.trial_plan import Trial
from ..datasets.store import closed_splits
from ..datasets.view import View, open_view
from ..home.files import Storage, append_json_line, read_json_lines, whole_folder, write_json
from ..home.workspace import Workspace, find_given_files
from ..model import Model, Progress, Run
from . import stages
from .predictions import (
    Asked,
    ConditionPredictions,
    predictions_digest,
    read_predictions,
    write_predictions,
)
from .result import TrialResult, read_result, write_result

FITTED = "fitted"
HISTORY_FILE = "history.jsonl"


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

    Raises UserError where the dataset is not the one of the trial or the model refuses its
    hyperparameters, PredictionsError where its answers break the contract.
    """
    finished = read_result(workspace, trial)
    if finished is not None:
        return finished
    # A model that is tuned learns nothing of the test split, whatever it asks for.
    closed = ("test",) if trial.variation.scored_split == "valid" else ()
    folder, shared = (workspace.trial_folder(key) for key in (trial.key, trial.fit_key))
    write_json(folder / "trial.json", trial.to_json())
    task = read_task(Path(trial.task_folder)).asked_for(trial.target)
    card = read_model_card(Path(trial.model.folder)).reading(trial.hyperparameters)
    cost = Cost(folder / "cost.json")

    def note(progress: Progress) -> None:
        # On disk, so that a resumed fit does not lose it.
        append_json_line(folder / HISTORY_FILE, asdict(progress))
        if report is not None:
            report(progress)

    with closed_splits(*closed):
        view = open_view(task, Path(trial.dataset.path), reads=card.reads)
        if view.digest != trial.dataset.digest:
            raise UserError(
                f"dataset {trial.dataset.name} at {trial.dataset.path} has the digest "
                f"{view.digest}, the trial was planned on {trial.dataset.digest}: plan the run "
                "again"
            )
        if not (folder / stages.PREDICTIONS_FILE).exists():
            model = stages.make_model(card, find_given_files(trial.hyperparameters, workspace))
            run = stages.fit_run(
                task,
                folder / "checkpoint",
                seed=trial.seed,
                conditions=trial.fit_conditions,
                variation=trial.variation,
                report=note,
                device=device,
                threads=threads,
                checkpoints=workspace.trial_checkpoints(trial.key),
            )
            with cost.of("fit"):
                _fit(model, trial, view, run, folder, shared)
                # Kept with the fit: a model that is loaded later may not know it.
                if (parameters := getattr(model, "parameters", None)) is not None:
                    cost.spent["parameters"] = parameters
            if rank > 0:
                return None
            with cost.of("predict"):
                _predict(model, trial, task, view, folder)
    result = _score(trial, task, view, folder, cost, device)
    write_result(workspace, result)
    return result


def _fit(model: Model, trial: Trial, view: View, run: Run, folder: Path, shared: Path) -> None:
    """Fit the model, or load what an earlier attempt fitted, or a trial with the same fit."""
    fitted = folder / FITTED
    for stored in (fitted, shared / FITTED):
        if stored.exists() and hasattr(model, "load"):
            model.load(stored)
            return
    train = stages.fit_examples(view, trial, "train")
    valid = stages.fit_examples(view, trial, "valid")
    if not len(train) and trial.hyperparameters.get("epochs") != 0:
        raise UserError(f"dataset {trial.dataset.name} has no training configuration here")
    model.fit(train, valid, run)
    if hasattr(model, "save"):
        with whole_folder(fitted) as partial:
            model.save(partial)
    Storage(run.folder).remove()
    if run.checkpoints:
        Storage(run.checkpoints).remove()


def _predict(model: Model, trial: Trial, task: Task, view: View, folder: Path) -> None:
    """Write the answers to all questions; `predictions.npz` comes last, as what ends the stage."""
    files: dict[str, ConditionPredictions] = {}
    for file, condition, question in stages.questions(trial, task, view):
        asked = Asked(trial.model.name, task, question.condition, not trial.variation.other_targets)
        files.setdefault(file, {})[condition] = (
            stages.predict(model, asked, question.structures)
            if trial.variation.perturbation is None
            else stages.predict_centres(model, asked, question.structures, trial)
        )
    for file in (stages.TRANSFER_FILE, stages.ROTATION_FILE, stages.PREDICTIONS_FILE):
        if files.get(file):
            write_predictions(folder / file, files[file])


def _score(
    trial: Trial, task: Task, view: View, folder: Path, cost: Cost, device: str
) -> TrialResult:
    """Return the result of a trial from its stored predictions."""
    # A view of its own: what the model did to the structures that it was given does not count.
    view = View(task, view.dataset, ())
    files = {
        f: read_predictions(folder / f) for f in stages.PREDICTION_FILES if (folder / f).exists()
    }
    sha256 = predictions_digest(folder / stages.PREDICTIONS_FILE)
    spent, parameters = cost.total(device), cost.spent.get("parameters")
    return stages.score_trial(trial, task, view, files, sha256, spent, parameters, _history(folder))


def _history(folder: Path) -> tuple[dict[str, Any], ...]:
    """Return the last report of each epoch, in order."""
    epochs = {entry["epoch"]: entry for entry in read_json_lines(folder / HISTORY_FILE)}
    return tuple(
        {name: finite(v) if isinstance(v, float) else v for name, v in epochs[epoch].items()}
        for epoch in sorted(epochs)
    )


class Cost:
    """Seconds and memory of each stage, and the trained parameters, kept on disk over attempts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}

    @contextlib.contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Time one stage; what a failed stage spent counts too."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._add(f"{stage}_seconds", time.perf_counter() - wall)
            self._add("cpu_seconds", time.process_time() - cpu)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            self.spent["peak_memory_bytes"] = max(self.spent.get("peak_memory_bytes", 0), peak)
            write_json(self.path, self.spent)

    def _add(self, name: str, amount: float) -> None:
        self.spent[name] = self.spent.get(name, 0.0) + amount

    def total(self, device: str) -> dict[str, float]:
        names = ("cpu_seconds", "peak_memory_bytes", "fit_seconds", "predict_seconds")
        spent = {name: self.spent.get(name, 0) for name in names}
        wall = spent["fit_seconds"] + spent["predict_seconds"]
        gpu = wall if device.startswith("cuda") else 0.0
        return {"wall_seconds": wall, "gpu_seconds": gpu, **spent}
