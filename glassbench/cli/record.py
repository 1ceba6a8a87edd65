"""`glassbench record`: check a record, take it onto the board, make a maintainer's key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ..experiments.words import check_keys, parse_switch, split_words
from ..home.workspace import open_workspace
from .output import FAILED, Json, Words, guarded, new_group, write_result
from .submission import absolute, word_and_options

if TYPE_CHECKING:
    from ..submission.record_check import Checking

app = new_group(help="Check a record, take it onto the board, make a maintainer's key.")
CHECKING_KEYS = ("labels", "trusted", "floors", "home")


@app.command()
@guarded
def verify(words: Words = None, json_output: Json = False) -> None:
    """Check schema, digests and signature, and score the stored predictions again.

    FILE [labels=STORE] [trusted=FILE.toml] [floors=on|off] [home=FOLDER]

    FILE is a packed archive, or a record of the board. The board ships records without their
    predictions: then scores cannot be computed again, which is said. floors=off takes the scores
    of the trivial floors as the record says them.
    """
    what, example = "a record or an archive", "my_model.zip"
    path, values = word_and_options(words, what, example, CHECKING_KEYS)
    from ..submission.record_check import check_record_file

    record, results = check_record_file(absolute(path), _checking(values))
    failed = [result for result in results if result.passed is False]
    unchecked = [result.name for result in results if result.passed is None]
    holds = False if failed else None if unchecked else True
    findings = [vars(result) for result in results]
    plain = {"holds": holds, "status": record and record["status"], "findings": findings}
    verdict = "does not hold" if record is None or failed else record["status"]
    if unchecked and not failed:
        verdict += f"; nothing is wrong, but not everything was checked: {', '.join(unchecked)}"
    write_result(json_output, plain, [*map(str, results), f"{path}: {verdict}"])
    if failed:
        raise typer.Exit(FAILED)


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
