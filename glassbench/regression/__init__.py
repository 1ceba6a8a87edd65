"""Linear regression of a target on descriptors of each particle's surroundings."""

from .descriptor_model import DescriptorModel
from .moments import Moments, merge, pooled_within
from .ridge import Group, LinearMap, choose_strength, correlations, ridge

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
