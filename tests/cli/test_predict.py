"""Predictions for structures of the user's own, from a model that is trained here or elsewhere."""

import json
from dataclasses import replace

import numpy as np
import pytest

import glassbench as package
from glassbench.cli import main
from glassbench.cli import predict as command
from glassbench.contract.errors import UserError
from glassbench.datasets.store import open_dataset
from glassbench.datasets.view import open_view
from glassbench.experiments.conclude import conclude
from glassbench.experiments.jobs import Outcome
from glassbench.experiments.request import model_trials
from glassbench.home.workspace import open_workspace
from glassbench.plugins.registry import load_task
from glassbench.trial.fitted import replicated
from glassbench.trial.predictions import read_predictions
from glassbench.trial.run import run_trial

from ..conftest import write_tiny

TASK = load_task("ka_propensity")


def train_here(request, workspace, quiet):
    """Train without Ray and without MLflow."""
    outcomes = [Outcome(trial, run_trial(trial, workspace)) for trial in model_trials(request)]
    conclude(request, workspace, outcomes, [], draw_trials=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_dataset):
    """A workspace in which two seeds of a model were trained by `predict` itself, with its file."""
    home = tmp_path_factory.mktemp("home")
    view = open_view(TASK, tiny_dataset)
    condition = view.conditions()[0]
    structure = view.structures("test", condition)[0]
    file = home / "glass.npz"
    np.savez(file, positions=structure.positions, species=structure.species, box=structure.box)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as left:
        patch.setattr(command, "_train", train_here)
        words = ["model=number_of_neighbours", "task=ka_propensity", f"dataset={tiny_dataset}"]
        words += [f"structure={file}", f"out={home / 'out.npz'}", "seed=0..1", "time=5"]
        main(["predict", *words, f"home={home}"])
    assert not left.value.code
    return home


@pytest.fixture
def predict(glassbench, trained):
    def call(*words):
        return glassbench("predict", f"home={trained}", *words)

    return call


def test_predictions_are_those_of_the_run(trained):
    with np.load(trained / "out.npz") as file:
        column, spread = file["propensity"], file["propensity_spread"]
    (path, _) = sorted((trained / "trials").glob("*/*/predictions.npz"))
    (by_configuration,) = read_predictions(path).values()
    own = next(iter(by_configuration.values()))["propensity"]
    np.testing.assert_allclose(column, own, rtol=1e-12)
    assert spread.shape == column.shape and np.allclose(spread, 0)


NETWORKS = {
    "eignn": ("others=narrow_cage", "width=4", "rounds=1", "cutoff=1.6"),
    "schnet": ("positions=cage", "width=4", "filters=4", "interactions=1", "cutoff=1.6"),
    "botan": ("pretrained=none", "p=1", "width=4", "recurrences=1", "edge_threshold=1.3"),
}


@pytest.fixture(scope="module")
def caged(tmp_path_factory):
    """A dataset with cage positions, and a file of one of its test structures."""
    folder = tmp_path_factory.mktemp("caged")
    names = ("cage_positions", "narrow_cage_positions")
    view = open_view(TASK, write_tiny(folder / "data.zarr", others=names, box=5.1))
    structure = view.structures("test", view.conditions()[0])[0]
    for file, held in (("whole", names), ("cage", names[:1]), ("thermal", ())):
        arrays = {name: getattr(structure, name) for name in held}
        arrays |= {"positions": structure.positions, "box": structure.box}
        np.savez(folder / f"{file}.npz", species=structure.species, **arrays)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_predicts_what_its_run_did(glassbench, caged, tmp_path, monkeypatch, name):
    monkeypatch.setattr(command, "_train", train_here)
    words = [f"model={name}", "task=ka_propensity", f"dataset={caged / 'data.zarr'}", "seed=0..1"]
    words += ["epochs=1", f"home={tmp_path}", f"out={tmp_path / 'out.npz'}"]
    words += [f"model.{one}" for one in NETWORKS[name] if not one.endswith("=")]
    if name != "botan":
        lacks = {"eignn": "narrow_cage_positions", "schnet": "cage_positions"}[name]
        file = caged / ("cage.npz" if name == "eignn" else "thermal.npz")
        answer = glassbench("predict", *words, f"structure={file}")
        assert answer.code == 2 and f"(`{lacks}`)" in answer.err
        assert not (tmp_path / "records").exists()
    answer = glassbench("predict", *words, f"structure={caged / 'whole.npz'}")
    assert answer.code == 0, answer.err
    runs = [read_predictions(p) for p in sorted(tmp_path.glob("trials/*/*/predictions.npz"))]
    with np.load(tmp_path / "out.npz") as out:
        for time in (0.5, 5.0):
            condition = f"temperature=0.64 time={time:g}"
            own = [
                next(iter(run[condition].values()))["propensity"]
                for run in runs
                if condition in run
            ]
            suffix = f"_time_{time:g}".replace(".", "p")
            np.testing.assert_array_equal(out["propensity" + suffix], np.mean(own, axis=0))
            spread = out["propensity_spread" + suffix]
            np.testing.assert_allclose(spread, np.std(own, axis=0, ddof=1), rtol=1e-9)
            assert len(own) == 2 and spread.max() > 0


def test_three_lines_of_python(trained):
    model = package.load_model("number_of_neighbours", home=trained)
    structures = model.read(trained / "glass.npz")
    (answer,) = model.predict(structures, time=5)
    with np.load(trained / "out.npz") as file:
        np.testing.assert_array_equal(answer["propensity"], file["propensity"])
    twice = replicated(structures[0], 2)
    (larger,) = model.predict([twice])
    assert len(twice.positions) == 8 * len(structures[0].positions)
    np.testing.assert_allclose(larger["propensity"][: len(answer["propensity"])],
                               answer["propensity"], rtol=1e-9)  # fmt: skip
    with pytest.raises(UserError, match="no time 6"):
        model.predict(structures, time=6)
    with pytest.raises(UserError, match="glassbench run task=ka_propensity model=local_energy"):
        package.load_model("local_energy", task="ka_propensity", home=trained)


def test_an_unlike_structure_is_told_with_numbers(trained):
    model = package.load_model("number_of_neighbours", home=trained)
    (structure,) = model.read(trained / "glass.npz")
    (condition,) = model.conditions
    assert not list(model.unlike(structure, condition))
    thin = replace(structure, positions=structure.positions * 1.1, box=structure.box * 1.1)
    (words,) = model.unlike(thin, condition)
    assert words.startswith("its density is 0.8904 in 1/σ_AA^3, that of training 1.185")
    other = replace(structure, species=1 - structure.species)
    assert "20.4% of its particles are A, 79.6% in training" in list(model.unlike(other, condition))
    facts = {"T": 0.5, "units": "metal"}
    words = list(model.unlike(structure, condition, facts))
    assert words[0] == "its units are metal, those of tiny lj"
    assert words[1] == "its temperature is 0.5, that of training 0.64"
    lattice = np.stack(np.meshgrid(*[np.arange(5)] * 3), -1).reshape(-1, 3)[:108] * 0.9
    (words,) = model.unlike(replace(structure, positions=lattice), condition)
    assert "standard deviations of the training structures off" in words


def test_a_packed_model_predicts_elsewhere(glassbench, trained, tmp_path):
    packed, out = tmp_path / "model.safetensors", tmp_path / "out.npz"
    answer = glassbench(
        "models", "pack", "number_of_neighbours", f"out={packed}", f"home={trained}"
    )
    assert answer.code == 0, answer.err
    answer = glassbench(
        "predict", f"model={packed}", f"structure={trained / 'glass.npz'}", f"out={out}", "--json"
    )
    assert answer.code == 0, answer.err
    with np.load(out) as one, np.load(trained / "out.npz") as other:
        np.testing.assert_array_equal(one["propensity"], other["propensity"])
    (row, _) = json.loads(answer.out)["predictions"]
    assert row["column"] == "propensity" and row["unlike"] == []
    packed.write_bytes(packed.read_bytes()[:300])
    answer = glassbench("predict", f"model={packed}", f"structure={trained / 'glass.npz'}")
    assert answer.code == 2 and "no packed model of glassbench" in answer.err


def test_fits_are_listed(glassbench, trained):
    answer = glassbench("models", "weights", f"home={trained}")
    assert answer.code == 0 and answer.out.count("number_of_neighbours") == 2
    assert "time=5" in answer.out
    assert "did you mean `weights`" in glassbench("models", "weight").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=number_of_neighbours"], "`structure=` is missing"),
        (["model=number_of_neighbours", "structure=none.xyz"], "none.xyz is not there"),
        (["model=number_of_neighbours", "structure=FILE", "time=7"], "no time 7"),
        (["model=number_of_neighbours", "structure=FILE", "tme=7"], "did you mean `time`"),
        (["model=number_of_neighbours", "structure=FILE", "load=xy"], "has no loads"),
        (["model=number_of_neighbours", "structure=FILE", "species=1"], "label:name"),
        (["model=number_of_neighbours", "structure=FILE", "out=FILE"], "is the file that is read"),
        (["model=pair_distance", "structure=FILE"], "is about pairs"),
        (["model=local_energy", "structure=FILE"], "say for which it is to be trained"),
        (
            ["model=debye_waller", "structure=FILE", "task=ka_propensity"],
            "lacks what debye_waller reads: short-time dynamics (`vibrational_msd`)",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(predict, trained, words, said):
    answer = predict(*(word.replace("FILE", str(trained / "glass.npz")) for word in words))
    assert answer.code == 2 and said in answer.err
    assert len(answer.err.strip().splitlines()) == 1 and not answer.out


def test_a_small_box_is_repeated_where_it_is_asked(predict, trained, tmp_path):
    file = tmp_path / "small.npz"
    positions = np.random.default_rng(0).uniform(0, 2, (10, 3))
    np.savez(file, positions=positions, species=np.arange(10) % 2, box=np.full(3, 2.0))
    answer = predict("model=number_of_neighbours", f"structure={file}", f"out={tmp_path / 'o.npz'}")
    assert (
        answer.code == 2
        and "small.npz:0: number_of_neighbours: box edge 2 is shorter" in answer.err
    )
    words = (
        "model=number_of_neighbours",
        f"structure={file}",
        f"out={tmp_path / 'o.npz'}",
        "replicate=2",
    )
    answer = predict(*words)
    assert answer.code == 0 and "is unlike the training data" in answer.err
    with np.load(tmp_path / "o.npz") as written:
        assert written["propensity"].shape == (10,)


def test_the_dataset_of_the_fit_is_remembered(trained, tiny_dataset):
    model = package.load_model("number_of_neighbours", home=trained)
    assert model.training.digest == open_dataset(tiny_dataset).digest
    assert model.training.species == ("A", "B")
    assert open_workspace(trained).home == trained
