"""Models that were trained here: their records, their fits, and which one a word means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.conditions import AxisChoice
from ..contract.errors import UserError, WordError
from ..contract.trial_plan import Trial, trial_from_json
from ..home.workspace import Workspace, find_given_files
from ..plugins.datasets import dataset_at
from ..plugins.registry import is_path, load_model_card, load_task
from ..record.record import Record, dataset_of_record, read_record, read_records
from .request import BenchmarkRequest, make_requests
from .words import RunRequest

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..trial.fitted import FittedModel

KEY = re.compile(r"[0-9a-f]{64}")


def find_run(run: str, workspace: Workspace) -> tuple[Path, Record]:
    """Return the record at a path, of a name, or the single one of a model here."""
    if Path(run).is_file():
        return Path(run), read_record(Path(run))
    records, _ = read_records(workspace.records)
    matching = [(p, r) for p, r in records if run in (p.stem, p.name, r["model"]["name"])]
    if matching:
        return only_one(run, matching)
    names = ", ".join(path.stem for path, _ in records) or "no record"
    raise WordError(f"there is no run `{run}` in {workspace.records}: it holds {names}")


def only_one(run: str, matching: list[tuple[Path, Record]]) -> tuple[Path, Record]:
    """Return the record where there is one; a WordError names all where there are several."""
    if len(matching) > 1:
        names = ", ".join(path.stem for path, _ in matching)
        raise WordError(f"model `{run}` has {len(matching)} records: name one of {names}")
    return matching[0]


def stored_trials(workspace: Workspace) -> Iterator[tuple[Path, Trial]]:
    """Yield the trials that began in the workspace, with their folders."""
    for file in sorted(workspace.trials.glob("*/*/trial.json")):
        try:
            trial = trial_from_json(json.loads(file.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        yield file.parent, trial


def load_model(
    word: str | Path,
    workspace: Workspace,
    *,
    task: str | None = None,
    dataset: str | None = None,
    axes: Mapping[str, AxisChoice] | None = None,
    seeds: tuple[int, ...] = (),
    hyperparameters: Mapping[str, str] | None = None,
    cluster: str = "auto",
    train: Callable[[BenchmarkRequest], object] | None = None,
) -> FittedModel:
    """Return a model with its fits, from a packed file, a record, a run, or a model's name.

    Of a name, a run with these seeds and hyperparameters (as text) is meant, where they are given;
    without one it is trained by `train`, on the dataset and at the conditions asked for.
    """
    from ..trial.weights import SUFFIX, read_about, unpack_model

    path, name = Path(word).expanduser(), str(word)
    if path.suffix == SUFFIX and path.is_file():
        about = read_about(path)
        packed = load_model_card(about["model"]["name"]), load_task(about["task"]["name"])
        return unpack_model(path, *packed)
    if path.is_file() or any(
        name in (p.stem, p.name) for p, _ in read_records(workspace.records)[0]
    ):
        file, record = find_run(name, workspace)
        return model_of_record(record, file, workspace)
    card = load_model_card(name)
    chosen = card.hyperparameters_for("", "", hyperparameters or {})
    # A dataset at a path has the name that its store states.
    named = dataset_at(Path(dataset)).name if dataset and is_path(dataset) else dataset

    def runs() -> list[tuple[Path, Record]]:
        return [
            (file, record)
            for file, record in read_records(workspace.records)[0]
            if record["model"]["digest"] == card.digest
            and task in (None, record["task"]["name"])
            and named in (None, record["dataset"]["name"])
            and (not seeds or set(seeds) == set(record["seeds"]))
            and all(record["hyperparameters"][k] == chosen[k] for k in hyperparameters or ())
        ]

    if not runs():
        if task is None and len(card.tasks) > 1:
            raise WordError(
                f"model {card.name} has no run here, and serves {', '.join(card.tasks)}: say for "
                f"which it is to be trained, task={card.tasks[0]}"
            )
        own = load_task(task or card.tasks[0])
        _refuse_pairs(own)
        asked = RunRequest(
            own.name,
            (name,),
            dataset=dataset,
            axes=axes or {},
            seeds=seeds or (0,),
            hyperparameters=hyperparameters or {},
            cluster=cluster,
            floors=False,
        )
        (request,) = make_requests(own, asked, workspace)
        if train is None:
            raise UserError(
                f"model {card.name} has no run here: train it first, `glassbench run "
                f"task={request.task.name} model={name}`"
            )
        train(request)
    file, record = only_one(name, runs())
    return model_of_record(record, file, workspace)


def model_of_record(record: Record, path: Path, workspace: Workspace) -> FittedModel:
    """Return the fitted model of a record, where its fits lie in the workspace."""
    from ..datasets.view import open_view
    from ..trial.fitted import Fit, FittedModel
    from ..trial.likeness import Training
    from ..trial.stages import make_model

    trials, named = _trials_of(record, workspace), record["dataset"]
    folders = [t.model.folder for t in trials if (Path(t.model.folder) / "model.toml").is_file()]
    card = load_model_card(next(iter(folders), str(record["model"]["name"])))
    task = load_task(record["task"]["name"])
    if card.digest != (digest := record["model"]["digest"]):
        raise UserError(
            f"{path.name} is of {card.name} with the digest {digest[:12]}…, the one here has "
            f"{card.digest[:12]}…: run the model again, or name another record"
        )
    _refuse_pairs(task)
    if not trials:
        raise UserError(f"{path} names no trial of the workspace {workspace.home}: run it here")
    fits, fitted = [], []
    hyperparameters = find_given_files(record["hyperparameters"], workspace)
    for trial in trials:
        model = make_model(card, hyperparameters)
        places = [workspace.trial_folder(key) / "fitted" for key in (trial.key, trial.fit_key)]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None or not hasattr(model, "load"):
            raise UserError(
                f"the fit of {trial.name} is not in {workspace.trials}"
                + ("" if hasattr(model, "load") else f": {card.name} has no `save` and `load`")
                + f". Train it here: `glassbench run task={task.name} model={card.name} "
                f"dataset={named['name']} force=on`"
            )
        model.load(folder)
        fits.append(Fit(trial.seed, trial.fit_conditions, model))
        fitted.append(folder)
    data = Path(trials[-1].dataset.path)
    if not data.exists():
        data = dataset_of_record(task, named, workspace).path
    view = open_view(task, data)
    if view.digest != named["digest"]:
        raise UserError(
            f"dataset {named['name']} at {data} is not the one that the model was trained on: its "
            "digest is another one"
        )
    conditions = dict.fromkeys(condition for fit in fits for condition in fit.conditions)
    training = Training.of(task, view, named["name"], list(conditions))
    values = record["hyperparameters"]
    card = card.reading(values)
    return FittedModel(card, task, training, values, tuple(fits), tuple(fitted))


def _refuse_pairs(task: Task) -> None:
    per = task.targets[task.target].per
    if per != "particle":
        raise UserError(
            f"{task.name} is about {per}s: no column of particles can hold its predictions"
        )


def _trials_of(record: Record, workspace: Workspace) -> list[Trial]:
    """Return the trials of a record that lie in the workspace, once each."""
    keys = dict.fromkeys(Path(e["path"]).parent.name for e in record.to_json()["predictions"])
    # A record is a stranger's: what is no key would lead out of the folder.
    files = [workspace.trial_folder(key) / "trial.json" for key in keys if KEY.fullmatch(key)]
    return [trial_from_json(json.loads(file.read_bytes())) for file in files if file.is_file()]
