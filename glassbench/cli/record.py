"""`glassbench record`: check a record, take it onto the board, make a maintainer's key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..contract.errors import WordError
from ..experiments.words import check_keys, parse_switch, split_words
from ..home.workspace import open_workspace
from .output import FAILED, Json, Words, guarded, new_group, write_json, write_lines, write_result
from .submission import absolute, word_and_options

if TYPE_CHECKING:
    from ..submission.record_check import Checking

app = new_group(help="Check a record, take it onto the board, make a maintainer's key.")
CHECKING_KEYS = ("labels", "trusted", "floors", "home")


@app.command()
@guarded
def verify(words: Words = None, json_output: Json = False) -> None:
    """Check schema, digests and signature, and score the stored predictions again.

    FILE|FOLDER ... [labels=STORE] [trusted=FILE.toml] [floors=on|off] [strict=on|off]
    [home=FOLDER]

    FILE is a packed archive, or a record of the board, whose predictions and model lie in
    predictions/ and models/ beside its folder; FOLDER holds records of the board. floors=off
    takes the scores of the trivial floors as the record says them, as it is done for more than
    one record unless floors=on. With strict=on a record fails where something could not be
    checked, such as one without predictions.
    """
    paths = [word for word in words or [] if "=" not in word]
    values = split_words([word for word in words or [] if "=" in word])
    check_keys(values, (*CHECKING_KEYS, "strict"))
    strict = parse_switch("strict", values.get("strict", "off"))
    files = [file for path in paths for file in _files(absolute(path))]
    if not files:
        raise WordError(f"no record in `{' '.join(paths)}`: name a file or a folder of records")
    many = len(files) > 1 or Path(paths[0]).is_dir()
    how = _checking({"floors": "off" if many else "on"} | values)
    from ..submission.board import board_records
    from ..submission.record_check import check_record_file

    boards = {file.parent.parent for file in files if file.suffix == ".json"}
    others = {board: board_records(board) for board in boards}
    begin = time.perf_counter()
    plain: list[dict[str, Any]] = []
    for file in files:
        record, results = check_record_file(file, how, others.get(file.parent.parent))
        failed = [result for result in results if result.passed is False]
        unchecked = [result.name for result in results if result.passed is None]
        holds = False if failed or (strict and unchecked) else None if unchecked else True
        status = record and record["status"]
        plain.append({"record": str(file), "holds": holds, "status": status, "results": results})
        if not json_output:
            shown = [result for result in results if not (many and result.passed)]
            verdict = "does not hold" if record is None or holds is False else record["status"]
            if unchecked and holds is not False:
                verdict += "; nothing is wrong, but not everything was checked"
                verdict += "" if many else f": {', '.join(unchecked)}"
            lines, line = map(str, shown), f"{file.name if many else file}: {verdict}"
            write_lines([line, *(f"  {each}" for each in lines)] if many else [*lines, line])
    seconds = time.perf_counter() - begin
    if json_output:
        for entry in plain:
            entry["findings"] = list(map(vars, entry.pop("results")))
        write_json({"records": plain, "seconds": round(seconds, 1)} if many else plain[0])
    elif many:
        counts = [sum(entry["holds"] is holds for entry in plain) for holds in (True, False, None)]
        verified = sum(entry["status"] == "verified" for entry in plain if entry["holds"])
        write_lines(
            [
                f"{len(plain)} records in {seconds:.0f} s: {counts[0]} hold in all that they say, "
                f"{verified} of them verified; {counts[1]} do not hold; {counts[2]} could not be "
                "checked in full"
            ]
        )
    if any(entry["holds"] is False for entry in plain):
        raise typer.Exit(FAILED)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


@app.command()
@guarded
def add(words: Words = None, json_output: Json = False) -> None:
    """Take the record of a packed archive onto the board, after every check.

    FILE.zip [board=FOLDER] [labels=STORE] [trusted=FILE.toml] [floors=on|off] [home=FOLDER]
    """
    keys = (*CHECKING_KEYS, "board")
    path, values = word_and_options(words, "an archive", "my_model.zip", keys)
    from ..submission.accept import add_record

    board = absolute(values.get("board"))
    accepted = add_record(absolute(path), _checking(values), board)
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
    write_result(json_output, plain, [*map(str, accepted.results), outcome])
    if accepted.path is None:
        raise typer.Exit(FAILED)


@app.command()
@guarded
def key(words: Words = None, json_output: Json = False) -> None:
    """Make a maintainer's key and show its public part, for leaderboard/maintainers.toml.

    [out=FILE] [name=SIGNER] [home=FOLDER]
    """
    values = split_words(words or [])
    check_keys(values, ("out", "name", "home"))
    from ..submission.signature import key_path, make_key

    path = absolute(values.get("out")) or key_path(open_workspace(values.get("home")))
    public = make_key(path)
    name = values.get("name", "maintainer")
    lines = [f"private key: {path}", "under [keys] of leaderboard/maintainers.toml:"]
    plain = {"private": str(path), "name": name, "public": public}
    write_result(json_output, plain, [*lines, f'{name} = "{public}"'])


def _checking(values: dict[str, Any]) -> Checking:
    from ..submission.record_check import Checking

    return Checking(
        workspace=open_workspace(values.get("home")),
        labels=absolute(values.get("labels")),
        trusted=absolute(values.get("trusted")),
        floors=parse_switch("floors", values.get("floors", "on")),
    )
