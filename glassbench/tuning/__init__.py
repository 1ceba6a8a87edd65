"""Tuning as plain data: search spaces, suggestions, the journal of a study, its report.

It knows nothing of Ray; `cluster.tune` runs what stands here.
"""

from .journal import Journal, TuningTrial
from .space import Dimension, parse_space
from .study import Study

__all__ = ["Dimension", "Journal", "Study", "TuningTrial", "parse_space"]
