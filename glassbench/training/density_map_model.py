"""A model that looks at the spatial density map of one particle at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from ..model import Condition, Example, Predictions, Run, Structure
from ..structure import DensityMapGrid, density_maps, padded_surroundings, turned_maps
from ..structure.density_map import FAR
from ..structure.symmetry_groups import symmetry_matrices
from .loop import train_on_particles
from .precision import autocast_for
from .settings import ParticleSettings
from .torch_model import NetworkModel

SPECIES = 2
IMAGES_AT_ONCE = 256


class DensityMapModel(NetworkModel):
    """Base class of networks on the density map around a particle, in the frame of the load.

    A subclass gives `network`, from maps (B, 2, G, …) to one number each (B,); the harness
    gives the maps, made on the fly from the vectors to the neighbours, augmentation, loop,
    checkpoints, saving and loading.

    A target of 0 and 1 is learned on the balanced sets by its cross entropy, and its
    probability is predicted; the best epoch is the one of the highest accuracy on the
    balanced validation sets. Any other target is learned on all particles by its mean
    squared error, the best epoch being that of the highest validation score.

    Parameters
    ----------
    cutoff, spacing : of the `DensityMapGrid`, unit of the positions
    settings : those of `ParticleSettings`
    """

    stored = ("target", "symmetry", "dimension", "is_label", "offset", "scale")

    def __init__(
        self, cutoff: float, spacing: float, positions: str = "thermal", **settings
    ) -> None:
        self.positions = positions
        self.grid = DensityMapGrid(cutoff, spacing)
        self.settings = ParticleSettings(**settings)
        self.symmetry, self.is_label, self.offset, self.scale = "none", True, 0.0, 1.0

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Train on the particles of `train`, and keep the weights that are best on `valid`."""
        torch.set_num_threads(run.threads)
        torch.manual_seed(run.seed)
        first = train[0]
        self.dimension = first.structure.positions.shape[1]
        self.target, self.symmetry = run.target, run.symmetry
        self.is_label = first.balanced is not None
        vectors, values = self._particles(train)
        if not self.is_label:
            self.offset, self.scale = float(values.mean()), float(values.std()) or 1.0
            values = (values - self.offset) / self.scale
        self.module = module = self.network(self.dimension).to(run.device)
        symmetries = symmetry_matrices(self.symmetry, self.dimension)
        matrices = torch.as_tensor(symmetries, device=run.device)
        autocast = autocast_for(self._precision(run.device), run.device)
        criterion = binary_cross_entropy_with_logits if self.is_label else mse_loss

        def loss_of(particles: np.ndarray, share: slice, generator: np.random.Generator) -> Tensor:
            chosen = torch.from_numpy(particles[share])
            batch, wanted = vectors[chosen].to(run.device), values[chosen].to(run.device)
            if self.settings.augment:
                drawn = generator.integers(len(matrices), size=len(particles))[share]
                turn = matrices[torch.from_numpy(drawn).to(run.device)]
                batch = torch.einsum("bsnd,bed->bsne", batch, turn)
            maps = density_maps(batch, self.grid)
            with autocast():
                return criterion(module(maps).float(), wanted)

        validate = self._validation(valid, run)
        train_on_particles(module, len(values), loss_of, validate, self.settings, run)

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the probability, or the value, of every particle, computed in float32."""
        self._trained().eval()
        return [{self.target: self._predict(structure)} for structure in structures]

    def _precision(self, device: str) -> str:
        """Return the precision to train in; in space, `auto` is float32 on a CPU.

        The oneDNN of torch 2.13 reads memory that was never written in the weight gradient of
        a bfloat16 Conv3d on a grid of 2 x 2 x 2, where the processor multiplies bfloat16 itself
        (seen on AMD EPYC): two fits then differ, and losses become NaN.
        """
        chosen = self.settings.precision
        wrong = chosen == "auto" and self.dimension == 3 and device.startswith("cpu")
        return "float32" if wrong else chosen

    def _vectors(self, structure: Structure, centres: np.ndarray | None = None) -> Tensor:
        return torch.from_numpy(
            padded_surroundings(
                structure.positions,
                structure.species,
                structure.box,
                self.grid.cutoff,
                centres=centres,
                frame=structure.frame,
                species_count=SPECIES,
            )
        )

    def _particles(self, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """Return vectors (P, S, n, d) and targets (P,) of the particles to learn from."""
        vectors, values = [], []
        for example in examples:
            chosen = example.balanced
            target = np.asarray(example.targets[self.target], dtype=np.float32)
            vectors.append(self._vectors(example.structure, chosen))
            values.append(torch.tensor(target if chosen is None else target[chosen]))
        widest = max(part.shape[2] for part in vectors)
        padded = torch.full(
            (sum(map(len, vectors)), SPECIES, widest, self.dimension), FAR, dtype=torch.float32
        )
        row = 0
        for part in vectors:
            padded[row : row + len(part), :, : part.shape[2]] = part
            row += len(part)
        return padded, torch.cat(values)

    def _validation(self, valid: Sequence[Example], run: Run):
        """Return the function that scores the network on the validation examples."""
        if not len(valid):
            return lambda: None
        if not self.is_label:
            if run.score is None:
                return lambda: None
            condition = valid[0].condition
            structures = [example.structure for example in valid]
            return lambda: run.score(self.predict(structures, condition), valid)
        vectors, labels = self._particles(valid)
        if not len(labels):
            return lambda: None

        def accuracy() -> float:
            return float(((self._evaluate(vectors) > 0.5) == (labels > 0.5)).float().mean())

        return accuracy

    def _predict(self, structure: Structure) -> np.ndarray:
        particles = np.arange(len(structure.positions))
        pieces = [
            self._evaluate(self._vectors(structure, particles[low : low + IMAGES_AT_ONCE]))
            for low in range(0, len(particles), IMAGES_AT_ONCE)
        ]
        return torch.cat(pieces).numpy()

    @torch.inference_mode()
    def _evaluate(self, vectors: Tensor) -> Tensor:
        """Return what is predicted (P,) for particles with these neighbours (P, S, n, d)."""
        module = self._trained()
        device = next(module.parameters()).device
        matrices = symmetry_matrices(self.symmetry, self.dimension)
        matrices = matrices if self.settings.average else np.eye(self.dimension)[None]
        pieces = []
        for low in range(0, len(vectors), IMAGES_AT_ONCE):
            maps = density_maps(vectors[low : low + IMAGES_AT_ONCE].to(device), self.grid)
            outputs = [module(turned_maps(maps, matrix)) for matrix in matrices]
            if self.is_label:
                outputs = [output.sigmoid() for output in outputs]
            pieces.append(torch.stack(outputs).mean(0).cpu())
        return torch.cat(pieces) * self.scale + self.offset
