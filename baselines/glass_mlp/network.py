"""A narrow network for each species, and what a predicted field has in common with the true one."""

from __future__ import annotations

import itertools

import torch
from torch import nn


class GlassMlp(nn.Module):
    """F - bottleneck - width - width - 1, one network for each species, ELU between layers.

    Features and targets are standardised inside, by species.
    """

    def __init__(self, features: int, bottleneck: int, width: int, species_count: int = 2) -> None:
        super().__init__()
        sizes = (features, bottleneck, width, width, 1)
        self.networks = nn.ModuleList(_layers(sizes) for _ in range(species_count))
        for name, size in (("centre", features), ("scale", features)):
            self.register_buffer(name, torch.ones(species_count, size))
        for name in ("target_centre", "target_scale"):
            self.register_buffer(name, torch.ones(species_count))

    @torch.no_grad()
    def standardise(self, features: torch.Tensor, target: torch.Tensor, species: torch.Tensor):
        """Take means and deviations of features (n, F) and target (n,), by species (n,)."""
        for kind in range(len(self.networks)):
            own, wanted = features[species == kind], target[species == kind]
            if len(own) > 1:
                self.centre[kind] = own.mean(dim=0)
                self.scale[kind] = own.std(dim=0).clamp(min=1e-6)
                self.target_centre[kind] = wanted.mean()
                self.target_scale[kind] = wanted.std().clamp(min=1e-12)

    def reduced(self, target: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return a target (N,) as the networks give it: standardised by species."""
        return (target - self.target_centre[species]) / self.target_scale[species]

    def forward(self, features: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return the standardised target (N,) of particles with features (N, F)."""
        reduced = (features - self.centre[species]) / self.scale[species]
        outputs = torch.stack([network(reduced)[:, 0] for network in self.networks], dim=1)
        return outputs.gather(1, species[:, None])[:, 0]

    def predict(self, features: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return the target (N,) in its own unit."""
        reduced = self(features, species)
        return reduced * self.target_scale[species] + self.target_centre[species]


def _layers(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size, after in itertools.pairwise(sizes):
        layers += [nn.Linear(size, after), nn.ELU()]
    return nn.Sequential(*layers[:-1])


def field_statistics(
    field: torch.Tensor, first: torch.Tensor, second: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the variance of a field (N,) and its mean product over pairs (P,), (P,)."""
    centred = field - field.mean()
    return (centred**2).mean(), (centred[first] * centred[second]).mean()
