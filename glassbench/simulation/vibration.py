"""Vibrations about the mean position, which a model that reads dynamics may see."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def vibration_name(sample: str) -> str:
    """Return the name of the piece that holds the vibrations of a sample or configuration."""
    return f"{sample}-vibration"


def variance_about_mean(displacements: Iterable[np.ndarray]) -> np.ndarray:
    """Return <|u - <u>|^2> (N,) over samples of the displacements u (N, d) of N particles."""
    total, squares, samples = np.zeros(1), np.zeros(1), 0
    for moved in displacements:
        total, squares = total + moved, squares + (moved**2).sum(axis=1)
        samples += 1
    return squares / samples - ((total / samples) ** 2).sum(axis=1)
