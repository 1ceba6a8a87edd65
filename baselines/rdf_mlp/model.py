"""The neural network on discretised radial distribution functions (Peng, Yang & Wang 2021)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from glassbench.model import Condition, Example, Predictions, Progress, Run, Structure
from glassbench.structure import particle_pair_distribution

from .network import ACTIVATIONS, RdfNetwork, train_epoch

WEIGHTS_NAME = "weights.pt"


class RdfMlp:
    """Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021): a 40-200-1 network.

    Hyperparameters
    ---------------
    layers, width : hidden layers and their units
    activation : of the units, `relu`, `sigmoid` or `tanh`
    smallest, largest, bins : of the radial distribution function g_i(r), Angstrom
    batch_atoms : atoms of one step
    epochs, learning_rate : of Adam on the mean squared error
    folds : with 2 or more, layers and width are first chosen among `layers_tried` and
        `widths_tried` by cross-validation over the training samples, as in the paper (5);
        0 takes them as they are
    """

    def __init__(
        self,
        layers: int,
        width: int,
        activation: str,
        smallest: float,
        largest: float,
        bins: int,
        batch_atoms: int,
        epochs: int,
        learning_rate: float,
        folds: int,
        layers_tried: Sequence[int],
        widths_tried: Sequence[int],
    ) -> None:
        for name, value in (("layers", layers), ("width", width), ("epochs", epochs)):
            if value < 1:
                raise ValueError(f"{name} {value} is below 1")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is `{activation}`: give {', '.join(ACTIVATIONS)}")
        if folds == 1 or folds < 0:
            raise ValueError(f"folds {folds} must be 0, or 2 at least")
        self.shape, self.activation = (layers, width), activation
        self.grid = (smallest, largest, bins)
        self.batch_atoms, self.epochs, self.learning_rate = batch_atoms, epochs, learning_rate
        self.folds, self.tried = folds, list(itertools.product(layers_tried, widths_tried))
        self.target = ""
        self.module: RdfNetwork | None = None

    @property
    def parameters(self) -> int | None:
        """Return the number of trained parameters, once there is a network."""
        return None if self.module is None else sum(p.numel() for p in self.module.parameters())

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Train on the atoms of `train`, and keep the weights that score best on `valid`."""
        torch.set_num_threads(run.threads)
        self.target = run.target
        samples = [self._atoms(example) for example in train]
        if self.folds:
            self.shape = self._cross_validated(samples, run)
        held_out = [torch.as_tensor(self._features(e.structure)) for e in valid]

        def validate(network: RdfNetwork) -> float | None:
            if run.score is None or not len(valid):
                return None
            predictions = [{self.target: _evaluate(network, atoms)} for atoms in held_out]
            return run.score(predictions, valid)

        self.module = self._train(samples, self.shape, run, validate, run.report)

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the target of every atom of each structure."""
        return [
            {self.target: _evaluate(self.module, torch.as_tensor(self._features(structure)))}
            for structure in structures
        ]

    def save(self, folder: Path) -> None:
        """Write the network's weights and its shape."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = self.module.state_dict()
        content = {"target": self.target, "shape": list(self.shape), "weights": weights}
        torch.save(content, folder / WEIGHTS_NAME)

    def load(self, folder: Path) -> None:
        """Read weights that `save` wrote; nothing in the file is executed."""
        content = torch.load(folder / WEIGHTS_NAME, map_location="cpu", weights_only=True)
        self.target, self.shape = content["target"], tuple(content["shape"])
        self.module = RdfNetwork(self.grid[2], *self.shape, self.activation)
        self.module.load_state_dict(content["weights"])

    def _features(self, structure: Structure) -> np.ndarray:
        """Return g_i(r): (N, bins) float32."""
        smallest, largest, bins = self.grid
        distribution = particle_pair_distribution(
            structure.positions, structure.box, smallest, largest, bins
        )
        return distribution.astype(np.float32)

    def _atoms(self, example: Example) -> tuple[torch.Tensor, torch.Tensor]:
        target = torch.tensor(example.targets[self.target], dtype=torch.float32)
        return torch.as_tensor(self._features(example.structure)), target

    def _cross_validated(self, samples: list, run: Run) -> tuple[int, int]:
        """Return the layers and width with the least error, over folds of whole samples."""
        folds = min(self.folds, len(samples))
        if folds < 2:
            raise ValueError("one training sample cannot be cross-validated: set folds=0")
        errors = {}
        for shape in self.tried:
            total, count = 0.0, 0
            for fold in range(folds):
                rest = [s for k, s in enumerate(samples) if k % folds != fold]
                network = self._train(rest, shape, run)
                for features, target in samples[fold::folds]:
                    wrong = _evaluate(network, features) - target.numpy()
                    total, count = total + float(np.sum(wrong**2)), count + len(wrong)
            errors[shape] = total / count
        return min(errors, key=errors.get)

    def _train(
        self,
        samples: list,
        shape: tuple[int, int],
        run: Run,
        validate: Callable[[RdfNetwork], float | None] = lambda network: None,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> RdfNetwork:
        """Return a network trained from the run's seed, with the weights that validate best."""
        generator = torch.Generator().manual_seed(run.seed)
        features = torch.cat([features for features, _ in samples])
        target = torch.cat([target for _, target in samples])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            network = RdfNetwork(self.grid[2], *shape, self.activation)
        network.standardise(features, target)
        optimiser = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        best_score, best = None, None
        for epoch in range(1, self.epochs + 1):
            loss = train_epoch(network, optimiser, features, target, self.batch_atoms, generator)
            score = validate(network)
            report(Progress(epoch, self.epochs, loss, score, self.learning_rate))
            if score is not None and (best_score is None or score > best_score):
                best_score = score
                best = {name: value.clone() for name, value in network.state_dict().items()}
        if best is not None:
            network.load_state_dict(best)
        return network


@torch.inference_mode()
def _evaluate(network: RdfNetwork, features: torch.Tensor) -> np.ndarray:
    network.eval()
    return network(features).numpy()
