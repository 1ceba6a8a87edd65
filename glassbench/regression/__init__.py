"""Linear regression of a target on descriptors of each particle's surroundings."""

from .descriptor_model import DescriptorModel
from .moments import Moments, merge, pooled_within
from .ridge import LinearMap, correlations, ridge
from .strength import Group, choose_strength

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
