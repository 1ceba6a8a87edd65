"""Collective metrics against direct sums, and on fields whose answer is known."""

import itertools
from functools import partial

import numpy as np
import pytest

from glassbench.metrics import COLLECTIVE, collective_interval

EDGE, PARTICLES = 14.0, 2744
OPTIONS = {"spread": {}, "chi4": {}, "s4": {"largest_q": 1.0}, "xi4": {"largest_q": 1.6}}


def structures_of(count, generator):
    """Return disordered lattices, which like liquids have few density waves as long as the box."""
    lattice = np.array(list(itertools.product(range(14), repeat=3)), float)
    box = np.full(3, EDGE)
    return [(lattice + generator.uniform(0, 0.5, lattice.shape), box) for _ in range(count)]


def exponential_fields(structures, length, generator, modes=10):
    """Return Gaussian fields with the correlation exp(-r / length), from waves of random phase."""
    numbers = np.array(list(itertools.product(range(-modes, modes + 1), repeat=3)))
    numbers = numbers[[tuple(n) > (0, 0, 0) for n in numbers]]
    waves = 2 * np.pi * numbers / EDGE
    amplitude = (1 + (np.linalg.norm(waves, axis=1) * length) ** 2) ** -1.0
    kept = amplitude > 0.02 * amplitude.max()
    fields = []
    for positions, _ in structures:
        phases = positions @ waves[kept].T
        a, b = generator.normal(size=(2, kept.sum())) * amplitude[kept]
        fields.append(np.cos(phases) @ a + np.sin(phases) @ b)
    return [field / np.sqrt((amplitude[kept] ** 2).sum()) for field in fields]


def twice(fields):
    return [(field, field) for field in fields]


def value_of(function, truths, structures, predictions=None, **more):
    statistic = partial(COLLECTIVE[function], **OPTIONS[function])
    clusters = np.arange(len(truths))
    return collective_interval(statistic, predictions, truths, structures, clusters, **more)[0]


def test_each_statistic_is_the_direct_sum():
    generator = np.random.default_rng(0)
    structures = [(r[:40], b) for r, b in structures_of(4, generator)]
    fields = [generator.normal(k, 1 + k, 40) for k in range(4)]
    directly = {"spread": np.sqrt(np.mean([f.var() for f in fields]))}
    directly["chi4"] = 40 * np.var([f.mean() for f in fields], ddof=1)
    powers = []
    for (positions, _), field in zip(structures, fields, strict=True):
        for n in itertools.product(range(-3, 4), repeat=3):
            q = 2 * np.pi * np.array(n) / EDGE
            if 0 < np.sqrt(q @ q) <= 1.0:
                wave = sum(
                    (y - field.mean()) * np.exp(-1j * q @ r) for y, r in zip(field, positions)
                )
                powers.append(abs(wave) ** 2 / 40)
    directly["s4"] = np.mean(powers)
    for function, expected in directly.items():
        assert value_of(function, twice(fields), structures).mean == pytest.approx(expected)


def test_the_length_is_the_most_likely_one_of_a_direct_search():
    from scipy.optimize import minimize_scalar

    generator = np.random.default_rng(1)
    structures = structures_of(3, generator)
    fields = exponential_fields(structures, 1.3, generator)
    powers, lengths = [], []
    for (positions, _), field in zip(structures, fields, strict=True):
        for n in itertools.product(range(-4, 5), repeat=3):
            q = 2 * np.pi * np.array(n) / EDGE
            if 0 < np.linalg.norm(q) <= 1.6:
                wave = np.exp(-1j * positions @ q) @ (field - field.mean())
                powers.append(abs(wave) ** 2 / PARTICLES)
                lengths.append(np.linalg.norm(q))

    def cost(xi):
        shape = (1 + (np.array(lengths) * xi) ** 2) ** -2
        return len(powers) * np.log(np.mean(powers / shape)) + np.log(shape).sum()

    direct = minimize_scalar(cost, bounds=(0.1, 6), method="bounded").x
    assert value_of("xi4", twice(fields), structures).mean == pytest.approx(direct, abs=2e-3)


def test_white_noise_has_no_length_and_its_spectrum_is_its_variance():
    generator = np.random.default_rng(2)
    structures = structures_of(6, generator)
    fields = twice([generator.normal(size=PARTICLES) for _ in structures])
    length = value_of("xi4", fields, structures)
    assert length.mean < 0.25 and length.low == 0
    assert value_of("s4", fields, structures).mean == pytest.approx(1, abs=0.2)
    assert value_of("spread", fields, structures).mean == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("length", [0.8, 1.6])
def test_a_field_of_known_length_gives_it_back(length):
    generator = np.random.default_rng(3)
    structures = structures_of(6, generator)
    measured = value_of("xi4", twice(exponential_fields(structures, length, generator)), structures)
    assert measured.low < length < measured.high
    assert measured.mean == pytest.approx(length, rel=0.15)


def test_noise_of_both_halves_drops_out():
    generator = np.random.default_rng(4)
    structures = structures_of(6, generator)
    signals = exponential_fields(structures, 1.6, generator)
    halves = [tuple(s + generator.normal(size=(2, PARTICLES))) for s in signals]
    for function in ("spread", "s4", "xi4"):
        clean = value_of(function, twice(signals), structures)
        noisy = value_of(function, halves, structures)
        assert noisy.mean == pytest.approx(clean.mean, rel=0.1)
    full = twice([(a + b) / 2 for a, b in halves])
    assert value_of("spread", full, structures).mean == pytest.approx(np.sqrt(1.5), rel=0.02)


def test_a_flattened_field_shows_its_lost_variance_but_keeps_its_length():
    generator = np.random.default_rng(5)
    structures = structures_of(6, generator)
    truths = exponential_fields(structures, 1.2, generator)
    truths = [t + mean for t, mean in zip(truths, generator.normal(size=6), strict=True)]
    flat = [0.5 * t + 3 for t in truths]
    expected = {"spread": 0.5, "s4": 0.25, "xi4": 1.0, "chi4": 0.25}
    for function, ratio in expected.items():
        interval = value_of(function, twice(truths), structures, flat)
        assert [interval.mean, interval.low, interval.high] == pytest.approx([ratio] * 3)


def test_six_means_barely_know_their_variance():
    generator = np.random.default_rng(6)
    structures = structures_of(6, generator)
    truths = [generator.normal(size=PARTICLES) for _ in structures]
    guesses = [generator.normal(size=PARTICLES) for _ in structures]
    interval = value_of("chi4", twice(truths), structures, guesses)
    assert interval.high / interval.low > 5


def test_undefined_cases_are_undefined_and_one_constant_prediction_has_no_spread():
    generator = np.random.default_rng(7)
    structures = structures_of(2, generator)
    truths = twice([generator.normal(size=PARTICLES) for _ in structures])
    constant = [np.full(PARTICLES, 0.1)] * 2
    assert value_of("spread", truths, structures, constant).mean == 0
    assert value_of("s4", truths, structures, constant).mean == 0
    assert np.isnan(value_of("xi4", truths, structures, constant).mean)
    opposite = [(a, -a) for a, _ in truths]  # halves that do not agree hold no signal
    assert np.isnan(value_of("spread", opposite, structures).mean)
    one = value_of("chi4", truths[:1], structures[:1])
    assert np.isnan(one.mean) and np.isnan(one.low)
    small = [(r / 10, b / 10) for r, b in structures]  # a box without such a wave
    assert np.isnan(value_of("s4", truths, small).mean)
    assert np.isnan(value_of("xi4", truths, small).mean)


def test_a_field_as_long_as_the_box_has_no_length():
    generator = np.random.default_rng(8)
    structures = structures_of(3, generator)
    fields = [np.cos(2 * np.pi * r[:, 0] / EDGE) for r, _ in structures]
    assert np.isnan(value_of("xi4", twice(fields), structures).mean)


def test_only_particles_of_the_mask_count():
    generator = np.random.default_rng(9)
    structures = structures_of(2, generator)
    truths = [generator.normal(size=PARTICLES) for _ in structures]
    mask = generator.random(PARTICLES) < 0.5
    half = [(r[mask], b) for r, b in structures]
    for function in COLLECTIVE:
        some = value_of(function, twice(truths), structures, masks=[mask, mask])
        alone = value_of(function, twice([t[mask] for t in truths]), half)
        assert some.mean == pytest.approx(alone.mean, nan_ok=True)


def test_more_values_than_particles_are_refused():
    generator = np.random.default_rng(10)
    structures = structures_of(1, generator)
    truths = twice([generator.normal(size=PARTICLES)])
    with pytest.raises(ValueError, match="differ in the number of particles"):
        value_of("spread", truths, structures, [np.zeros(7)])
