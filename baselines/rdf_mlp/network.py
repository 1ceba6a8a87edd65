"""The fully connected network of the stiffness paper, and its training on atoms."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


class RdfNetwork(nn.Module):
    """Standardised features -> layers of units -> one number (40-200-1 in the paper, ReLU).

    Weights start from the normalised initialisation of Glorot & Bengio (2010).
    """

    def __init__(self, features: int, layers: int, width: int, activation: str = "relu") -> None:
        super().__init__()
        sizes = [features, *[width] * layers]
        steps: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            steps += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
        self.network = nn.Sequential(*steps, nn.Linear(sizes[-1], 1))
        for module in self.network:
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for name, shape in (("mean", features), ("scale", features)):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("target_mean", torch.zeros(()))
        self.register_buffer("target_scale", torch.ones(()))

    def standardise(self, features: torch.Tensor, target: torch.Tensor) -> None:
        """Take mean and deviation of features (M, F) and target (M,); constant ones give 0."""
        self.mean = features.mean(dim=0)
        deviation = features.std(dim=0)
        self.scale = torch.where(deviation > 1e-6, 1 / deviation, torch.zeros_like(deviation))
        self.target_mean, self.target_scale = target.mean(), target.std()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the target (M,) of atoms with features (M, F)."""
        output = self.network((features - self.mean) * self.scale)[:, 0]
        return output * self.target_scale + self.target_mean


def train_epoch(
    network: RdfNetwork,
    optimiser: torch.optim.Optimizer,
    features: torch.Tensor,
    target: torch.Tensor,
    batch_atoms: int,
    generator: torch.Generator,
) -> float:
    """Take one pass over all atoms in batches and return the mean squared error."""
    network.train()
    order = torch.randperm(len(target), generator=generator)
    total = 0.0
    for batch in order.split(batch_atoms):
        optimiser.zero_grad(set_to_none=True)
        errors = network(features[batch]) - target[batch]
        loss = (errors / network.target_scale).square().mean()
        loss.backward()
        optimiser.step()
        total += float(errors.detach().square().sum())
    return total / len(target)
