"""A generated 2D plasticity dataset holds its pieces, says what it is, and is checked."""

import numpy as np
import pytest

from glassbench.datasets.store import open_dataset
from glassbench.simulation.pieces import read_piece

from .generate_tiny import GENERATOR

check_quenches = GENERATOR.dataset.check_quenches
LOADS = ("simple_positive", "pure_negative")
FRAMES = {loading.name: loading.frame for loading in GENERATOR.loadings.loadings_2d()}


def test_a_dataset_holds_what_its_pieces_hold(tiny_generation):
    path, folder = tiny_generation
    state = open_dataset(path).state("quench_2e0")
    assert state.splits == ("test", "train")
    sample = read_piece(folder, "quench_2e0-test000")
    np.testing.assert_array_equal(state.array("positions")[0], sample["positions"])
    np.testing.assert_array_equal(state.array("species")[0], sample["species"])
    vibration = read_piece(folder, "quench_2e0-test000-vibration")["vibrational_msd"]
    np.testing.assert_allclose(state.array("vibrational_msd")[0], vibration, rtol=1e-6)
    assert tuple(state.short("protocol")) == LOADS
    for index, load in enumerate(LOADS):
        run = read_piece(folder, f"quench_2e0-test000-{load}")
        repeat = read_piece(folder, f"quench_2e0-test000-{load}-repeat1")
        for name, values in (("d2min", run["d2min"]), ("d2min_repeat", repeat["d2min"])):
            stored = state.array(name)[0][index]
            np.testing.assert_allclose(stored, values, rtol=3e-4, atol=1e-30)
        np.testing.assert_allclose(
            state.array("shear_stress")[0][index], run["shear_stress"], rtol=1e-6
        )
    assert np.isnan(state.array("d2min_repeat")[1]).all()
    np.testing.assert_allclose(state.array("frame")[...], [FRAMES[load] for load in LOADS])


def test_a_dataset_says_how_it_was_made(tiny_generation):
    dataset = open_dataset(tiny_generation[0])
    attributes = dict(dataset.attributes)
    assert attributes["simulator"].startswith("LAMMPS 20")
    assert "smoothly" in attributes["deviations"] and attributes["licence"] == "CC-BY-4.0"
    state = dataset.state("quench_2e0")
    assert state.attributes["quench_time"] == 2.0
    assert state.attributes["shear"]["neighbour_cutoff"] == 2.5
    checks = state.attributes["checks"]
    assert checks["inherent_energy"] < checks["liquid_energy"] < 0
    assert len(checks["mean_shear_stress"]) == 5


def loaded(generator, modulus=12.0):
    strains = np.linspace(0, 0.04, 5)
    return {
        "positions": generator.uniform(size=(200, 2)) * 14,
        "box": np.full(2, 14.0),
        "shear_stress": np.tile(modulus * strains, (4, 1)),
        "potential_energy": np.tile(modulus * strains**2 / 2, (4, 1)),
        "d2min": np.zeros((4, 2, 200)),
    }


def checks_of(samples):
    return GENERATOR.shearing.sheared_samples.check_sheared(
        samples,
        elastic_step=1,
        elastic_strain=0.01,
        shear_modulus=(8, 20),
        longest_wavenumber=8.0,
    )


def test_sound_samples_pass_and_give_their_modulus():
    generator = np.random.default_rng(0)
    checks = checks_of([loaded(generator), loaded(generator, 14.0)])
    assert checks["failed"] == []
    assert checks["shear_modulus"] == pytest.approx(13.0)
    np.testing.assert_allclose(checks["mean_shear_stress"], 13 * np.linspace(0, 0.04, 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["d2min"].__setitem__((0, 0, 0), np.nan), "not finite"),
        (lambda s: s["shear_stress"].__imul__(0.1), "shear modulus 1.2 lies outside"),
        (lambda s: s["potential_energy"].__imul__(-1), "does not rise"),
        (lambda s: s.update(positions=np.indices((14, 14)).reshape(2, -1).T * 1.0), "a crystal"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    sample = loaded(np.random.default_rng(0))
    change(sample)
    (failure,) = checks_of([sample])["failed"]
    assert message in failure


def quenched(energy=-2.3, drop=0.0):
    return {
        "equilibration_energy": np.linspace(-1.9, -1.9 - drop, 20),
        "potential_energy": np.linspace(-2.0, -2.29, 20),
        "energy": np.array(energy),
        "force_norm": np.array(1e-9),
        "temperature": np.array([0.3, 0.03]),
        "pressure": np.array([4.0, 1.5]),
    }


def test_a_quench_must_end_below_the_liquid_and_a_relaxing_liquid_is_noted():
    assert check_quenches([quenched(), quenched()])["failed"] == []
    (failure,) = check_quenches([quenched(), quenched(energy=-2.0)])["failed"]
    assert "does not fall" in failure
    noted = check_quenches([quenched(drop=0.1 + 0.01 * number) for number in range(6)])
    assert noted["failed"] == [] and "had not come to equilibrium" in noted["notes"][0]
