"""The last layer in closed form is the minimum of the weighted squared errors."""

import numpy as np
import pytest
import torch

from glassbench.training.readout import solve_last_layer


def test_equals_weighted_least_squares_of_numpy():
    generator = np.random.default_rng(0)
    parts = [
        (generator.normal(size=(rows, 5)), generator.normal(size=rows), weight)
        for rows, weight in ((40, 0.4), (300, 0.6))
    ]
    layer = torch.nn.Linear(5, 1, dtype=torch.float64)
    solve_last_layer(layer, [(torch.tensor(x), torch.tensor(y), w) for x, y, w in parts])
    scaled = [np.sqrt(w / len(y)) for _, y, w in parts]
    design = [np.hstack([x, np.ones((len(x), 1))]) * s for (x, _, _), s in zip(parts, scaled)]
    target = [y * s for (_, y, _), s in zip(parts, scaled)]
    expected = np.linalg.lstsq(np.vstack(design), np.concatenate(target), rcond=None)[0]
    np.testing.assert_allclose(layer.weight.detach().numpy()[0], expected[:-1], atol=1e-5)
    np.testing.assert_allclose(layer.bias.item(), expected[-1], atol=1e-5)


def test_a_feature_that_never_fires_does_no_harm():
    features = torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    layer = torch.nn.Linear(2, 1)
    solve_last_layer(layer, [(features, torch.tensor([3.0, 5.0, 7.0]), 1.0)])
    torch.testing.assert_close(
        layer(features)[:, 0], torch.tensor([3.0, 5.0, 7.0]), atol=1e-4, rtol=0
    )


def test_no_part_is_refused():
    with pytest.raises(ValueError, match="no training example"):
        solve_last_layer(torch.nn.Linear(2, 1), [])
