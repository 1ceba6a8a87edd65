"""Linear regression of a target on descriptors of each particle's surroundings."""

from .descriptor_model import DescriptorModel
from .ridge import (
    Group,
    LinearMap,
    Moments,
    choose_strength,
    correlations,
    merge,
    pooled_within,
    ridge,
)

__all__ = [
    "DescriptorModel",
    "Group",
    "LinearMap",
    "Moments",
    "choose_strength",
    "correlations",
    "merge",
    "pooled_within",
    "ridge",
]
