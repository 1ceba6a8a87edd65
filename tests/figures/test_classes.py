"""The figures of classes and of rotated structures show what they are given."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.figures import draw_classes, draw_rotation
from glassbench.plugins.registry import load_task


def test_each_class_is_one_distribution(drawn, tmp_path):
    truth = np.array([0.0] * 90 + [1.0] * 10)
    prediction = np.concatenate([np.linspace(0, 0.5, 90), np.linspace(0.4, 1, 10)])
    task = load_task("lj2d_plasticity")
    path = draw_classes(
        [truth[:50], truth[50:]], [prediction[:50], prediction[50:]], task, "t", tmp_path / "c.png"
    )
    assert path.read_bytes()[:4] == b"\x89PNG"
    axis = drawn[0].axes[0]
    heights = [sum(bar.get_height() for bar in bars) for bars in axis.containers]
    assert heights == pytest.approx([1, 1])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "negative, 90 particles",
        "positive, 10 particles",
    ]


@pytest.mark.parametrize("truth", [np.zeros(5), np.ones(5)])
def test_one_class_and_a_constant_prediction_are_drawn_too(tmp_path, truth):
    task = load_task("lj2d_plasticity")
    assert draw_classes([truth], [np.full(5, 0.3)], task, "t", tmp_path / "c.png").exists()


def test_curves_close_after_a_full_turn(drawn, tmp_path):
    degrees = [0.0, 90.0, 180.0, 270.0]
    curves = {
        "configuration": "a@xy",
        "degrees": degrees,
        "particles": [3],
        "values": [[1, 0, 1, 0]],
    }
    probe = {"value": 2.0, "interval": [1.5, 2.5], "curves": curves}
    draw_rotation(probe, "model", tmp_path / "r.png")
    axis = drawn[0].axes[0]
    angle, value = axis.lines[0].get_data()
    assert np.allclose(angle, np.deg2rad([0, 90, 180, 270, 360])) and value[0] == value[-1] == 1
    assert "= 2.000 [1.500, 2.500]" in axis.get_title()


def test_a_probe_without_positives_says_so(drawn, tmp_path):
    curves = {"configuration": "a@xy", "degrees": [0.0, 90.0], "particles": [], "values": []}
    draw_rotation({"value": None, "interval": None, "curves": curves}, "m", tmp_path / "r.png")
    assert "no positive" in drawn[0].axes[0].get_title()
