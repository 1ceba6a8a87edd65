"""Figures of a result: scores, a slice of particles, parity, classes; and of a dataset."""

from .canvas import CEILING, FLOORS, MARKERS, MODEL, Picture, new_figure, save_figure
from .dataset import draw_dataset
from .predictions import draw_classes, draw_parity, draw_rotation, draw_slice
from .scores import draw_scores

__all__ = [
    "CEILING", "FLOORS", "MARKERS", "MODEL", "Picture", "draw_classes", "draw_dataset",
    "draw_parity", "draw_rotation", "draw_scores", "draw_slice", "new_figure", "save_figure",
]  # fmt: skip
