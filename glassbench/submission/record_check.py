"""Checking a record: schema, digests, signature, and every score from the stored predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..contract.errors import CheckResult, UserError, failed, passed
from ..contract.model_card import read_model_card
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..datasets.view import View, open_view
from ..home.workspace import Workspace
from ..plugins.registry import list_models, load_task
from ..record.record import PlainRecord as Record
from ..record.record import dataset_of_record, refuse_future
from ..trial.predictions import predictions_digest
from ..trial.result import ConditionScores, Score, TrialResult
from ..trial.stages import PREDICTIONS_FILE, score_trial
from . import rescore
from .board import board_records, model_folder, refuse_strangers
from .bundle import (
    Bundle,
    conditions_of,
    is_hidden,
    open_bundle,
    predictions_in_workspace,
    read_submitted_record,
    shipped_predictions,
    task_of_record,
    trials_of,
)
from .sandbox.contents import refuse_contents
from .sandbox.limits import SubmissionError, require
from .signature import trusted_keys, verify

SHOWN = 5


class NotCheckable(UserError):
    """A check needs what is not on this machine; the message says what."""


@dataclass(frozen=True)
class Checking:
    """How to check: where what lies, and whether to run the trivial floors again too."""

    workspace: Workspace
    # A store, where the dataset's name does not find it; the leaderboard's keys unless given.
    labels: Path | None = None
    trusted: Path | None = None
    floors: bool = True


def check_record_file(
    path: Path, how: Checking, others: Mapping[str, Record] | None = None
) -> tuple[Record | None, list[CheckResult]]:
    """Return the record of a packed submission or of a file of the board, and every result.

    `others` are the records of its board by name, which are read unless given.
    """
    schema = passed("schema", "the record keeps its schema")
    try:
        if path.suffix == ".json":
            record = read_submitted_record(path)
            return record, [schema, *_check_board_record(path, record, how, others)]
        with open_bundle(path, how.workspace) as bundle:
            fits = "its parts fit each other, and the predictions have their digests"
            return bundle.record, [passed("file", fits), schema, *check_bundle(bundle, how)]
    except UserError as error:
        return None, [failed("file", str(error))]


def check_bundle(bundle: Bundle, how: Checking) -> list[CheckResult]:
    """Return the result of every check of a record with its predictions."""
    model = _checked("model", lambda: check_model(bundle))
    signature = _checked("signature", lambda: _check_signature(bundle.record, how))
    if is_hidden(bundle.record) and signature.passed:
        why = "of structures that the maintainer alone holds: the signature stands for them"
        return [model, passed("predictions, scores", why), signature]
    return [
        _checked("predictions", lambda: _check_predictions(bundle)),
        model,
        _checked("scores", lambda: _check_scores(bundle, how)),
        signature,
    ]


def _checked(name: str, check: Callable[[], str]) -> CheckResult:
    try:
        return passed(name, check())
    except NotCheckable as error:
        return CheckResult(name, None, str(error))
    except UserError as error:
        return failed(name, str(error))


def _check_board_record(
    path: Path, record: Record, how: Checking, others: Mapping[str, Record] | None
) -> list[CheckResult]:
    """Check a record alone, with what the board, workspace and installation have beside it."""
    board = path.absolute().parent.parent
    others = board_records(board) if others is None else others
    others = {name: other for name, other in others.items() if name != path.stem}
    folder = model_folder(record, board)
    why = _superseded(record)
    if folder is None and not why:
        why = (
            f"the model {record['model']['name']} of the digest {record['model']['digest'][:12]} "
            "is not on this machine: check the packed archive, which holds model and predictions"
        )
    if folder is None or why:
        signature = _checked("signature", lambda: _check_signature(record, how))
        return [CheckResult("model, predictions, scores", None, why), signature]
    predictions = predictions_in_workspace(record, how.workspace)
    with TemporaryDirectory(prefix="glassbench-predictions-") as scratch:
        for digest in dict.fromkeys(entry["sha256"] for entry in record["predictions"]):
            beside = shipped_predictions(board / "predictions", digest, Path(scratch))
            predictions |= {digest: beside} if beside else {}
        refuse_contents(folder, "the model on the board")
        card = read_model_card(folder)
        # No signature covers its place on the board.
        before = others.get(record.get("supersedes") or "")
        require(
            before is None or before["created"] <= record["created"],
            f"it says that it takes the place of {record.get('supersedes')}, which is newer",
        )
        owner = _checked("owner", lambda: refuse_strangers(card, others, board))
        return [*check_bundle(Bundle(folder, card, record, predictions, {}), how), owner]


def _superseded(record: Record) -> str:
    """Return that a record's protocol is not the present one, or nothing."""
    own, present = record["task"]["protocol_version"], load_task(record["task"]["name"])
    if own == present.protocol_version:
        return ""
    return (
        f"it is of protocol {own} of {present.name}, this GlassBench has "
        f"{present.protocol_version}: run the model again"
    )


def _check_predictions(bundle: Bundle) -> str:
    _refuse_missing_predictions(bundle)
    for digest, files in bundle.predictions.items():
        if PREDICTIONS_FILE not in files or predictions_digest(files[PREDICTIONS_FILE]) != digest:
            raise SubmissionError(f"the predictions {digest} were altered: their sha256 differs")
    return f"{len(bundle.predictions)} files have the digests that the record says"


def _refuse_missing_predictions(bundle: Bundle) -> None:
    digests = {entry["sha256"] for entry in bundle.record["predictions"]}
    require(digests, "the record names no predictions: there is nothing to score again")
    missing = digests - set(bundle.predictions)
    if missing:
        raise NotCheckable(
            f"{len(missing)} of {len(digests)} files of predictions are neither shipped with the "
            "record nor on this machine: check the packed archive, or run the model again"
        )


def check_model(bundle: Bundle) -> str:
    """Refuse a record that is not of the model's folder beside it, or whose name is taken."""
    record, card = bundle.record, bundle.card
    refuse_future(record)
    stated = record["model"] | {"digest of the provenance": record["provenance"]["model_digest"]}
    own = {name: getattr(card, name) for name in ("digest", "name", "title")}
    reads = list(card.reading(record["hyperparameters"]).reads)
    own |= {"digest of the provenance": card.digest, "reads": reads}
    own |= {"authors": list(card.authors)} if stated.get("authors") else {}
    for name, ours in own.items():
        theirs = stated[name]
        require(
            theirs == ours,
            f"model/{name} is {theirs!r}, the model's folder has {ours!r}: run and pack it again",
        )
    stated = record["hyperparameters"]
    used = card.hyperparameters_for(record["task"]["name"], record["dataset"]["name"], stated)
    unsaid = {name: value for name, value in used.items() if name not in stated}
    require(not unsaid, f"hyperparameters lack {unsaid}: run and pack it again")
    for model in list_models():
        taken = model.name == card.name and model.origin == "baselines" and not model.error
        require(
            not taken or model.contract.digest == card.digest,
            f"`{card.name}` is the name of a baseline, and this folder is not it: choose another "
            "name in model.toml",
        )
    return "digest, name and inputs are those of the model's folder"


def _check_scores(bundle: Bundle, how: Checking) -> str:
    record = bundle.record
    task = task_of_record(record)
    if why := _superseded(record):
        raise NotCheckable(why)
    _refuse_missing_predictions(bundle)
    ours = _rescored(bundle, task, how)
    disagreements = list(rescore.differences(record, ours))
    more = f"; and {len(disagreements) - SHOWN} more" if len(disagreements) > SHOWN else ""
    require(not disagreements, f"{'; '.join(disagreements[:SHOWN])}{more}")
    rescore.refuse_above_ceiling(ours, task)
    counted = sum(len(entry["scores"]) for entry in record["conditions"])
    floors = "floors included" if how.floors else "floors as the record says them"
    return f"{counted} scores at {len(record['conditions'])} conditions come out again, {floors}"


def _rescored(bundle: Bundle, task: Task, how: Checking) -> Record:
    record = bundle.record
    dataset, view = _open_labels(task, record, how)
    conditions, failures = conditions_of(record), len(record["failed"])
    require(len(set(conditions)) == len(conditions), "the record names a condition twice")
    require(not failures, f"{failures} of the record's trials failed: run again until all finish")
    results = []
    for trial in trials_of(bundle, task, dataset):
        digest = digest_of_predictions(record, trial)
        stored = bundle.predictions[digest]
        files = {file: rescore.read_finite_predictions(path) for file, path in stored.items()}
        cost, parameters = record["cost"], record["model"]["parameters"]
        results.append(score_trial(trial, task, view, files, digest, cost, parameters))
    return rescore.record_of(
        task, view, dataset, bundle, results, _floors(record, task, dataset, how)
    )


def _open_labels(task: Task, record: Record, how: Checking) -> tuple[DatasetReference, View]:
    name, digest = record["dataset"]["name"], record["dataset"]["digest"]
    path = how.labels or _dataset_here(task, record, how)
    view = open_view(task, Path(path))
    require(
        view.digest == digest,
        f"the record is of dataset `{name}` with the digest {digest}, the one here, {path}, has "
        f"{view.digest}: scores on two datasets are never compared",
    )
    require(
        record["provenance"]["dataset_digest"] == digest,
        "provenance/dataset_digest is not the digest of the dataset",
    )
    return DatasetReference(name, str(path), digest), view


def _dataset_here(task: Task, record: Record, how: Checking) -> Path:
    """Return the path of a record's dataset; one that a task names may be elsewhere."""
    try:
        return dataset_of_record(task, record["dataset"], how.workspace).path
    except UserError as error:
        if record["dataset"]["name"] in task.datasets:
            raise NotCheckable(str(error)) from None
        raise


def _floors(
    record: Record, task: Task, dataset: DatasetReference, how: Checking
) -> Mapping[str, list[TrialResult]]:
    stated = [floor["model"] for entry in record["conditions"] for floor in entry["floors"]]
    names = tuple(dict.fromkeys(stated))
    odd = ", ".join(sorted(set(names) - set(task.floors)))
    require(not odd, f"`{odd}` is no floor of {task.name}: {', '.join(task.floors)}")
    if how.floors:
        return rescore.floor_results(task, dataset, record, names, how.workspace)
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


def digest_of_predictions(record: Record, trial: Trial) -> str:
    """Return the sha256 of the `predictions.npz` of one trial, as the record names it."""
    wanted = [dict(condition) for condition in trial.conditions]
    digests = {
        entry["sha256"]
        for entry in record["predictions"]
        if entry["seed"] == trial.seed and entry["condition"] in wanted
    }
    require(
        len(digests) == 1,
        f"the record names {len(digests)} files of predictions for {trial.name}, one is wanted",
    )
    return digests.pop()


def _check_signature(record: Record, how: Checking) -> str:
    signed = record.get("verification") is not None
    if record["status"] == "measured" and not signed:
        return "none: the record says `measured`, which nobody vouches for but its author"
    require(
        (record["status"] == "verified") == signed,
        f"the record says `{record['status']}` and {'carries' if signed else 'lacks'} a "
        "verification: one of them is false",
    )
    name = verify(record, trusted_keys(how.trusted))
    packages = {e["packages"]["sha256"] for e in record["provenance"]["environments"]}
    require(
        record["verification"]["environment"] in packages,
        "verification/environment is none of the record's environments",
    )
    return f"signed by {name}, and nothing was altered since"
