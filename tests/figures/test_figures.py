"""Figures, by what they draw rather than by their pixels."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import EllipseCollection, QuadMesh

from glassbench.contract.task import read_task
from glassbench.figures import draw_parity, draw_scores, draw_slice
from glassbench.model import Structure

TASK = read_task(Path(__file__).resolve().parents[2] / "tasks" / "ka_propensity")
TIMES, SCORES = (16.5, 0.52, 5.2), (0.5, 0.8, None)


def entry(temperature, time, value):
    return {
        "condition": {"temperature": temperature, "time": time},
        "tau_alpha": 16.5,
        "parents": list("abcdef"),
        "scores": {
            "pearson_a": {"value": value, "interval": value and [value - 0.1, value + 0.05]}
        },
        "ceiling": {"pearson_a": {"value": 0.95}},
        "floors": [{"model": "local_energy", "value": 0.2}],
        "reported": [{"model": "BOTAN", "value": 0.7, "source": "s"}],
    }


def record(temperatures=(0.64,), times=TIMES, scores=SCORES):
    return {
        "task": {"primary_metric": "pearson_a"},
        "model": {"name": "botan", "title": "BOTAN"},
        "dataset": {"name": "mini"},
        "conditions": [
            entry(temperature, time, value)
            for temperature in temperatures
            for time, value in zip(times, scores, strict=True)
        ],
    }


def test_scores_stand_against_time_with_interval_ceiling_floors_and_published(drawn, tmp_path):
    path = draw_scores(record(temperatures=(0.44, 0.64)), TASK, tmp_path / "scores.png")
    assert path.read_bytes().startswith(b"\x89PNG") and [path] == list(tmp_path.iterdir())
    left, right = drawn[0].axes
    assert (left.get_title(), right.get_title()) == ("T = 0.44", "T = 0.64")
    assert left.get_xlabel() == "t (τ)" and left.get_ylabel() == "Pearson, type A"
    assert left.get_xscale() == "log"
    by_label = {line.get_label(): line for line in left.get_lines()}
    floor, published = by_label["floor: local energy"], by_label["published: BOTAN"]
    assert floor.get_linestyle() == "--" and set(floor.get_ydata()) == {0.2}
    assert published.get_markerfacecolor() == "none" and published.get_linestyle() == "None"
    (model,) = [c for c in left.containers if c.get_label() == "botan, 95 % interval"]
    x, y = model.lines[0].get_data()
    assert list(x) == sorted(TIMES)
    np.testing.assert_array_equal(y, [0.8, np.nan, 0.5])
    bars = [bar for bar in model.lines[2][0].get_segments() if np.size(bar) == 4]
    np.testing.assert_allclose([np.asarray(bar)[:, 1] for bar in bars], [[0.7, 0.85], [0.4, 0.55]])
    (shade,) = [c for c in left.collections if c.get_label() == "above the noise ceiling"]
    assert shade.get_paths()[0].vertices[:, 1].min() == 0.95
    assert drawn[0].legends[0].get_texts()[0].get_text() == "botan, 95 % interval"


def test_nothing_is_needed_but_a_score(drawn, tmp_path):
    lonely = record(times=(5.2,), scores=(None,))
    lonely["conditions"][0] |= {
        "tau_alpha": None, "ceiling": {"pearson_a": None}, "floors": [], "reported": [],
    }  # fmt: skip
    draw_scores(lonely, TASK, tmp_path / "scores.png")
    assert [text.get_text() for text in drawn[0].axes[0].get_xticklabels()] == ["5.2"]


@pytest.fixture
def structure():
    generator = np.random.default_rng(0)
    return Structure(
        positions=generator.uniform(-2, 12, (1000, 3)),
        species=(np.arange(1000) % 5 == 0).astype(np.int8),
        box=np.array([10.0, 9.0, 8.0]),
    )


def test_a_slice_shows_the_same_particles_in_the_same_colours_twice(drawn, structure, tmp_path):
    truth = np.random.default_rng(1).uniform(size=1000)
    panels = {"true": truth, "predicted": 2 * truth}
    draw_slice(structure, panels, TASK, "BOTAN", tmp_path / "slice.png")
    panels = [axis for axis in drawn[0].axes if axis.get_title() in ("true", "predicted")]
    true, predicted = [
        next(c for c in axis.collections if isinstance(c, EllipseCollection)) for axis in panels
    ]
    thickness = (10 * 9 * 8 / 1000) ** (1 / 3)
    inside = np.abs(structure.positions[:, 2] % 8 - 4) < thickness / 2
    np.testing.assert_allclose(true.get_offsets(), (structure.positions % [10, 9, 8])[inside, :2])
    np.testing.assert_array_equal(true.get_array(), truth[inside])
    np.testing.assert_array_equal(predicted.get_array(), 2 * truth[inside])
    assert true.get_clim() == predicted.get_clim()
    assert panels[0].get_xlabel() == r"x ($σ_{AA}$)"
    assert drawn[0].axes[-1].get_ylabel() == r"propensity ($σ_{AA}$)"


def test_parity_counts_every_particle_within_its_limits(drawn, tmp_path):
    truth = np.random.default_rng(1).uniform(size=(3, 500))
    noisy = truth + np.random.default_rng(2).normal(size=truth.shape) * 0.01
    draw_parity(list(truth), list(noisy), TASK, "BOTAN", tmp_path / "parity.png")
    axis = drawn[0].axes[0]
    (bins,) = [c for c in axis.collections if isinstance(c, QuadMesh)]
    assert 0.99 * truth.size <= np.nansum(bins.get_array().filled(0)) <= truth.size
    assert axis.get_xlim() == axis.get_ylim()
    assert axis.get_xlabel() == r"true propensity ($σ_{AA}$)"
    assert axis.texts[0].get_text() == "Pearson 0.999, pooled\n1500 particles"


def test_values_stored_in_steps_leave_no_empty_stripes(drawn, tmp_path):
    truth = np.round(np.random.default_rng(1).uniform(0.2, 0.6, 20_000) * 128) / 128
    draw_parity([truth], [np.full_like(truth, 0.4)], TASK, "steps", tmp_path / "parity.png")
    (bins,) = [c for c in drawn[0].axes[0].collections if isinstance(c, QuadMesh)]
    filled = np.nonzero((bins.get_array().filled(0) > 0).any(axis=0))[0]
    assert len(filled) > 40 and (np.diff(filled) == 1).all()


def test_a_constant_prediction_is_drawn_and_has_no_pearson(drawn, tmp_path):
    draw_parity([np.arange(9.0)], [np.ones(9)], TASK, "constant", tmp_path / "parity.png")
    assert "undefined" in drawn[0].axes[0].texts[0].get_text()
