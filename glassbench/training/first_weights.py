"""The weights that a network starts from."""

from __future__ import annotations

from torch import nn


def draw_as_sonnet(network: nn.Module) -> None:
    """Draw the weights of all linear layers as Sonnet does, in place; torch's own are smaller.

    A truncated normal distribution of variance 1 / inputs, cut at two standard deviations, and no
    bias. Bapst et al., Nat. Phys. 16, 448 (2020) trained their graph network from such weights:
    with torch's third of that variance what tells particles of one species apart is lost on the
    way through the rounds.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            deviation = layer.in_features**-0.5
            nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            nn.init.zeros_(layer.bias)
