"""A network so small that it trains in a moment, with dropout, on the neighbours of a particle."""

import numpy as np
import torch

from glassbench.training import TorchModel

RADII = (1.1, 1.4, 2.0)


class Crowding(TorchModel):
    """One hidden layer on how many neighbours lie within each of three radii."""

    def __init__(self, width, **settings):
        super().__init__(**settings)
        self.width = width

    def network(self, dimension):
        layers = torch.nn.Linear(len(RADII) + 1, self.width), torch.nn.Tanh()
        return torch.nn.Sequential(*layers, torch.nn.Dropout(0.1), torch.nn.Linear(self.width, 1))

    def encode(self, structure):
        vectors = structure.positions[:, None] - structure.positions[None]
        vectors -= structure.box * np.round(vectors / structure.box)
        distances = np.linalg.norm(vectors, axis=-1)
        counts = [(distances < radius).sum(axis=1) / radius**3 for radius in RADII]
        features = np.column_stack([*counts, structure.species])
        return {"features": torch.tensor(features, dtype=torch.float32)}

    def loss(self, forward, inputs, targets):
        found = self.outputs(forward, inputs)[self.target]
        return torch.nn.functional.mse_loss(found, targets[self.target])

    def outputs(self, forward, inputs):
        return {self.target: forward(inputs["features"])[:, 0]}
