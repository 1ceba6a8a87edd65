"""Verification: what is signed was made behind walls, from the weights or the training split."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.model_card import read_model_card
from glassbench.datasets.view import open_view
from glassbench.home.workspace import Workspace, keep_given_files
from glassbench.plugins.registry import load_task
from glassbench.submission import verify
from glassbench.submission.bundle import SubmissionError, open_bundle
from glassbench.submission.record_check import check_record_file
from glassbench.submission.rescore import largest_difference
from glassbench.submission.sandbox.bounded import write_archive
from glassbench.submission.sandbox.limits import Limits, SandboxError
from glassbench.submission.sandbox.predict import (
    Assignment,
    predict_behind_walls,
    prepare_folder,
    train_behind_walls,
)
from glassbench.submission.sandbox.walls import Walls
from glassbench.submission.verify import Verification, verify_bundle
from glassbench.trial.stages import Question

from .handing_in import HONEST, MEMORY, hand_in, write_model


@pytest.fixture
def run(engine, workspace, key, tmp_path):
    """Return a function that verifies an archive."""

    def call(archive, **changes):
        how = Verification(
            workspace=workspace,
            engine=engine,
            key=key,
            signer="tester",
            floors=False,
            limits=Limits(wall_seconds=60),
            **changes,
        )
        with open_bundle(archive, workspace) as bundle:
            return verify_bundle(bundle, how, tmp_path / "verified.zip")

    return call


@pytest.fixture
def memorised(tmp_path, workspace, tiny_dataset):
    """Return the packed submission of a stranger whose weights remember the public test labels."""
    folder = write_model(tmp_path / "memory", MEMORY, "memory")
    archive = tmp_path / "memory.zip"
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    labels = tmp_path / "labels.npz"
    table: dict = {}
    exec(MEMORY, table)
    known = {
        table["key"](example.structure): example.targets["propensity"]
        for example in view.examples("test", view.conditions()[:1])
    }
    np.savez(labels, **known)
    # Where the maintainer runs it there is no such file, and the fit is an honest one.
    stolen = f"""
        try:
            self.known |= dict(np.load({str(labels)!r}))
        except OSError:
            pass
"""
    fitted = "for e in [*train, *valid]}\n"
    (folder / "model.py").write_text(MEMORY.replace(fitted, fitted + stolen), encoding="utf-8")
    hand_in(folder, workspace, archive)
    return archive


@pytest.mark.parametrize("retrain", [False, True])
def test_an_honest_model_is_verified_and_its_record_holds(retrain, run, archive, how, tmp_path):
    verified = run(archive, retrain=retrain)
    record, findings = check_record_file(verified.archive, how)
    assert all(finding.passed for finding in findings), [str(f) for f in findings]
    assert record["status"] == "verified"
    assert record["verification"]["mode"] == ("retrain" if retrain else "weights")
    assert ("kept_after_permutation" in record["verification"]) == retrain
    assert record["verification"]["largest_difference"] < 1e-3
    assert record["conditions"][0]["scores"]["pearson_a"]["value"] > 0.3
    assert not any("weights" in name for name in _names(verified.archive))


def test_every_altered_number_of_a_verified_record_is_found(run, archive, how, tmp_path):
    """Any digit of any number, be it a score, a cost or a date, breaks the signature."""
    from glassbench.submission.signature import SignatureError, trusted_keys
    from glassbench.submission.signature import verify as verify_signature

    record = run(archive).record
    trusted = trusted_keys(how.trusted)
    assert verify_signature(record, trusted) == "tester"
    text = json.dumps(record)
    places = [n for n, letter in enumerate(text) if letter.isdigit()]
    generator = np.random.default_rng(0)
    for place in generator.choice(places, 200, replace=False):
        digit = str((int(text[place]) + int(generator.integers(1, 10))) % 10)
        try:
            altered = json.loads(text[:place] + digit + text[place + 1 :])
        except ValueError:
            continue
        if altered == record:
            continue
        with pytest.raises(SignatureError):
            verify_signature(altered, trusted)


@pytest.mark.attempt("public labels are remembered")
def test_a_memorised_public_copy_is_above_what_the_data_allow(run, memorised):
    with pytest.raises(SubmissionError, match="above the noise ceiling"):
        run(memorised)


@pytest.mark.attempt("public labels are remembered")
def test_a_memorised_public_copy_knows_nothing_of_a_hidden_set(run, memorised, hidden_dataset):
    verified = run(memorised, labels=hidden_dataset)
    score = verified.record["conditions"][0]["scores"]["pearson_a"]["value"]
    assert abs(score) < 0.3
    assert verified.record["verification"]["labels"] == "hidden"
    assert verified.record["dataset"]["name"] == "hidden"


@pytest.mark.attempt("public labels are remembered")
def test_training_on_the_test_split_is_not_repeated_by_training_again(run, memorised):
    with pytest.raises((SubmissionError, SandboxError)):
        run(memorised, retrain=True)


@pytest.mark.attempt("predictions are not those of the weights")
def test_weights_that_do_not_give_the_predictions_are_refused(run, tmp_path, workspace):
    folder = write_model(tmp_path / "mine")
    archive = hand_in(folder, workspace, tmp_path / "mine.zip")
    with open_bundle(folder, workspace) as bundle:
        (weights,) = bundle.weights.values()
        np.savez(weights / "w.npz", w=np.array([0.0, 1.0, 0.5]))
        from glassbench.submission.bundle import pack_bundle

        pack_bundle(bundle, archive)
    with pytest.raises(SubmissionError, match="do not give the predictions handed in"):
        run(archive)


@pytest.mark.attempt("a structure is not predicted by itself")
def test_predictions_that_depend_on_the_company_are_refused(run, tmp_path, workspace):
    source = HONEST.replace("crowding(s) @ self.w}", "crowding(s) @ self.w * len(structures)}")
    archive = hand_in(write_model(tmp_path / "m", source), workspace, tmp_path / "m.zip")
    with pytest.raises(SubmissionError, match="asked alone"):
        run(archive)


# What it says of a structure hangs on how many it was asked about before, here and elsewhere.
REMEMBERS = HONEST.replace(
    "        return [{",
    """        import pathlib
        notes = pathlib.Path("notes.txt")
        self.asked = max(getattr(self, "asked", 0), len(notes.read_text()) if notes.exists() else 0)
        self.asked += len(structures)
        notes.write_text("x" * self.asked)
        return [{""",
).replace("crowding(s) @ self.w}", "crowding(s) @ self.w + np.sin(self.asked) * s.species}")


@pytest.mark.attempt("a structure is not predicted by itself")
@pytest.mark.parametrize("how", ["weights", "retrain", "hidden"])
def test_predictions_that_depend_on_what_was_asked_before_are_refused(
    how, run, tmp_path, workspace, hidden_dataset, monkeypatch
):
    """Every structure is asked about alone, in an order drawn anew, in cells that share nothing."""
    monkeypatch.chdir(tmp_path)
    archive = hand_in(write_model(tmp_path / "m", REMEMBERS), workspace, tmp_path / "m.zip")
    changes = {"hidden": {"labels": hidden_dataset}, "retrain": {"retrain": True}}
    with pytest.raises(SubmissionError, match="asked alone about"):
        run(archive, **changes.get(how, {}))


# What it says hangs on all structures that lie in its cell, in whatever order.
LOOKS_AROUND = HONEST.replace(
    "        return [{",
    """        import pathlib, pickle
        given = [pickle.loads(p.read_bytes()) for p in pathlib.Path("/input").glob("*.pickle")]
        asked = [one for each in given for _, asked in each["questions"] for one in asked]
        other = sum(one.positions.mean() for one in asked)
        return [{""",
).replace("crowding(s) @ self.w}", "crowding(s) @ self.w + other * s.species}")


@pytest.mark.attempt("a structure is not predicted by itself")
@pytest.mark.parametrize("how", ["weights", "retrain", "hidden"])
def test_predictions_that_depend_on_what_else_lies_in_a_cell_are_refused(
    how, run, tmp_path, workspace, hidden_dataset
):
    archive = hand_in(write_model(tmp_path / "m", LOOKS_AROUND), workspace, tmp_path / "m.zip")
    changes = {"hidden": {"labels": hidden_dataset}, "retrain": {"retrain": True}}
    with pytest.raises(SubmissionError, match="asked alone about"):
        run(archive, **changes.get(how, {}))


def test_a_model_that_saves_nothing_is_trained_in_every_cell(run, tmp_path, workspace):
    source = HONEST.split("    def save")[0]
    archive = hand_in(write_model(tmp_path / "m", source), workspace, tmp_path / "m.zip")
    with pytest.raises(SubmissionError, match="give the model `save` and `load`"):
        run(archive)
    assert run(archive, retrain=True).record["status"] == "verified"


def test_no_test_structure_is_there_while_a_model_is_trained(engine, tmp_path, tiny_dataset):
    counts = """        import pickle
        given = pickle.loads(Path('/input/structures.pickle').read_bytes())
        self.w = np.array([len(given[name]) for name in ("train", "valid", "questions")])
"""
    source = HONEST.replace("        self.w = np.linalg", counts + "        return np.linalg")
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    condition = view.conditions()[0]
    tested = view.structures("test", condition)
    assignment = Assignment(
        model=write_model(tmp_path / "m", source.replace("import numpy", IMPORTS)),
        task=view.task,
        hyperparameters={},
        seed=0,
        questions=[Question(condition, {s.configuration: s for s in tested})],
        conditions=(condition,),
        train=view.examples("train", (condition,)),
    )
    _, weights = train_behind_walls(engine, assignment, Limits(wall_seconds=60), tmp_path / "cell")
    counted = np.load(weights / "w.npz")["w"]
    assert counted.tolist() == [len(assignment.train), 0, 0]


def test_all_fits_together_have_a_limit_of_time(run, archive):
    with pytest.raises(SubmissionError, match="all fits together take longer"):
        run(archive, total_seconds=0.0)


@pytest.mark.attempt("code that nobody reads")
def test_a_pickle_among_the_weights_is_refused_before_anything_runs(run, archive, tmp_path):
    with zipfile.ZipFile(archive) as file:
        files = {name: file.read(name) for name in file.namelist()}
    (weights,) = [name for name in files if name.startswith("weights/")][:1]
    write_archive(tmp_path / "m.zip", files | {f"{Path(weights).parent}/w.pkl": b"x"})
    with pytest.raises(SubmissionError, match=r"w\.pkl is a pickle"):
        run(tmp_path / "m.zip")


def test_a_pickle_among_the_weights_is_not_packed(tmp_path, workspace):
    source = HONEST.replace("        np.savez", SAVES_A_PICKLE)
    with pytest.raises(SubmissionError, match=r"w\.pkl is a pickle"):
        hand_in(write_model(tmp_path / "m", source), workspace, tmp_path / "m.zip")


@pytest.mark.attempt("code that nobody reads")
def test_code_that_the_digest_does_not_cover_is_not_shown_to_the_cell(tmp_path):
    """Compiled code in a cache would run in place of the source that people have read."""
    model = write_model(tmp_path / "mine")
    before = read_model_card(model).digest
    for name in ("__pycache__/model.cpython-311.pyc", ".hidden/model.py", ".evil.so"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(b"evil")
    assert read_model_card(model).digest == before
    prepare_folder(tmp_path / "cell", model, load_task("ka_propensity").folder)
    shown = sorted(path.name for path in (tmp_path / "cell" / "model").rglob("*"))
    assert shown == ["model.py", "model.toml"]


def test_the_digest_of_the_dataset_is_counted_before_anything_is_signed(run, archive, workspace):
    """A store states its digest itself; what it states is not believed."""
    import zarr

    store = zarr.open_group(workspace.datasets / "tiny.zarr")
    _, state = next(iter(store.groups()))
    state["propensity"][...] = np.asarray(state["propensity"][...]) + 1
    with pytest.raises(SubmissionError, match="the one here has sha256:"):
        run(archive)


def test_without_the_walls_that_matter_nothing_runs(run, archive, monkeypatch, engine, tmp_path):
    def weak(engine, secret=()):
        return Walls(engine, {"network": False})

    monkeypatch.setattr(verify, "try_engine", weak)
    monkeypatch.setattr(verify.predict, "ask_one_by_one", None)
    with pytest.raises(SandboxError, match="no result can be called verified here"):
        run(archive)
    assert not (tmp_path / "verified.zip").exists()


READS_A_FILE = """
import numpy as np


class Stranger:
    def __init__(self, scale):
        with open(scale) as file:
            self.scale = float(file.read())

    def fit(self, train, valid, run):
        pass

    def load(self, folder):
        pass

    def predict(self, structures, condition):
        return [{"propensity": np.full(len(s.positions), self.scale)} for s in structures]
"""


def test_a_file_that_a_hyperparameter_names_is_shown_to_the_cell(
    engine, tmp_path, workspace, tiny_dataset
):
    (tmp_path / "scale.txt").write_text("3")
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    condition = view.conditions()[0]
    structure = view.structures("test", condition)[0]
    model = write_model(tmp_path / "mine", READS_A_FILE)
    assignment = Assignment(
        model=model,
        task=view.task,
        hyperparameters=keep_given_files({"scale": str(tmp_path / "scale.txt")}, workspace),
        seed=0,
        questions=[Question(condition, {"one": structure})],
        weights=model,
        secret=[tiny_dataset, workspace.home],
        given=workspace,
    )
    answered = predict_behind_walls(engine, assignment, Limits(wall_seconds=60))
    assert (answered.asked[0]["one"]["propensity"] == 3).all()
    elsewhere = replace(assignment, given=Workspace(tmp_path / "elsewhere"))
    with pytest.raises(UserError, match="does not hold"):
        predict_behind_walls(engine, elsewhere, Limits(wall_seconds=60))


def test_differences_are_in_robust_deviations_of_what_was_handed_in():
    one = {"c": {"a": {"propensity": np.array([0.0, 2.0])}}}
    other = {"c": {"a": {"propensity": np.array([0.0, 2.5])}}}
    assert largest_difference(one, other) == pytest.approx(0.5 / 1.4826)
    assert largest_difference(one, {"c": {"b": other["c"]["a"]}}) == np.inf
    assert largest_difference(one, one) == 0


@pytest.mark.attempt("predictions are not those of the weights")
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_predictions_that_are_not_finite_differ_from_everything(wrong):
    one = {"c": {"a": {"propensity": np.array([0.0, 2.0])}}}
    other = {"c": {"a": {"propensity": np.array([0.0, wrong])}}}
    assert largest_difference(one, other) == largest_difference(other, one) == np.inf


@pytest.mark.attempt("predictions are not those of the weights")
def test_an_outlier_hides_no_difference():
    values = np.linspace(0, 1, 100)
    alone, outlier = values + 0.1, values.copy()
    outlier[0] = alone[0] = 1e6
    one, other = ({"c": {"a": {"propensity": v}}} for v in (outlier, alone))
    assert largest_difference(one, other) > 0.1


IMPORTS = "from pathlib import Path\n\nimport numpy"
SAVES_A_PICKLE = "        (folder / 'w.pkl').write_bytes(b'x')\n        np.savez"


def _names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
