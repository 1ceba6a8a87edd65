"""Taking a record onto the board: after every check, beside what is there, never over it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..contract.model_card import ModelCard, read_model_card
from ..home.content import content_folder
from ..home.files import whole_folder
from ..record.file import Record, read_record, record_stem, validate_record
from .bundle import Bundle, SubmissionError, files_of, open_bundle, refuse_contents
from .findings import Finding, all_passed
from .record_check import Checking, check_record_file

SAME_BOARD = ("task", "dataset")


@dataclass(frozen=True)
class Accepted:
    """A record on the board.

    Attributes
    ----------
    path : None where it was refused
    superseded : name of the record in whose place it stands, or None
    new : False where the very same record was there already
    """

    path: Path | None
    findings: list[Finding]
    superseded: str | None = None
    new: bool = True


def add_record(path: Path, how: Checking, board: Path | None = None) -> Accepted:
    """Put the record of a packed submission among the board's records.

    Raises
    ------
    SubmissionError
        If the model's name belongs to others, or a file is in the way.
    """
    board = board or content_folder("leaderboard")
    _, findings = check_record_file(path, how)
    if not all_passed(findings):
        return Accepted(None, findings)
    if path.suffix == ".json":
        raise SubmissionError(f"{path} is a record alone: give the archive that `pack` wrote")
    with open_bundle(path, how.workspace) as bundle:
        refuse_contents(bundle)
        others = _records(board)
        for name, other in others.items():
            if _content(other) == _content(bundle.record):
                return Accepted(board / "records" / f"{name}.json", findings, None, new=False)
        _refuse_strangers(bundle.card, others, board)
        before = _superseded(bundle.record, others)
        return Accepted(_place(bundle, before, board), findings, before)


def _records(board: Path) -> dict[str, Record]:
    return {path.stem: read_record(path) for path in sorted((board / "records").glob("*.json"))}


def _content(record: Record) -> str:
    plain = {name: value for name, value in record.items() if name != "supersedes"}
    return json.dumps(plain, sort_keys=True, allow_nan=False)


def _refuse_strangers(card: ModelCard, others: dict[str, Record], board: Path) -> None:
    """Refuse a name that stands on the board and of whose authors none is among the card's."""
    for name, other in others.items():
        if other["model"]["name"] != card.name or other["model"]["digest"] == card.digest:
            continue
        folder = board / "models" / other["model"]["digest"]
        owners = read_model_card(folder).authors if folder.is_dir() else ()
        if not {a.casefold() for a in owners} & {a.casefold() for a in card.authors}:
            raise SubmissionError(
                f"`{card.name}` is on the board already, record {name} by "
                f"{', '.join(owners) or 'its authors'}, none of whom is an author of this one: "
                "choose another name in model.toml"
            )


def _superseded(record: Record, others: dict[str, Record]) -> str | None:
    """Return the newest record of the same model on the same data that none supersedes yet."""
    replaced = {other.get("supersedes") for other in others.values()}
    same = [
        (other["created"], name)
        for name, other in others.items()
        if name not in replaced
        and other["model"]["name"] == record["model"]["name"]
        and all(other[key] == record[key] for key in SAME_BOARD)
    ]
    return max(same, default=(None, None))[1]


def _place(bundle: Bundle, before: str | None, board: Path) -> Path:
    """Write model, predictions and, last, the record; each appears whole, and none over another."""
    record = bundle.record | {"supersedes": before}
    validate_record(record)
    digest = hashlib.sha256(_content(record).encode()).hexdigest()
    names = record["task"]["name"], record["dataset"]["name"], record["model"]["name"]
    path = board / "records" / f"{record_stem(*names, digest)}.json"
    _copy_model(bundle, board / "models" / bundle.card.digest)
    for sha256, source in bundle.predictions.items():
        target = board / "predictions" / f"{sha256}.npz"
        if not target.exists():
            _write_new(target, source.read_bytes())
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    _write_new(path, text.encode())
    return path


def _copy_model(bundle: Bundle, folder: Path) -> None:
    if folder.exists():
        return
    with whole_folder(folder) as partial:
        for name, source in files_of(bundle.model):
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that must not be there, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(data)
    try:
        os.link(partial, path)
    except FileExistsError:
        raise SubmissionError(f"{path} is there already, and no record is overwritten") from None
    finally:
        partial.unlink()
