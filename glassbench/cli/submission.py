"""`glassbench submission`: write, check, pack and verify a model that is handed in."""

from __future__ import annotations

from pathlib import Path

from .output import Asked, Result, absolute, command, new_group, say, write_lines

app = new_group(help="Write, check, pack and verify a model that is handed in.")
GIB = 2**30
SUBMISSION = ("the folder of the submission", "submissions/my_model")


@app.command()
@command("kind task folder author", plain="NAME")
def new(asked: Asked) -> Result:
    """Write a small model to start from.

    NAME [kind=numpy|torch|pyg|descriptor|predictions] [task=NAME] [folder=FOLDER] [author=NAME]

    The folder submissions/NAME (or folder=) gets model.toml, model.py, README.md and a test that
    passes as it stands; kind=predictions a script that writes predictions.npz in its place. Without
    task= the model is for the task that most models serve.
    """
    from ..submission.scaffold import write_scaffold

    name = asked.one("the name of the model", "my_model")
    options = dict(asked.values)
    parent = Path(options.pop("folder", "submissions"))
    folder = write_scaffold(name, parent=parent, **options)
    files = sorted(path.name for path in folder.iterdir())
    lines = [f"{folder} holds {', '.join(files)}"]
    lines.append(f"check it:  glassbench submission check {folder}")
    return Result({"folder": str(folder), "files": files}, lines)


@app.command()
@command("task dataset sandbox home", plain="PATH")
def check(asked: Asked) -> Result:
    """Say whether a submission would be accepted, and which line to mend.

    PATH [task=NAME] [dataset=NAME|PATH] [sandbox=auto|bubblewrap|podman] [home=FOLDER]
    """
    from ..submission.check import check_submission

    path = asked.one(*SUBMISSION)
    options = {key: value for key, value in asked.values.items() if key != "home"}
    results = []
    for result in check_submission(absolute(path), asked.workspace, **options):
        results.append(result)
        if not asked.json:
            write_lines([str(result)])
    failed = [result for result in results if result.passed is False]
    plain = {"accepted": not failed, "findings": [vars(result) for result in results]}
    verdict = f"{len(failed)} to mend" if failed else "it would be accepted"
    return Result(plain, [f"{path}: {verdict}"], bool(failed))


@app.command()
@command("task dataset record out home", plain="PATH")
def pack(asked: Asked) -> Result:
    """Write one archive with record, model, predictions and weights.

    PATH [task=NAME] [dataset=NAME] [record=NAME] [out=FILE.zip] [home=FOLDER]

    The record is the newest of the model, of those that were trained where they are tested and
    for the target of the task if there are any; record= names another, such as one of transfer.
    """
    from ..record.record import record_digest, record_stem
    from ..submission.bundle import open_bundle, pack_bundle
    from ..submission.record_check import check_model

    which = map(asked.values.get, ("task", "dataset", "record"))
    with open_bundle(absolute(asked.one(*SUBMISSION)), asked.workspace, *which) as bundle:
        check_model(bundle)
        record = bundle.record
        names = record["task"]["name"], record["dataset"]["name"], record["model"]["name"]
        default = f"{record_stem(*names, record_digest(record))}.zip"
        out = Path(asked.values.get("out", default))
        digest = pack_bundle(bundle, out)
        weights = len(bundle.weights)
    plain = {"archive": str(out), "sha256": digest, "weights": weights}
    return Result(plain, [f"{out}", f"sha256 {digest}, weights of {weights} fits"])


@app.command()
@command(
    "retrain labels key name out task dataset sandbox seconds total memory threads floors home",
    plain="PATH",
)
def verify(asked: Asked) -> Result:
    """Run a submission again behind walls, score it outside, and sign the record.

    PATH [retrain=on] [labels=STORE] [key=FILE] [name=SIGNER] [out=FILE.zip] [task=NAME]
    [dataset=NAME] [sandbox=auto|bubblewrap|podman] [seconds=N] [total=N] [memory=GIB]
    [threads=N] [floors=on|off] [home=FOLDER]

    PATH is a packed archive, or a folder with its newest record under home=. Without retrain=on
    the predictions are made from the weights handed in. labels= is a store that the maintainer
    alone holds, whose structures are asked about in place of the public ones. seconds= is the time
    of one fit behind walls, total= that of all.
    """
    from ..submission.bundle import open_bundle
    from ..submission.sandbox.engines import choose_engine
    from ..submission.sandbox.limits import Limits
    from ..submission.signature import TRUST_IT, key_path, load_key, public_key, trusted_keys
    from ..submission.verify import Verification, verify_bundle

    given = absolute(asked.one("the submission", "my_model.zip"))
    values, workspace = asked.values, asked.workspace
    key_file = asked.path("key") or key_path(workspace)
    key, signer = load_key(key_file), values.get("name", "maintainer")
    if trusted_keys().get(signer) != public_key(key):
        say(f"the board does not trust this key of `{signer}`: {TRUST_IT}")
    limits = Limits(
        wall_seconds=asked.count("seconds", 600),
        memory_bytes=GIB * asked.count("memory", 6),
        threads=asked.count("threads", 1),
    )
    how = Verification(
        workspace=workspace,
        engine=choose_engine(values.get("sandbox", "auto")),
        key=key,
        signer=signer,
        retrain=asked.switch("retrain"),
        floors=asked.switch("floors", "on"),
        labels=asked.path("labels"),
        limits=limits,
        total_seconds=asked.count("total", 86400),
        secret=(key_file.absolute(),),
        tell=say,
    )
    with open_bundle(given, workspace, values.get("task"), values.get("dataset")) as bundle:
        out = Path(values.get("out", f"{given.name.removesuffix('.zip')}.verified.zip"))
        verified = verify_bundle(bundle, how, out)
    line = f"verified in {verified.seconds:.1f} s behind walls: {out}"
    return Result({"archive": str(out), "record": verified.record}, [line])
