"""Checking a record: schema, digests, signature, and every score from the stored predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.check_result import CheckResult, failed, passed
from ..contract.errors import UserError
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..home.workspace import Workspace
from ..plugins.datasets import find_dataset
from ..plugins.registry import list_models, load_task, whole_models
from ..record.file import PlainRecord as Record
from ..record.file import validate_record
from ..trial.predictions import predictions_digest
from ..trial.result import ConditionScores, Score, TrialResult
from ..trial.stages import PREDICTIONS_FILE
from .bundle import (
    Bundle,
    SubmissionError,
    find_predictions,
    open_bundle,
    predictions_in_workspace,
    trials_of,
)
from .rescore import differences, floor_results, read_finite_predictions, record_of, scored_again
from .sandbox.bounded import read_json
from .signature import trusted_keys, verify

if TYPE_CHECKING:
    from ..datasets.view import View

SHOWN = 5


class NotCheckable(UserError):
    """A check needs what is not on this machine; the message says what."""


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


def check_record_file(path: Path, how: Checking) -> tuple[Record | None, list[CheckResult]]:
    """Return the record of a packed submission or of a file of the board, and every result."""
    schema = passed("schema", "the record keeps its schema")
    try:
        if path.suffix == ".json":
            record = _read(path)
            return record, [schema, *_check_board_record(path, record, how)]
        with open_bundle(path, how.workspace) as bundle:
            file = passed(
                "file", "its parts fit each other, and the predictions have their digests"
            )
            return bundle.record, [file, schema, *check_bundle(bundle, how)]
    except UserError as error:
        return None, [failed("file", str(error))]


def check_bundle(bundle: Bundle, how: Checking) -> list[CheckResult]:
    """Return the result of every check of a record with its predictions."""
    return [
        _checked("predictions", lambda: _check_predictions(bundle)),
        _checked("model", lambda: _check_model(bundle)),
        _checked("scores", lambda: _check_scores(bundle, how)),
        _checked("signature", lambda: _check_signature(bundle.record, how)),
    ]


def _checked(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return passed(name, check())
    except NotCheckable as error:
        return CheckResult(name, None, str(error))
    except UserError as error:
        return failed(name, str(error))


def _read(path: Path) -> Record:
    try:
        record = read_json(path.read_bytes(), str(path))
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror}") from None
    validate_record(record)
    return record


def _check_board_record(path: Path, record: Record, how: Checking) -> list[CheckResult]:
    """Check a record alone, with the predictions and the model that are found on this machine.

    `record add` puts both beside the record's folder; otherwise the predictions are looked for
    in the workspace, the model among those that are installed.
    """
    board = path.absolute().parent.parent
    folder = model_folder(record, board)
    if folder is None:
        message = (
            f"the model {record['model']['name']} of the digest {record['model']['digest']} is not "
            "on this machine: check the packed archive, which holds model and predictions"
        )
        unknown = [CheckResult(name, None, message) for name in ("model", "predictions, scores")]
        return [*unknown, _checked("signature", lambda: _check_signature(record, how))]
    predictions = predictions_in_workspace(record, how.workspace)
    for entry in record["predictions"]:
        beside = find_predictions(board / "predictions", entry["sha256"])
        predictions |= {entry["sha256"]: beside} if beside else {}
    bundle = Bundle(folder, read_model_card(folder), record, predictions, {})
    return check_bundle(bundle, how)


def model_folder(record: Record, board: Path) -> Path | None:
    """Return the folder of a record's model: on the board, or the installed one of that digest."""
    digest = record["model"]["digest"]
    if (board / "models" / digest / "model.toml").is_file():
        return board / "models" / digest
    named = (card for card in whole_models() if card.name == record["model"]["name"])
    return next((card.folder for card in named if card.digest == digest), None)


def _check_predictions(bundle: Bundle) -> str:
    _refuse_missing_predictions(bundle)
    for digest, files in bundle.predictions.items():
        if PREDICTIONS_FILE not in files or predictions_digest(files[PREDICTIONS_FILE]) != digest:
            raise SubmissionError(f"the predictions {digest} were altered: their sha256 differs")
    return f"{len(bundle.predictions)} files have the digests that the record says"


def _refuse_missing_predictions(bundle: Bundle) -> None:
    digests = {entry["sha256"] for entry in bundle.record["predictions"]}
    if not digests:
        raise SubmissionError("the record names no predictions: there is nothing to score again")
    missing = digests - set(bundle.predictions)
    if missing:
        raise NotCheckable(
            f"{len(missing)} of {len(digests)} files of predictions are not on this machine: the "
            "board ships records without them; check the packed archive, or run the model again"
        )


def _check_model(bundle: Bundle) -> str:
    record, card = bundle.record, bundle.card
    for where, digest in (
        ("model/digest", record["model"]["digest"]),
        ("provenance/model_digest", record["provenance"]["model_digest"]),
    ):
        if digest != card.digest:
            raise SubmissionError(f"{where} is {digest}, the model's folder has {card.digest}")
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
    _refuse_missing_predictions(bundle)
    record = bundle.record
    task = load_task(record["task"]["name"])
    if record["task"]["protocol_version"] != task.protocol_version:
        raise SubmissionError(
            f"the record is of protocol {record['task']['protocol_version']} of {task.name}, this "
            f"GlassBench has {task.protocol_version}: run it again"
        )
    dataset, view = open_labels(task, record, how.labels, how.workspace)
    disagreements = differences(record, rescored(bundle, task, dataset, view, how))
    if disagreements:
        left = len(disagreements) - SHOWN
        more = f"; and {left} more" if left > 0 else ""
        raise SubmissionError(f"{'; '.join(disagreements[:SHOWN])}{more}")
    counted = sum(len(entry["scores"]) for entry in record["conditions"])
    floors = "floors included" if how.floors else "floors as the record says them"
    return f"{counted} scores at {len(record['conditions'])} conditions come out again, {floors}"


def open_labels(
    task: Task, record: Record, labels: Path | None, workspace: Workspace
) -> tuple[DatasetReference, View]:
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


def rescored(
    bundle: Bundle, task: Task, dataset: DatasetReference, view: View, how: Checking
) -> Record:
    """Return the record that the stored predictions of a bundle give."""
    record = bundle.record
    _refuse_repetitions(record)
    results = []
    for trial in trials_of(bundle, task, dataset):
        digest = digest_of_predictions(record, trial)
        stored = bundle.predictions[digest]
        files = {file: read_finite_predictions(path) for file, path in stored.items()}
        parameters = record["model"]["parameters"]
        cost = record["cost"]
        results.append(scored_again(trial, task, view, files, digest, cost, parameters))
    floors = _floors(record, task, dataset, how)
    return record_of(task, view, dataset, bundle.card, record, results, floors)


def _floors(
    record: Record, task: Task, dataset: DatasetReference, how: Checking
) -> Mapping[str, list[TrialResult]]:
    """Return the floors' results, run again or as the record says them."""
    names = dict.fromkeys(
        floor["model"] for entry in record["conditions"] for floor in entry["floors"]
    )
    odd = sorted(set(names) - set(task.floors))
    if odd:
        raise SubmissionError(f"`{odd[0]}` is no floor of {task.name}: {', '.join(task.floors)}")
    if how.floors:
        return floor_results(task, dataset, record, tuple(names), how.workspace)
    return {name: [_stated_floor(record, task, name)] for name in names}


def _stated_floor(record: Record, task: Task, name: str) -> TrialResult:
    """Return the scores of a floor as a record says them, in the shape of a result."""
    conditions = []
    for entry in record["conditions"]:
        for floor in entry["floors"]:
            if floor["model"] == name:
                ends = tuple(floor["interval"]) if floor["interval"] else None
                score = Score(floor["value"], tuple(floor["by_configuration"]), ends)
                names = tuple(entry["configurations"]), tuple(entry["parents"])
                scores = {task.primary_metric.name: score}
                conditions.append(ConditionScores(entry["condition"], *names, scores))
    return TrialResult("", {"seed": 0}, tuple(conditions), (), {}, {})


def _refuse_repetitions(record: Record) -> None:
    names = [tuple(entry["condition"].items()) for entry in record["conditions"]]
    if len(set(names)) != len(names) or not record["seeds"]:
        raise SubmissionError("the record names a condition twice, or no seed")
    if len(set(record["seeds"])) != len(record["seeds"]):
        raise SubmissionError("the record names a seed twice")
    if record["failed"]:
        raise SubmissionError(
            f"{len(record['failed'])} of the record's trials failed: run again until all finish"
        )


def digest_of_predictions(record: Record, trial: Trial) -> str:
    """Return the sha256 of the `predictions.npz` of one trial, as the record names it."""
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
    name = verify(record, trusted_keys(how.trusted))
    packages = {e["packages"]["sha256"] for e in record["provenance"]["environments"]}
    if record["verification"]["environment"] not in packages:
        raise SubmissionError("verification/environment is none of the record's environments")
    return f"signed by {name}, and nothing was altered since"
