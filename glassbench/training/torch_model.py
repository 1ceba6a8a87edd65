"""A model made of a torch network: it says what the network is, the harness does the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ..model import Condition, Example, Predictions, Run, Structure
from .augmentation import draw_matrix
from .checkpoint import CHANGEABLE, adopt_checkpoint, write_tensors
from .encoded import EncodedExamples, Inputs, Tensors, to_device
from .graph_data import batched, turned
from .loop import train_network
from .precision import autocast_for
from .settings import TrainingSettings

WEIGHTS_NAME = "weights.pt"


class NetworkModel:
    """What models of torch networks share: a network, and its weights in a file.

    Attributes
    ----------
    stored : attributes that are saved beside the weights
    """

    stored: tuple[str, ...] = ("dimension", "target")
    module: torch.nn.Module | None = None
    target, dimension = "", 0

    def network(self, dimension: int) -> torch.nn.Module:
        """Return a fresh network for structures in `dimension` dimensions."""
        raise TypeError(f"{type(self).__name__} must define `network`")

    @property
    def parameters(self) -> int | None:
        """Return the number of trained parameters, once there is a network."""
        if self.module is None:
            return None
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)

    def save(self, folder: Path) -> None:
        """Write the network's weights."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: value.cpu() for name, value in self._trained().state_dict().items()}
        content = {name: getattr(self, name) for name in self.stored} | {"weights": weights}
        write_tensors(content, folder / WEIGHTS_NAME)

    def load(self, folder: Path) -> None:
        """Read weights that `save` wrote; nothing in the file is executed."""
        content = torch.load(folder / WEIGHTS_NAME, map_location="cpu", weights_only=True)
        for name in self.stored:
            setattr(self, name, content[name])
        self.module = self.network(self.dimension)
        self.module.load_state_dict(content["weights"])

    def _trained(self) -> torch.nn.Module:
        if self.module is None:
            raise ValueError(
                f"{type(self).__name__} has no network yet: call `fit` or `load` first"
            )
        return self.module


class TorchModel(NetworkModel):
    """Base class of models with a torch network.

    A subclass gives `network`, `encode`, `loss` and `outputs`; the harness gives
    the loop, augmentation, mixed precision, checkpoints, early stopping and progress.
    Hyperparameters named in `TrainingSettings` belong to the loop; a subclass takes
    the others in its own `__init__` and hands the rest on. A hyperparameter `positions`
    (`thermal`, `inherent` or `cage`) says which positions the structures have that it is given.

    Attributes
    ----------
    changeable : hyperparameters that may change while the model is trained, as
        population-based training does by `adopt_checkpoint`
    """

    changeable = CHANGEABLE
    adopt_checkpoint = staticmethod(adopt_checkpoint)

    def __init__(self, positions: str = "thermal", **settings) -> None:
        self.positions = positions
        self.settings = TrainingSettings(**settings)

    def initialise(self, network: torch.nn.Module, examples: EncodedExamples) -> None:
        """Change the fresh network's weights before training, such as to pretrained ones.

        `examples` are those for training, as (inputs, targets).
        """

    def conclude(self, network: torch.nn.Module, examples: EncodedExamples) -> None:
        """Change the trained network's weights after the last epoch."""

    def encode(self, structure: Structure) -> Inputs:
        """Return the network's inputs, on the CPU: tensors by name, or a PyG `Data`.

        Graphs, such as `graph_data` makes them, reach `loss` and `outputs` as a PyG `Batch`:
        all examples of an update in one, their targets one after the other. Tensors by name
        reach them one structure at a time.
        """
        raise TypeError(f"{type(self).__name__} must define `encode`")

    def loss(self, forward: Callable, inputs: Inputs, targets: Tensors) -> torch.Tensor:
        """Return the loss of one structure or batch; `forward` is the network."""
        raise TypeError(f"{type(self).__name__} must define `loss`")

    def outputs(self, forward: Callable, inputs: Inputs) -> Tensors:
        """Return predictions of one structure, or of a batch of one, by target name."""
        raise TypeError(f"{type(self).__name__} must define `outputs`")

    def augment(self, inputs: Inputs, matrix: torch.Tensor) -> Inputs:
        """Return the inputs of the structure turned by `matrix` (d, d).

        Of tensors by name `vectors` (E, d) turn, of a graph the vectors in `edge_attr`.
        """
        if not isinstance(inputs, dict):
            return turned(inputs, matrix)
        return inputs | {"vectors": inputs["vectors"] @ matrix.T}

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Train on `train`, and keep the weights that score best on `valid`."""
        torch.set_num_threads(run.threads)
        torch.manual_seed(run.seed)
        self.target = run.target
        self.dimension = 3 if run.symmetry in ("cubic", "shear_3d") else 2
        if len(train):
            self.dimension = train[0].structure.positions.shape[1]
        self.module = module = self.network(self.dimension).to(run.device)
        settings = self.settings
        examples = EncodedExamples(train, self.encode, run.device)
        self.initialise(module, examples)
        autocast = autocast_for(settings.precision, run.device)

        def augmented(index: int, generator: np.random.Generator) -> tuple[Inputs, Tensors]:
            inputs, targets = examples[index]
            if settings.augment:
                matrix = draw_matrix(run.symmetry, self.dimension, generator)
                inputs = self.augment(inputs, torch.as_tensor(matrix, device=run.device))
            return inputs, targets

        def loss_of(index: int, generator: np.random.Generator) -> torch.Tensor:
            inputs, targets = augmented(index, generator)
            with autocast():
                return self.loss(module, inputs, targets)

        def loss_of_batch(drawn: Sequence[tuple[int, np.random.Generator]]) -> torch.Tensor:
            graphs, targets = zip(*(augmented(*one) for one in drawn))
            with autocast():
                return self.loss(module, *batched(graphs, targets))

        def validate() -> float | None:
            if run.score is None or not len(valid):
                return None
            predictions = [self._predict(example.structure) for example in valid]
            return run.score(predictions, valid)

        graphs = len(train) > 0 and not isinstance(examples[0][0], dict)
        train_network(
            module, len(train), loss_of, validate, settings, run, loss_of_batch if graphs else None
        )
        self.conclude(module, examples)

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return predictions, computed in float32."""
        return [self._predict(structure) for structure in structures]

    @torch.inference_mode()
    def _predict(self, structure: Structure) -> Predictions:
        module = self._trained().eval()
        inputs = to_device(self.encode(structure), next(module.parameters()).device)
        if not isinstance(inputs, dict):
            inputs, _ = batched([inputs])
        outputs = self.outputs(module, inputs)
        return {name: values.float().cpu().numpy() for name, values in outputs.items()}
