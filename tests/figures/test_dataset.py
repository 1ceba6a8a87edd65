"""The figure of a dataset card has a panel for each thing that the dataset holds."""

import numpy as np
import pytest

from glassbench.datasets.store import open_dataset
from glassbench.figures import draw_dataset
from glassbench.home.workspace import content_folder


def labels(figure):
    return [axis.get_ylabel().split(" (")[0] for axis in figure.axes]


def test_a_propensity_dataset_shows_structure_relaxation_targets_and_ceiling(
    drawn, tiny_dataset, tmp_path
):
    path = draw_dataset(open_dataset(tiny_dataset), tmp_path / "card.png")
    assert path.read_bytes().startswith(b"\x89PNG") and [path] == list(tmp_path.iterdir())
    assert labels(drawn[0])[0] == "g(r), all species" and "density" in labels(drawn[0])


def test_the_curves_of_the_embedded_2d_glasses_are_those_of_its_arrays(drawn, tmp_path):
    found = open_dataset(content_folder("tasks") / "lj2d_plasticity" / "mini.zarr.zip")
    draw_dataset(found, tmp_path / "card.png")
    assert labels(drawn[0]) == ["g(r), all species", "shear stress", "share of particles above"]
    distribution, stress, d2min = drawn[0].axes
    state = found.state("quench_1e3")
    chosen = np.flatnonzero(np.array(state.splits) == "train")[:8]
    curves = np.concatenate([state.one("shear_stress", int(index)) for index in chosen])
    np.testing.assert_allclose(stress.lines[0].get_ydata(), curves.mean(axis=0))
    r, g = distribution.lines[0].get_data()
    assert g[r < 0.55].max() == 0 and g[-20:].mean() == pytest.approx(1, abs=0.1)
    values = np.concatenate([state.one("d2min", int(index)) for index in chosen])[:, -1].ravel()
    x, share = d2min.lines[-2].get_data()
    middle = np.argmin(np.abs(share - 0.01))
    assert (values >= x[middle]).mean() == pytest.approx(share[middle], rel=0.02)
