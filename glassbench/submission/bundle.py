"""What is handed in: the model's folder, the record of its run, predictions and weights.

As a file, a zip archive of `record.json`, `model/…`, `weights/<trial key>/…` and, for each
trial, under the sha256 of its predictions, `predictions/<sha256>.npz`, with those at other
conditions of the task's transfer axes, `<sha256>.transfer.npz`, and those for turned structures,
`<sha256>.rotation.npz`.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..contract.folder_digest import plugin_files
from ..contract.model_card import ModelCard, read_model_card
from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial, plan_trials
from ..home.files import read_plain_file, write_file
from ..home.workspace import Workspace
from ..model import Condition
from ..plugins.registry import load_task
from ..record.record import PlainRecord as Record
from ..record.record import read_records, validate_record
from ..trial.predictions import predictions_digest
from ..trial.stages import PREDICTION_FILES, PREDICTIONS_FILE
from .sandbox.bounded import read_json, unpack_archive, write_archive
from .sandbox.contents import refuse_contents
from .sandbox.limits import GIB, SubmissionError, require

MAX_PREDICTIONS_BYTES = 2 * GIB
PACKED = ".xz"
# Numbers of four bytes, of which the last are alike.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 1, "lp": 2, "pb": 2}]
RECORD, HIDDEN = "record.json", "hidden"
TRIAL_PATH = re.compile(r"trials/[0-9a-f]{2}/[0-9a-f]{64}/predictions\.npz")


@dataclass(frozen=True)
class Bundle:
    """A submission with its run; `model` is the model's folder."""

    model: Path
    card: ModelCard
    record: Record
    # By sha256 of a trial's `predictions.npz`, the files of predictions by name.
    predictions: Mapping[str, Mapping[str, Path]]
    # By trial key, the folder of the fitted model.
    weights: Mapping[str, Path]


def task_of_record(record: Record) -> Task:
    """Return the task of a record, about the target that it was asked for."""
    return load_task(record["task"]["name"]).asked_for(record["task"].get("target") or "")


def conditions_of(record: Record) -> tuple[Condition, ...]:
    """Return the conditions of a record, in its order."""
    return tuple(Condition.of(**entry["condition"]) for entry in record["conditions"])


def trained_at(record: Record) -> tuple[Condition, ...]:
    """Return where the model of a record was trained for each condition; nothing where there."""
    if not record.get("trained"):
        return ()
    return tuple(Condition.of(**entry["trained_at"]) for entry in record["conditions"])


def is_hidden(record: Record) -> bool:
    """Return whether a record says that a maintainer asked about structures of a hidden set."""
    verification = record.get("verification")
    return verification is not None and verification["labels"] == HIDDEN


def trials_of(bundle: Bundle, task: Task, dataset: DatasetReference) -> list[Trial]:
    """Return the trials that make the record, planned anew from what the record says of itself."""
    record = bundle.record
    values, name = record["hyperparameters"], record["dataset"]["name"]
    values = bundle.card.hyperparameters_for(task.name, name, values)
    conditions = conditions_of(record)
    elsewhere = trained_at(record)
    about = (bundle.card, task, dataset, conditions, elsewhere)
    return plan_trials(*about, values, record["seeds"])


@contextmanager
def open_bundle(
    path: Path, workspace: Workspace, task: str | None = None, dataset: str | None = None,
    record: str | None = None,
) -> Iterator[Bundle]:  # fmt: skip
    """Open an archive that `pack_bundle` wrote, or a model's folder with a record of it here.

    That is the `record` of this name, else the newest of those that were trained where they are
    tested, for the target of the task, else the newest. Files that would run unread are
    refused, in the model's folder and among the weights.
    """
    require(path.is_dir() or path.is_file(), f"there is no submission at {path}")
    with TemporaryDirectory(prefix="glassbench-bundle-") as folder:
        if path.is_dir():
            bundle = _of_workspace(path, workspace, task, dataset, record)
        else:
            bundle = _of_archive(path, Path(folder))
        for key, weights in bundle.weights.items():
            refuse_contents(weights, f"weights/{key[:8]}…")
        yield bundle


def pack_bundle(
    bundle: Bundle, path: Path, record: Record | None = None, weights: bool = True
) -> str:
    """Write a bundle, or `record` in place of its own, as one archive and return its sha256."""
    files: dict[str, Path | bytes] = {
        RECORD: json.dumps(record or bundle.record, indent=1, ensure_ascii=False).encode()
    }
    files |= {f"model/{name}": file for name, file in plugin_files(bundle.model)}
    files |= {f"predictions/{name}": file for name, file in stored_predictions(bundle)}
    for key, folder in bundle.weights.items() if weights else ():
        files |= {f"weights/{key}/{name}": file for name, file in plugin_files(folder)}
    return write_archive(path, files)


def stored_predictions(bundle: Bundle) -> Iterator[tuple[str, Path]]:
    """Yield the files of predictions with their names in an archive and on the board."""
    for digest, files in bundle.predictions.items():
        for file, path in files.items():
            yield stored_name(digest, file), path


def stored_name(digest: str, file: str) -> str:
    """Return the name of a trial's file of predictions in an archive and on the board."""
    return f"{digest}.npz" if file == PREDICTIONS_FILE else f"{digest}.{file}"


def ship(source: Path, target: Path) -> None:
    """Write a file of predictions, compressed, as `target` with `.xz` behind its name."""
    packed = lzma.compress(source.read_bytes(), filters=FILTERS)
    write_file(target.with_name(target.name + PACKED), packed)


def shipped_predictions(folder: Path, digest: str, scratch: Path) -> dict[str, Path]:
    """Return by name the files of predictions of one trial that lie in a folder.

    Compressed ones are unpacked into `scratch`, as far as a limit goes.
    """
    paths = {}
    for file in PREDICTION_FILES:
        name = stored_name(digest, file)
        if (folder / name).is_file() and not (folder / name).is_symlink():
            paths[file] = folder / name
        elif (folder / (name + PACKED)).is_file():
            paths[file] = scratch / name
            decoder = lzma.LZMADecompressor(memlimit=GIB)
            try:
                packed = read_plain_file(folder / (name + PACKED), MAX_PREDICTIONS_BYTES)
                data = decoder.decompress(packed, MAX_PREDICTIONS_BYTES)
            except (lzma.LZMAError, EOFError, MemoryError):
                data = b""
            require(decoder.eof, f"{folder / (name + PACKED)} is broken, or holds too much")
            paths[file].write_bytes(data)
    return paths


def predictions_in_workspace(record: Record, workspace: Workspace) -> dict[str, dict[str, Path]]:
    """Return a record's files of predictions in the workspace, by the sha256 of the first."""
    predictions = {}
    for entry in record["predictions"]:
        path = workspace.home / entry["path"]
        if TRIAL_PATH.fullmatch(entry["path"]) and path.is_file():
            paths = {file: path.with_name(file) for file in PREDICTION_FILES}
            predictions[entry["sha256"]] = {file: p for file, p in paths.items() if p.is_file()}
    return predictions


def read_submitted_record(path: Path) -> Record:
    """Return the record in a file that a stranger may have written."""
    try:
        record = read_json(read_plain_file(path), path.name)
    except OSError as error:
        raise SubmissionError(f"{path.name} cannot be read: {error.strerror}") from None
    validate_record(record)
    return record


def _of_workspace(
    folder: Path, workspace: Workspace, task: str | None, dataset: str | None, name: str | None
) -> Bundle:
    refuse_contents(folder, str(folder))
    card = read_model_card(folder)
    record = _record_of(card, workspace, task, dataset, name)
    predictions = predictions_in_workspace(record, workspace)
    for entry in record["predictions"]:
        require(
            entry["sha256"] in predictions,
            f"the predictions {entry['path']} of the record are not under {workspace.home}: run "
            "it again",
        )
    fitted = [files[PREDICTIONS_FILE].with_name("fitted") for files in predictions.values()]
    weights = {path.parent.name: path for path in fitted if path.is_dir()}
    return Bundle(folder, card, record, predictions, weights)


def _record_of(
    card: ModelCard, workspace: Workspace, task: str | None, dataset: str | None, name: str | None
) -> Record:
    found, _ = read_records(workspace.records)
    named = {path.stem: r.to_json() for path, r in found if r["model"]["digest"] == card.digest}
    if name is not None:
        stem = name.rpartition("/")[2].removesuffix(".json")
        require(
            stem in named,
            f"there is no record `{name}` of {card.name} as it is in {card.folder} under "
            f"{workspace.records}",
        )
        return named[stem]
    own = list(named.values())
    asked = {key: name for key, name in {"task": task, "dataset": dataset}.items() if name}
    records = [r for r in own if all(r[key]["name"] == name for key, name in asked.items())]
    given = "".join(f" with {key}={name}" for key, name in asked.items())
    others = {f"task={r['task']['name']} dataset={r['dataset']['name']}" for r in own}
    there = f", but with {'; '.join(sorted(others))}" if others else ""
    require(
        records,
        f"there is no record of {card.name} as it is in {card.folder} under {workspace.home}"
        f"{given}{there}: run it first, "
        f"`glassbench run task={task or card.tasks[0]} model={card.folder}`",
    )
    return max(
        records,
        key=lambda r: (not r.get("trained") and not r["task"].get("target"), r["created"]),
    )


def _of_archive(path: Path, folder: Path) -> Bundle:
    names = unpack_archive(path, folder)
    require(
        {RECORD, "model/model.toml"} <= set(names),
        f"{path} lacks {RECORD} or model/model.toml: write it with `glassbench submission pack`",
    )
    refuse_contents(folder / "model", str(path))
    record = read_submitted_record(folder / RECORD)
    card = read_model_card(folder / "model")
    require(
        card.digest == record["model"]["digest"],
        f"{path}: the model's folder has the digest {card.digest}, the record is of "
        f"{record['model']['digest']}: run and pack again",
    )
    predictions: dict[str, dict[str, Path]] = {}
    digests = dict.fromkeys(entry["sha256"] for entry in record["predictions"])
    for digest in () if is_hidden(record) else digests:
        paths = {f: folder / "predictions" / stored_name(digest, f) for f in PREDICTION_FILES}
        predictions[digest] = {file: path for file, path in paths.items() if path.is_file()}
        stored = paths[PREDICTIONS_FILE]
        if not stored.is_file() or predictions_digest(stored) != digest:
            raise SubmissionError(f"{path}: predictions {digest[:8]}… are missing or altered")
    keys = {Path(name).parts[1] for name in names if re.fullmatch(r"weights/[0-9a-f]{64}/.+", name)}
    weights = {key: folder / "weights" / key for key in sorted(keys)}
    return Bundle(folder / "model", card, record, predictions, weights)
