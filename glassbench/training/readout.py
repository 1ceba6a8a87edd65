"""The last layer of a network in closed form."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def solve_last_layer(
    layer: nn.Linear, parts: Iterable[tuple[Tensor, Tensor, float]], ridge: float = 1e-6
) -> None:
    """Set a linear layer with one output to the weighted least-squares solution, in place.

    It minimises the sum over parts of weight × mean squared error, to which is added `ridge` times
    the mean square of a feature, so that units which never fire do no harm. Parts are
    features (rows, layer.in_features), targets (rows,) and weight, read one at a time.
    """
    moments = products = None
    for features, targets, weight in parts:
        rows = torch.cat([features, torch.ones_like(features[:, :1])], dim=1).double()
        share = weight / len(rows)
        moment, product = share * rows.T @ rows, share * rows.T @ targets.double()
        moments = moment if moments is None else moments + moment
        products = product if products is None else products + product
    if moments is None:
        raise ValueError("there is no training example to solve the last layer on")
    moments.diagonal().add_(ridge * moments.diagonal()[:-1].mean())
    solution = torch.linalg.solve(moments, products)
    layer.weight.copy_(solution[None, :-1])
    layer.bias.copy_(solution[-1:])
