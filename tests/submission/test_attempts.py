"""What someone who has read the code tries with records, archives, keys and names: none succeeds.

`GLASSBENCH_ATTEMPTS=FILE pytest -m attempt` writes these, with all others, as a table.
"""

from __future__ import annotations

import copy
import io
import json
import os
import shutil
import unicodedata
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.home.workspace import Workspace
from glassbench.record.record import read_record, write_record
from glassbench.submission.accept import add_record
from glassbench.submission.bundle import SubmissionError, open_bundle
from glassbench.submission.memory import numbers_carried
from glassbench.submission.record_check import Checking, check_record_file
from glassbench.submission.sandbox.bounded import read_arrays, unpack_archive
from glassbench.submission.sandbox.contents import check_contents
from glassbench.submission.sandbox.predict import add_given_files
from glassbench.submission.signature import (
    is_signed,
    load_key,
    make_key,
    sign_record,
    trusted_keys,
)

from .handing_in import HONEST, hand_in, link_dataset, write_model

LATER = "2031-01-01T00:00:00+00:00"
VERIFICATION = {
    "by": "tester", "mode": "retrain", "labels": "public", "sandbox": "bubblewrap 0.8",
    "walls": {}, "largest_difference": 0.0, "submitted": "0" * 64, "environment": "",
    "public_key": "", "signature": "",
}  # fmt: skip
CHOOSES = '\n[hyperparameters]\npositions = "thermal"\n'


@pytest.fixture(scope="module")
def handed(tiny_dataset, tmp_path_factory):
    """A workspace with the record of an honest stranger, its archive, and a key that is trusted."""
    place = tmp_path_factory.mktemp("attempts")
    workspace = Workspace(place / "home")
    link_dataset(tiny_dataset, workspace)
    folder = write_model(place / "mine", HONEST.replace("    def fit", TAKES + "    def fit"))
    (folder / "model.toml").write_text((folder / "model.toml").read_text() + CHOOSES)
    archive = hand_in(folder, workspace, place / "mine.zip")
    public = make_key(place / "key.pem")
    (place / "trusted.toml").write_text(f'[keys]\ntester = "{public}"\n')
    with zipfile.ZipFile(archive) as file:
        files = {name: file.read(name) for name in file.namelist()}
    return SimpleNamespace(
        workspace=workspace, folder=folder, archive=archive, files=files,
        record=json.loads(files["record.json"]), key=load_key(place / "key.pem"), public=public,
        how=Checking(workspace, trusted=place / "trusted.toml", floors=False),
    )  # fmt: skip


TAKES = """    def __init__(self, positions="thermal"):
        self.positions = positions

"""


def write_zip(path, members):
    """Write a zip file of (name or entry, content), the same name as often as it is given."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members:
            file.writestr(
                name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content
            )
    return path


def refused(call) -> str:
    """Return why something is refused, in one line; fail where it is not."""
    try:
        outcome = call()
    except UserError as error:
        message = str(error)
    else:
        results = outcome.results if hasattr(outcome, "results") else outcome[1]
        wrong = [str(result) for result in results if not result.passed]
        assert wrong, "nothing was refused"
        message = wrong[0]
    assert "\n" not in message
    return message


# A record that is altered: how, and what the refusal says.
def put(*path_and_value):
    *path, last, value = path_and_value

    def change(record):
        node = record
        for step in path:
            node = node[step]
        node[last] = value

    return change


def no_positions(record):
    del record["hyperparameters"]["positions"]


RECORDS = {
    "claims": {
        "to read other positions than it does": (put("model", "reads", ["cage"]), "model/reads"),
        "thermal positions, given those of cages": (
            put("hyperparameters", "positions", "cage"), "model/reads"
        ),
        "to read the dynamics as positions": (
            put("hyperparameters", "positions", "dynamics"), "model.positions of mine is `dynamics`"
        ),
        "positions by a path": (
            put("hyperparameters", "positions", "../cage"), "model.positions of mine"
        ),
        "positions by a list": (put("hyperparameters", "positions", ["thermal"]), "model"),
        "a hyperparameter that is not said": (no_positions, "hyperparameters lack"),
        "a hyperparameter that there is not": (
            put("hyperparameters", "labels", "all"), "no hyperparameter `labels`"
        ),
        "predictions of a program as a model": (
            put("model", "reads", ["predictions"]), "model/reads"
        ),
        "a day that is yet to come": (put("created", LATER), "which is yet to come"),
        "the thirtieth of February": (put("created", "2026-02-30T00:00:00Z"), "created"),
        "hours that no day has": (put("created", "2026-02-03T77:99:00Z"), "created"),
        "a date with words": (put("created", "2026-02-03T00:00:00Z\n::error::"), "created"),
        "a path of predictions that leads out": (
            put("predictions", 0, "path", "../keys/maintainer.pem"), "path"
        ),
        "an absolute path of predictions": (put("predictions", 0, "path", "/etc/passwd"), "path"),
        "a URI of predictions": (put("predictions", 0, "path", "file:///etc/passwd"), "path"),
        "a URI as dataset": (put("dataset", "name", "file:///etc/passwd"), "dataset"),
        "a URI as task": (put("task", "name", "file:x"), "task"),
        "a target that is a path": (put("task", "target", "../x"), "target"),
        "to be verified": (put("status", "verified"), "verif"),
        "to be of a newer protocol": (put("task", "protocol_version", 10**9), "protocol"),
    },
}  # fmt: skip


@pytest.mark.attempt("a record claims what is not so")
@pytest.mark.parametrize("name", RECORDS["claims"])
def test_a_false_claim_is_refused(name, handed, tmp_path):
    change, message = RECORDS["claims"][name]
    record = copy.deepcopy(handed.record)
    change(record)
    files = handed.files | {"record.json": json.dumps(record).encode()}
    evil = write_zip(tmp_path / "evil.zip", files.items())
    board = tmp_path / "board"
    assert message in refused(lambda: add_record(evil, handed.how, board))
    assert not board.exists()


def defaults_that_say_otherwise(folder):
    card = (folder / "model.toml").read_text()
    section = '\n[defaults.ka_propensity.tiny]\npositions = "cage"\n'
    (folder / "model.toml").write_text(card + section)


@pytest.mark.attempt("a record claims what is not so")
def test_defaults_of_a_card_change_no_positions_behind_the_record(handed, tmp_path):
    """The record leaves out what the card sets otherwise on this dataset."""
    folder = tmp_path / "m"
    shutil.copytree(handed.folder, folder)
    defaults_that_say_otherwise(folder)
    from glassbench.contract.model_card import read_model_card

    card = read_model_card(folder)
    record = copy.deepcopy(handed.record)
    no_positions(record)
    record["model"]["digest"] = record["provenance"]["model_digest"] = card.digest
    files = handed.files | {"record.json": json.dumps(record).encode()}
    files["model/model.toml"] = (folder / "model.toml").read_bytes()
    evil = write_zip(tmp_path / "evil.zip", files.items())
    assert "hyperparameters lack" in refused(lambda: check_record_file(evil, handed.how))


def archives():
    link, device = zipfile.ZipInfo("model/x.npz"), zipfile.ZipInfo("model/y.npz")
    link.external_attr, device.external_attr = 0o120777 << 16, 0o020666 << 16
    array = npz(a=np.zeros(3))
    return {
        "the record twice": [("record.json", b"{}")],
        "the predictions twice": [("@", b"x")],
        "the predictions in other letters": [("PREDICTIONS/@", b"x")],
        "the card in other letters": [("model/MODEL.TOML", b"")],
        "predictions in the model twice": [("model/predictions.npz", array)] * 2,
        "an absolute name": [("/model/predictions.npz", array)],
        "a name that leads up": [("model/../../predictions.npz", array)],
        "a name of a drive": [("C:model/predictions.npz", array)],
        "a link": [(link, b"/etc/passwd")],
        "a device": [(device, b"")],
        "one name in two forms": [
            (unicodedata.normalize(form, "model/m\u00fcller.txt"), b"") for form in ("NFC", "NFD")
        ],
        "one name in two widths": [("model/a.txt", b""), ("model/\uff41.txt", b"")],
        "a file in place of a folder": [("weights", b"x")],
        "weights of another name": [("weights/../model/model.py", b"x")],
    }


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def arrays_of(*names) -> bytes:
    """Return an `.npz` with an array under each name, the same name as often as it is given."""
    with zipfile.ZipFile(io.BytesIO(npz(a=np.zeros(3)))) as source:
        content = source.read("a.npy")
    file = io.BytesIO()
    write_zip(file, [(name, content) for name in names])
    return file.getvalue()


@pytest.mark.attempt("an archive holds one thing twice, or leads out")
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", archives())
def test_an_archive_holds_each_file_once_and_in_its_folder(name, handed, tmp_path):
    stored = next(n for n in handed.files if n.startswith("predictions/"))
    more = [
        (n if isinstance(n, zipfile.ZipInfo) else n.replace("PREDICTIONS/@", stored.upper())
         .replace("@", stored), content)
        for n, content in archives()[name]
    ]  # fmt: skip
    evil = write_zip(tmp_path / "evil.zip", [*handed.files.items(), *more])
    before = sorted(tmp_path.rglob("*"))
    assert refused(lambda: add_record(evil, handed.how, tmp_path / "board"))
    assert sorted(tmp_path.rglob("*")) == before


NPZ = {
    "one array twice": ("a.npy", "a.npy"),
    "one array with and without its ending": ("a.npy", "a"),
    "an array above its folder": ("../a.npy",),
    "an absolute array": ("/a.npy",),
}


@pytest.mark.attempt("a file of arrays holds one thing twice, or leads out")
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", NPZ)
def test_a_file_of_arrays_holds_each_once(name, handed, tmp_path):
    """Such as the predictions of a submission of `kind=predictions`."""
    folder = tmp_path / "m"
    shutil.copytree(handed.folder, folder)
    (folder / "predictions.npz").write_bytes(arrays_of(*NPZ[name]))
    (why,) = check_contents(folder)
    assert why.startswith("predictions.npz ") and "\n" not in why
    with pytest.raises(SubmissionError):
        read_arrays(arrays_of(*NPZ[name]), "it", 10**6)


NAMES = ["../../mine.json", "/etc/passwd", "", "..", "mine\x00", "file:x", "other"]


@pytest.mark.attempt("a record is named that is another's")
@pytest.mark.parametrize("name", NAMES)
def test_record_names_a_record_of_this_model_in_the_workspace(name, handed, tmp_path):
    """`submission pack record=…` looks among the names of records, never for a path."""
    other = copy.deepcopy(handed.record)
    other["model"]["digest"] = other["provenance"]["model_digest"] = "0" * 64
    write_record(handed.workspace.records / "other.json", other)
    write_record(tmp_path / "mine.json", handed.record)
    try:
        with pytest.raises(SubmissionError, match="there is no record") as error:
            with open_bundle(handed.folder, handed.workspace, record=name):
                pass
        assert "\n" not in str(error.value)
    finally:
        (handed.workspace.records / "other.json").unlink()


GIVEN = ["file:../keys/maintainer.pem", "file:/etc/passwd", "file:..", "file:", "file:a/", "file:a",
         "file:a/../../keys/maintainer.pem", "file:a\x00/x", "file:a/b/../../../x"]  # fmt: skip


@pytest.mark.attempt("a hyperparameter names a file that was not given")
@pytest.mark.parametrize("value", GIVEN)
def test_a_hyperparameter_shows_no_file_that_was_not_given(value, tmp_path):
    workspace = Workspace(tmp_path / "home")
    for folder in (workspace.home / "keys", workspace.given / "a"):
        folder.mkdir(parents=True)
    (workspace.home / "keys" / "maintainer.pem").write_text("secret")
    (tmp_path / "request").mkdir()
    with pytest.raises(UserError, match="a file that"):
        add_given_files(tmp_path / "request", {"pretrained": value}, workspace)
    assert not list((tmp_path / "request").iterdir())


@pytest.mark.attempt("a hyperparameter names a file that was not given")
def test_a_link_among_the_given_files_is_not_followed(tmp_path):
    workspace = Workspace(tmp_path / "home")
    (workspace.given / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (workspace.given / "a" / "w.npz").symlink_to(tmp_path / "secret")
    (tmp_path / "request").mkdir()
    add_given_files(tmp_path / "request", {"pretrained": "file:a/w.npz"}, workspace)
    copied = [path for path in (tmp_path / "request").rglob("*") if path.name == "w.npz"]
    assert all(path.is_symlink() for path in copied)


@pytest.mark.attempt("memory beside the folder")
def test_numbers_in_a_given_file_count_as_those_of_the_folder(handed, tmp_path):
    workspace = Workspace(tmp_path / "home")
    (workspace.given / "a").mkdir(parents=True)
    (workspace.given / "a" / "prior.npz").write_bytes(npz(a=np.zeros(5000)))
    values = {"pretrained": "file:a/prior.npz"}
    assert numbers_carried(handed.folder, values, workspace) > 5000


def keys_list(path, public):
    path.write_text(f'keys = ["{public}"]')


def keys_text(path, public):
    path.write_text(f'keys = "{public}"')


def keys_pipe(path, public):
    os.mkfifo(path)


def keys_folder(path, public):
    path.mkdir()


def keys_deep(path, public):
    path.write_text("[keys]\n" + "a." * 300 + 'a = "x"')


def keys_nested(path, public):
    path.write_text(f'[keys.tester]\nkey = "{public}"')


@pytest.mark.attempt("keys that are none")
@pytest.mark.parametrize(
    "write", [keys_list, keys_text, keys_pipe, keys_folder, keys_deep, keys_nested]
)
def test_a_file_of_keys_that_is_none_is_one_line(write, handed, tmp_path):
    write(tmp_path / "keys.toml", handed.public)
    with pytest.raises(UserError, match=r"keys\.toml") as error:
        trusted_keys(tmp_path / "keys.toml")
    assert "\n" not in str(error.value)


@pytest.mark.attempt("keys that are none")
@pytest.mark.parametrize("kind", ["folder", "pipe", "empty", "link to itself", "binary"])
def test_a_private_key_that_is_none_is_one_line(kind, tmp_path):
    path = tmp_path / "key.pem"
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "empty": path.touch,
        "link to itself": lambda: path.symlink_to(path),
        "binary": lambda: path.write_bytes(bytes(range(256))),
    }[kind]()
    with pytest.raises(UserError, match=r"key\.pem") as error:
        load_key(path)
    assert "\n" not in str(error.value)


@pytest.mark.attempt("keys that are none")
def test_a_key_is_not_written_through_a_link(tmp_path):
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="holds a key already"):
        make_key(tmp_path / "key.pem")
    assert not (tmp_path / "elsewhere").exists()


def signed(handed, **changes):
    environment = handed.record["provenance"]["environments"][0]["packages"]["sha256"]
    verification = VERIFICATION | {"environment": environment}
    record = handed.record | {"status": "verified", "verification": verification} | changes
    return sign_record(record, handed.key)


SIGNATURES = {
    "of another record": lambda r: r | {"created": "2026-01-02T00:00:00+00:00"},
    "under the name in other letters": lambda r: with_part(r, by="Tester"),
    "under a name that looks alike": lambda r: with_part(r, by="te5ter"),
    "with another mode": lambda r: with_part(r, mode="weights"),
    "with labels called hidden": lambda r: with_part(r, labels="hidden"),
    "with walls that did not hold": lambda r: with_part(r, walls={"network": False}),
    "with another digest of what was handed in": lambda r: with_part(r, submitted="1" * 64),
    "with the part that was kept taken out": lambda r: with_part(r, kept_after_permutation=0.0),
    "over other tuning": lambda r: r | {"seeds": [*r["seeds"], 7]},
    "over another cost": lambda r: r | {"cost": r["cost"] | {"cpu_seconds": 0.0}},
    "over another owner": lambda r: r | {"model": r["model"] | {"authors": ["Mallory"]}},
}


def with_part(record, **changes):
    return record | {"verification": record["verification"] | changes}


@pytest.mark.attempt("a signature is used for something else")
@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_holds_for_one_record(name, handed):
    record = signed(handed)
    keys = {"tester": handed.public}
    assert is_signed(record, keys) and not is_signed(SIGNATURES[name](record), keys)


@pytest.mark.attempt("a record takes the place of another")
def test_an_older_record_takes_the_place_of_no_newer_one(handed, tmp_path):
    """A signed record that was taken off the board comes back as what it was."""
    older = signed(handed, created="2026-01-02T00:00:00+00:00")
    newer = signed(handed, created="2026-03-02T00:00:00+00:00")
    board = tmp_path / "board"
    paths = []
    for number, record in enumerate((newer, older)):
        files = handed.files | {"record.json": json.dumps(record).encode()}
        archive = write_zip(tmp_path / f"{number}.zip", files.items())
        accepted = add_record(archive, handed.how, board)
        assert accepted.superseded is None, list(map(str, accepted.results))
        paths.append(accepted.path)
    assert [read_record(path).supersedes for path in paths] == [None, None]


@pytest.mark.attempt("a record takes the place of another")
@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a" * 2000, "\x1b[2J", "."])
def test_the_place_of_a_record_is_never_a_path(name, handed, tmp_path):
    board = tmp_path / "board"
    path = add_record(handed.archive, handed.how, board).path
    path.write_text(json.dumps(json.loads(path.read_text()) | {"supersedes": name}))
    _, results = check_record_file(path, replace(handed.how))
    assert all(result.passed for result in results), list(map(str, results))
    assert sorted(p.name for p in board.iterdir()) == ["models", "predictions", "records"]


def test_an_honest_archive_passes_where_the_attempts_fail(handed, tmp_path):
    accepted = add_record(handed.archive, handed.how, tmp_path / "board")
    assert accepted.path is not None, list(map(str, accepted.results))
    unpack_archive(handed.archive, tmp_path / "unpacked")
