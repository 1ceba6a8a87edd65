"""`glassbench record`: check a record, take it onto the board, make a maintainer's key."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import WordError
from .output import Asked, Result, absolute, command, new_group, write_lines

if TYPE_CHECKING:
    from ..submission.record_check import Checking

app = new_group(help="Check a record, take it onto the board, make a maintainer's key.")


@app.command()
@command("labels trusted floors home strict", plain="FILE|FOLDER ...")
def verify(asked: Asked) -> Result:
    """Check schema, digests and signature, and score the stored predictions again.

    FILE|FOLDER ... [labels=STORE] [trusted=FILE.toml] [floors=on|off] [strict=on|off]
    [home=FOLDER]

    FILE is a packed archive, or a record of the board, whose predictions and model lie in
    predictions/ and models/ beside its folder; FOLDER holds records of the board. floors=off
    takes the scores of the trivial floors as the record says them, as it is done for more than
    one record unless floors=on. With strict=on a record fails where something could not be
    checked, such as one without predictions.
    """
    files = [file for path in asked.plain for file in _files(absolute(path))]
    if not files:
        named = " ".join(asked.plain)
        raise WordError(f"no record in `{named}`: name a file or a folder of records")
    many = len(files) > 1 or Path(asked.plain[0]).is_dir()
    strict, how = asked.switch("strict"), _checking(asked, "off" if many else "on")
    from ..submission.board import board_records
    from ..submission.record_check import check_record_file

    boards = {file.parent.parent for file in files if file.suffix == ".json"}
    others = {board: board_records(board) for board in boards}
    begin = time.perf_counter()
    plain: list[dict[str, Any]] = []
    lines: list[str] = []
    for file in files:
        record, results = check_record_file(file, how, others.get(file.parent.parent))
        failed = [result for result in results if result.passed is False]
        unchecked = [result.name for result in results if result.passed is None]
        holds = False if failed or (strict and unchecked) else None if unchecked else True
        status = record and record["status"]
        findings = list(map(vars, results))
        plain.append({"record": str(file), "holds": holds, "status": status, "findings": findings})
        verdict = "does not hold" if record is None or holds is False else record["status"]
        if unchecked and holds is not False:
            verdict += "; nothing is wrong, but not everything was checked"
            verdict += "" if many else f": {', '.join(unchecked)}"
        shown = [str(result) for result in results if not (many and result.passed)]
        line = f"{file.name if many else file}: {verdict}"
        lines = [line, *(f"  {each}" for each in shown)] if many else [*shown, line]
        if many and not asked.json:
            write_lines(lines)
    failed_any = any(entry["holds"] is False for entry in plain)
    if not many:
        return Result(plain[0], lines, failed_any)
    seconds = time.perf_counter() - begin
    counts = [sum(entry["holds"] is holds for entry in plain) for holds in (True, False, None)]
    verified = sum(entry["status"] == "verified" for entry in plain if entry["holds"])
    line = (
        f"{len(plain)} records in {seconds:.0f} s: {counts[0]} hold in all that they say, "
        f"{verified} of them verified; {counts[1]} do not hold; {counts[2]} could not be "
        "checked in full"
    )
    return Result({"records": plain, "seconds": round(seconds, 1)}, [line], failed_any)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


@app.command()
@command("labels trusted floors home board", plain="FILE.zip")
def add(asked: Asked) -> Result:
    """Take the record of a packed archive onto the board, after every check.

    FILE.zip [board=FOLDER] [labels=STORE] [trusted=FILE.toml] [floors=on|off] [home=FOLDER]
    """
    from ..submission.accept import add_record

    path = asked.one("an archive", "my_model.zip")
    accepted = add_record(absolute(path), _checking(asked), asked.path("board"))
    plain = {
        "record": accepted.path and str(accepted.path),
        "supersedes": accepted.superseded,
        "new": accepted.new,
        "findings": [vars(result) for result in accepted.results],
    }
    after = f", in place of {accepted.superseded}" if accepted.superseded else ""
    outcome = f"{accepted.path}{after}" if accepted.path else f"{path}: refused"
    if not accepted.new:
        outcome = f"{accepted.path} is the same record: nothing was changed"
    return Result(plain, [*map(str, accepted.results), outcome], accepted.path is None)


@app.command()
@command("out name home")
def key(asked: Asked) -> Result:
    """Make a maintainer's key and show its public part, for leaderboard/maintainers.toml.

    [out=FILE] [name=SIGNER] [home=FOLDER]
    """
    from ..submission.signature import key_path, make_key

    path = asked.path("out") or key_path(asked.workspace)
    public = make_key(path)
    name = asked.values.get("name", "maintainer")
    lines = [f"private key: {path}", "under [keys] of leaderboard/maintainers.toml:"]
    plain = {"private": str(path), "name": name, "public": public}
    return Result(plain, [*lines, f"{json.dumps(name)} = {json.dumps(public)}"])


def _checking(asked: Asked, floors: str = "on") -> Checking:
    from ..submission.record_check import Checking

    return Checking(
        workspace=asked.workspace,
        labels=asked.path("labels"),
        trusted=asked.path("trusted"),
        floors=asked.switch("floors", floors),
    )
