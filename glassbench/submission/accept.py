"""Taking a record onto the board: after every check, beside what is there, never over it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import CheckResult, all_passed
from ..contract.folder_digest import plugin_files
from ..home.files import whole_folder, write_json
from ..home.workspace import content_folder
from ..record.record import PlainRecord as Record
from ..record.record import record_stem, validate_record
from .board import baseline_names, board_records, refuse_strangers
from .bundle import Bundle, open_bundle, ship, stored_predictions
from .record_check import Checking, check_record_file
from .sandbox.limits import require
from .signature import is_signed, trusted_keys


@dataclass(frozen=True)
class Accepted:
    """A record on the board, in place of `superseded`; `path` is None where it was refused.

    `new` is False where the very same record was there already.
    """

    path: Path | None
    results: list[CheckResult]
    superseded: str | None = None
    new: bool = True


def add_record(path: Path, how: Checking, board: Path | None = None) -> Accepted:
    """Put the record of a packed submission among the board's records."""
    board = board or content_folder("leaderboard")
    require(path.suffix != ".json", f"{path} is a record alone: give the archive that `pack` wrote")
    _, results = check_record_file(path, how)
    if not all_passed(results):
        return Accepted(None, results)
    with open_bundle(path, how.workspace) as bundle:
        others = board_records(board)
        for name, other in others.items():
            if _content(other) == _content(bundle.record):
                return Accepted(board / "records" / f"{name}.json", results, None, new=False)
        keys = trusted_keys(how.trusted)
        refuse_strangers(bundle.card, others, board)
        before = _superseded(bundle.record, others, keys)
        return Accepted(_write(bundle, before, board), results, before)


def _content(record: Record) -> str:
    plain = {name: value for name, value in record.items() if name != "supersedes"}
    return json.dumps(plain, sort_keys=True, allow_nan=False)


def _superseded(
    record: Record, others: dict[str, Record], trusted: Mapping[str, str]
) -> str | None:
    """Return the newest earlier record of the same model on the same data that none supersedes.

    Only a verified record takes the place of a verified one.
    """
    verified = is_signed(record, trusted)
    replaced = {other.get("supersedes") for other in others.values()}
    same = [
        (other["created"], name)
        for name, other in others.items()
        if name not in replaced
        and other["created"] <= record["created"]
        and other["model"]["name"] == record["model"]["name"]
        and other["hyperparameters"].get("positions") == record["hyperparameters"].get("positions")
        and (other["task"], other["dataset"]) == (record["task"], record["dataset"])
        and other.get("trained") == record.get("trained")
        and (verified or not is_signed(other, trusted))
    ]
    return max(same)[1] if same else None


def _write(bundle: Bundle, before: str | None, board: Path) -> Path:
    """Write model, predictions and, last, the record; each appears whole, none over another."""
    record = bundle.record | {"supersedes": before}
    validate_record(record)
    digest = hashlib.sha256(_content(record).encode()).hexdigest()
    names = record["task"]["name"], record["dataset"]["name"], record["model"]["name"]
    path = board / "records" / f"{record_stem(*names, digest)}.json"
    require(not path.exists(), f"{path} exists already, and no record is overwritten")
    model = board / "models" / bundle.card.digest
    if not model.exists() and bundle.card.name not in baseline_names():
        with whole_folder(model) as partial:
            for name, source in plugin_files(bundle.model):
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, partial / name)
    for name, source in stored_predictions(bundle):
        ship(source, board / "predictions" / name)
    write_json(path, record)
    return path
