"""Training of models that are torch networks."""

from .density_map_model import DensityMapModel
from .graph_data import graph_data
from .loop import TrainingFailed
from .settings import ParticleSettings, TrainingSettings
from .torch_model import TorchModel

__all__ = [
    "DensityMapModel",
    "ParticleSettings",
    "TorchModel",
    "TrainingFailed",
    "TrainingSettings",
    "graph_data",
]
