"""Training of models that are torch networks."""

from .loop import TrainingFailed
from .settings import TrainingSettings
from .torch_model import TorchModel

__all__ = ["TorchModel", "TrainingFailed", "TrainingSettings"]
