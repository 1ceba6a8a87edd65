"""`glassbench submission`: write, check, pack and verify a model that is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from ..contract.errors import WordError
from ..experiments.words import check_keys, parse_count, parse_switch, split_words
from ..home.workspace import open_workspace
from .output import FAILED, Json, Words, guarded, new_group, say, write_lines, write_result

app = new_group(help="Write, check, pack and verify a model that is handed in.")
GIB, FOLDER = 2**30, "submissions/my_model"


@app.command()
@guarded
def new(words: Words = None, json_output: Json = False) -> None:
    """Write a small model to start from.

    NAME [kind=numpy|torch|pyg|descriptor|predictions] [task=NAME] [folder=FOLDER] [author=NAME]

    The folder submissions/NAME (or folder=) gets model.toml, model.py, README.md and a test that
    passes as it stands; kind=predictions a script that writes predictions.npz in its place. Without
    task= the model is for the task that most models serve.
    """
    keys = ("kind", "task", "folder", "author")
    name, values = word_and_options(words, "the name of the model", "my_model", keys)
    from ..submission.scaffold import write_scaffold

    parent = Path(values.pop("folder", "submissions"))
    folder = write_scaffold(name, parent=parent, **values)
    files = sorted(path.name for path in folder.iterdir())
    lines = [f"{folder} holds {', '.join(files)}"]
    lines.append(f"check it:  glassbench submission check {folder}")
    write_result(json_output, {"folder": str(folder), "files": files}, lines)


@app.command()
@guarded
def check(words: Words = None, json_output: Json = False) -> None:
    """Say whether a submission would be accepted, and which line to mend.

    PATH [task=NAME] [dataset=NAME|PATH] [sandbox=auto|bubblewrap|podman] [home=FOLDER]
    """
    keys = ("task", "dataset", "sandbox", "home")
    path, values = word_and_options(words, "the folder of the submission", FOLDER, keys)
    from ..submission.check import check_submission

    workspace = open_workspace(values.pop("home", None))
    results = []
    for result in check_submission(absolute(path), workspace, **values):
        results.append(result)
        if not json_output:
            write_lines([str(result)])
    failed = [result for result in results if result.passed is False]
    plain = {"accepted": not failed, "findings": [vars(result) for result in results]}
    verdict = f"{len(failed)} to mend" if failed else "it would be accepted"
    write_result(json_output, plain, [f"{path}: {verdict}"])
    if failed:
        raise typer.Exit(FAILED)


@app.command()
@guarded
def pack(words: Words = None, json_output: Json = False) -> None:
    """Write one archive with record, model, predictions and weights.

    PATH [task=NAME] [dataset=NAME] [out=FILE.zip] [home=FOLDER]
    """
    keys = ("task", "dataset", "out", "home")
    path, values = word_and_options(words, "the folder of the submission", FOLDER, keys)
    from ..record.record import record_digest, record_stem
    from ..submission.bundle import open_bundle, pack_bundle
    from ..submission.record_check import check_model

    workspace = open_workspace(values.get("home"))
    with open_bundle(
        absolute(path), workspace, values.get("task"), values.get("dataset")
    ) as bundle:
        check_model(bundle)
        record = bundle.record
        names = record["task"]["name"], record["dataset"]["name"], record["model"]["name"]
        out = Path(values.get("out", f"{record_stem(*names, record_digest(record))}.zip"))
        digest = pack_bundle(bundle, out)
        weights = len(bundle.weights)
    plain = {"archive": str(out), "sha256": digest, "weights": weights}
    write_result(json_output, plain, [f"{out}", f"sha256 {digest}, weights of {weights} fits"])


@app.command()
@guarded
def verify(words: Words = None, json_output: Json = False) -> None:
    """Run a submission again behind walls, score it outside, and sign the record.

    PATH [retrain=on] [labels=STORE] [key=FILE] [name=SIGNER] [out=FILE.zip] [task=NAME]
    [dataset=NAME] [sandbox=auto|bubblewrap|podman] [seconds=N] [total=N] [memory=GIB]
    [threads=N] [floors=on|off] [home=FOLDER]

    PATH is a packed archive, or a folder with its newest record under home=. Without retrain=on
    the predictions are made from the weights handed in. labels= is a store that the maintainer
    alone holds, whose structures are asked about in place of the public ones. seconds= is the time
    of one fit behind walls, total= that of all.
    """
    keys = ("retrain", "labels", "key", "name", "out", "task", "dataset", "sandbox", "seconds",
            "total", "memory", "threads", "floors", "home")  # fmt: skip
    path, values = word_and_options(words, "the submission", "my_model.zip", keys)
    from ..submission.bundle import open_bundle
    from ..submission.sandbox.engines import choose_engine
    from ..submission.sandbox.limits import Limits
    from ..submission.signature import TRUST_IT, key_path, load_key, public_key, trusted_keys
    from ..submission.verify import Verification, verify_bundle

    workspace = open_workspace(values.get("home"))
    key_file = Path(values["key"]) if "key" in values else key_path(workspace)
    key, signer = load_key(key_file), values.get("name", "maintainer")
    if trusted_keys().get(signer) != public_key(key):
        say(f"the board does not trust this key of `{signer}`: {TRUST_IT}")
    limits = Limits(
        wall_seconds=parse_count("seconds", values.get("seconds", "600")),
        memory_bytes=GIB * parse_count("memory", values.get("memory", "6")),
        threads=parse_count("threads", values.get("threads", "1")),
    )
    how = Verification(
        workspace=workspace,
        engine=choose_engine(values.get("sandbox", "auto")),
        key=key,
        signer=signer,
        retrain=parse_switch("retrain", values.get("retrain", "off")),
        floors=parse_switch("floors", values.get("floors", "on")),
        labels=absolute(values.get("labels")),
        limits=limits,
        total_seconds=parse_count("total", values.get("total", "86400")),
        secret=(key_file.absolute(),),
        tell=say,
    )
    given = absolute(path)
    with open_bundle(given, workspace, values.get("task"), values.get("dataset")) as bundle:
        out = Path(values.get("out", f"{given.name.removesuffix('.zip')}.verified.zip"))
        verified = verify_bundle(bundle, how, out)
    line = f"verified in {verified.seconds:.1f} s behind walls: {out}"
    write_result(json_output, {"archive": str(out), "record": verified.record}, [line])


def word_and_options(
    words: list[str] | None, what: str, example: str, keys: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """Return the one word without `=`, and the others by key, which must be among `keys`."""
    plain = [word for word in words or [] if "=" not in word]
    if len(plain) != 1:
        raise WordError(f"{what} is wanted, one word, as `{example}`; {len(plain)} were given")
    values = split_words([word for word in words or [] if "=" in word])
    check_keys(values, keys)
    return plain[0], values


def absolute(path: Any) -> Any:
    """Return a path in full, None where none is given."""
    return path and Path(path).expanduser().absolute()
