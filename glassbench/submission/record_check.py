"""Checking a record: schema, digests, signature, and every score from the stored predictions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import UserError
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..home.workspace import Workspace
from ..plugins.datasets import find_dataset
from ..plugins.registry import list_models, load_task
from ..record.file import Record, validate_record
from .bundle import Bundle, SubmissionError, open_bundle, trials_of
from .findings import Finding
from .rescore import differences, floor_results, record_of, scored_trial, stored_predictions
from .sandbox.bounded import read_json
from .signature import check_signature, trusted_keys

SHOWN = 5


@dataclass(frozen=True)
class Checking:
    """How to check.

    Attributes
    ----------
    labels : path of the store with the labels, where the dataset's name does not find it
    trusted : file of the maintainers' public keys, the leaderboard's unless given
    floors : whether to run the trivial floors again too
    """

    workspace: Workspace
    labels: Path | None = None
    trusted: Path | None = None
    floors: bool = True


def check_record_file(path: Path, how: Checking) -> tuple[Record | None, list[Finding]]:
    """Return the record of a packed submission or of a file of the board, and what was found."""
    findings: list[Finding] = []
    if path.suffix == ".json":
        try:
            record = _read(path)
            bundle = _beside(path, record)
        except UserError as error:
            return None, [Finding("file", False, str(error))]
        return record, [
            _passed("schema", "the record keeps its schema"),
            *check_bundle(bundle, how),
        ]
    try:
        with open_bundle(path, how.workspace) as bundle:
            findings.append(_passed("file", "every member has the digest that the manifest says"))
            findings.append(_passed("schema", "the record keeps its schema"))
            return bundle.record, [*findings, *check_bundle(bundle, how)]
    except UserError as error:
        return None, [*findings, Finding("file", False, str(error))]


def check_bundle(bundle: Bundle, how: Checking) -> list[Finding]:
    """Return what is found on a record with its predictions."""
    checks: dict[str, Callable[[], str]] = {
        "predictions": lambda: _check_predictions(bundle),
        "model": lambda: _check_model(bundle),
        "scores": lambda: _check_scores(bundle, how),
        "signature": lambda: _check_signature(bundle.record, how),
    }
    return [_find(name, check) for name, check in checks.items()]


def _find(name: str, check: Callable[[], str]) -> Finding:
    try:
        return _passed(name, check())
    except UserError as error:
        return Finding(name, False, str(error))


def _passed(name: str, message: str) -> Finding:
    return Finding(name, True, message)


def _read(path: Path) -> Record:
    try:
        record = read_json(path.read_bytes(), str(path))
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror}") from None
    validate_record(record)
    return record


def _beside(path: Path, record: Record) -> Bundle:
    """Return the bundle of a record on the board: predictions and card lie beside `records`."""
    board = path.absolute().parent.parent
    folder = board / "models" / record["model"]["digest"]
    if not (folder / "model.toml").is_file():
        raise SubmissionError(
            f"{folder} holds no model.toml: a record is checked with its model's card and the "
            "predictions, as `glassbench record add` puts them beside it; check the packed archive"
        )
    digests = dict.fromkeys(entry["sha256"] for entry in record["predictions"])
    predictions = {digest: board / "predictions" / f"{digest}.npz" for digest in digests}
    return Bundle(folder, read_model_card(folder), record, predictions, {})


def _check_predictions(bundle: Bundle) -> str:
    for digest, path in bundle.predictions.items():
        if not path.is_file():
            raise SubmissionError(f"the predictions {path} are not there")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise SubmissionError(f"the predictions {path} were altered: their sha256 differs")
    if not bundle.predictions:
        raise SubmissionError("the record names no predictions: there is nothing to score again")
    return f"{len(bundle.predictions)} files have the digests that the record says"


def _check_model(bundle: Bundle) -> str:
    record, card = bundle.record, bundle.card
    for place, digest in (
        ("model/digest", record["model"]["digest"]),
        ("provenance/model_digest", record["provenance"]["model_digest"]),
    ):
        if digest != card.digest:
            raise SubmissionError(f"{place} is {digest}, the model's folder has {card.digest}")
    ours = {"name": card.name, "title": card.title, "reads": list(card.reads)}
    for name, value in ours.items():
        if record["model"][name] != value:
            raise SubmissionError(
                f"model/{name} is {record['model'][name]!r}, its model.toml says {value!r}"
            )
    _refuse_taken_name(card)
    return "digest, name and inputs are those of the model's folder"


def _refuse_taken_name(card: ModelCard) -> None:
    """Refuse a name under which GlassBench has another model."""
    for model in list_models():
        if model.name == card.name and model.origin == "baselines" and not model.error:
            if model.contract.digest != card.digest:
                raise SubmissionError(
                    f"`{card.name}` is the name of a baseline, and this folder is not it: choose "
                    "another name in model.toml"
                )


def _check_scores(bundle: Bundle, how: Checking) -> str:
    record = bundle.record
    task = load_task(record["task"]["name"])
    if record["task"]["protocol_version"] != task.protocol_version:
        raise SubmissionError(
            f"the record is of protocol {record['task']['protocol_version']} of {task.name}, this "
            f"GlassBench has {task.protocol_version}: run it again"
        )
    dataset, view = open_labels(task, record, how.labels, how.workspace)
    again = rescored(bundle, task, dataset, view, how)
    found = differences(record, again)
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise SubmissionError(f"{'; '.join(found[:SHOWN])}{more}")
    counted = sum(len(entry["scores"]) for entry in record["conditions"])
    floors = "floors included" if how.floors else "floors as the record says them"
    return f"{counted} scores at {len(record['conditions'])} conditions come out again, {floors}"


def open_labels(task: Task, record: Record, labels: Path | None, workspace: Workspace):
    """Return the dataset on which a record was scored, with its view.

    Raises
    ------
    SubmissionError
        If the dataset here is another one.
    """
    from ..datasets.view import open_view

    name = record["dataset"]["name"]
    path = labels or find_dataset(task, name, workspace).path
    view = open_view(task, Path(path))
    if view.digest != record["dataset"]["digest"]:
        raise SubmissionError(
            f"the record is of dataset `{name}` with the digest {record['dataset']['digest']}, the "
            f"one here, {path}, has {view.digest}: scores on two datasets are never compared"
        )
    if record["provenance"]["dataset_digest"] != view.digest:
        raise SubmissionError("provenance/dataset_digest is not the digest of the dataset")
    return DatasetReference(name, str(path), view.digest), view


def rescored(bundle: Bundle, task: Task, dataset: DatasetReference, view, how: Checking) -> Record:
    """Return the record that the stored predictions of a bundle give."""
    record = bundle.record
    _check_named_conditions(record)
    parameters = record["model"]["parameters"]
    results = []
    for trial in trials_of(bundle, task, dataset):
        digest = predictions_of(record, trial)
        predictions = stored_predictions(bundle.predictions[digest])
        file = {"path": "predictions.npz", "sha256": digest}
        cost = {**record["cost"]}
        results.append(scored_trial(task, view, trial, predictions, file, cost, parameters))
    return record_of(
        task, view, dataset, bundle.card, record, results, _floors(record, task, dataset, how)
    )


def _floors(record: Record, task: Task, dataset: DatasetReference, how: Checking) -> Mapping:
    """Return the floors' results, run again or as the record says them."""
    from ..model import Condition
    from ..trial.result import ConditionScores

    names = dict.fromkeys(
        floor["model"] for entry in record["conditions"] for floor in entry["floors"]
    )
    odd = sorted(set(names) - set(task.floors))
    if odd:
        raise SubmissionError(f"`{odd[0]}` is no floor of {task.name}: {', '.join(task.floors)}")
    if how.floors:
        conditions = tuple(Condition.of(**entry["condition"]) for entry in record["conditions"])
        return floor_results(task, dataset, conditions, tuple(names), how.workspace)
    metric = task.primary_metric.name
    return {
        name: [
            _StatedFloor(
                tuple(
                    ConditionScores(
                        entry["condition"],
                        tuple(entry["configurations"]),
                        tuple(entry["parents"]),
                        {metric: _stated_score(floor)},
                    )
                    for entry in record["conditions"]
                    for floor in entry["floors"]
                    if floor["model"] == name
                )
            )
        ]
        for name in names
    }


def _stated_score(floor: Mapping):
    from ..trial.result import Score

    ends = floor["interval"]
    return Score(floor["value"], tuple(floor["by_configuration"]), tuple(ends) if ends else None)


@dataclass(frozen=True)
class _StatedFloor:
    """A floor's scores as a record says them, in the shape of a result."""

    conditions: tuple
    trial: Mapping[str, int]

    def __init__(self, conditions: tuple) -> None:
        object.__setattr__(self, "conditions", conditions)
        object.__setattr__(self, "trial", {"seed": 0})


def _check_named_conditions(record: Record) -> None:
    names = [tuple(entry["condition"].items()) for entry in record["conditions"]]
    if len(set(names)) != len(names) or not record["seeds"]:
        raise SubmissionError("the record names a condition twice, or no seed")
    if len(set(record["seeds"])) != len(record["seeds"]):
        raise SubmissionError("the record names a seed twice")
    if record["failed"]:
        raise SubmissionError(
            f"{len(record['failed'])} of the record's trials failed: run again until all finish"
        )


def predictions_of(record: Record, trial: Trial) -> str:
    """Return the digest of the file of predictions of one trial."""
    wanted = [dict(condition) for condition in trial.conditions]
    digests = {
        entry["sha256"]
        for entry in record["predictions"]
        if entry["seed"] == trial.seed and entry["condition"] in wanted
    }
    if len(digests) != 1:
        raise SubmissionError(
            f"the record names {len(digests)} files of predictions for {trial.name}, one is wanted"
        )
    return digests.pop()


def _check_signature(record: Record, how: Checking) -> str:
    signed = record.get("verification") is not None
    if record["status"] == "measured" and not signed:
        return "none: the record says `measured`, which nobody vouches for but its author"
    if (record["status"] == "verified") != signed:
        raise SubmissionError(
            f"the record says `{record['status']}` and "
            f"{'carries' if signed else 'lacks'} a verification: one of them is false"
        )
    name = check_signature(record, trusted_keys(how.trusted))
    packages = {e["packages"]["sha256"] for e in record["provenance"]["environments"]}
    if record["verification"]["environment"] not in packages:
        raise SubmissionError("verification/environment is none of the record's environments")
    return f"signed by {name}, and nothing was altered since"
