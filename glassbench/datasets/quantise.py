"""Storing averages as 16-bit integers, at a resolution below their own statistical noise.

A packed value is `stored * quantum + add_offset`, the convention of CF that
xarray decodes by itself. Each entry of the first axis (time) may have a coarser
step, a power-of-two multiple of the quantum. Quanta are powers of two, so that
decoding is exact in every precision and on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.errors import DatasetError

FILL = -32768
OFFSET = 128


@dataclass(frozen=True)
class Packing:
    """How one array is packed: its quantum, a power of two in the array's unit, and the step
    of each entry of the first axis in quanta.
    """

    quantum: float
    multiples: tuple[int, ...]

    def __post_init__(self) -> None:
        for value in (self.quantum, *self.multiples):
            if not (value > 0 and np.isfinite(value) and np.frexp(value)[0] == 0.5):
                raise DatasetError(
                    f"packing step {value} is not a power of two: decoding would not be exact"
                )

    @property
    def add_offset(self) -> float:
        """Decoded value of the stored integer 0; it centres the values in one low byte."""
        return -OFFSET * self.quantum

    @property
    def resolution(self) -> tuple[float, ...]:
        """Step between representable values, per entry of the first axis."""
        return tuple(self.quantum * multiple for multiple in self.multiples)


def packing_for_noise(noise: Sequence[float], fraction: float = 0.2) -> Packing:
    """Return the packing whose steps are just below `fraction` of the noise at each time.

    Rounding to a step q adds a variance q²/12, for fraction 0.2 at most 0.4 % of
    the variance of the noise, the standard error of the averages: for two halves of an
    ensemble the root mean square of half their difference.
    """
    values = np.asarray(noise, dtype=np.float64)
    if values.size == 0 or not (np.isfinite(values) & (values > 0)).all():
        raise DatasetError(f"noise {noise} is not positive at every time: no step can be chosen")
    steps = 2.0 ** np.floor(np.log2(fraction * values))
    quantum = float(steps.min())
    return Packing(quantum, tuple(int(step / quantum) for step in steps))


def pack(values: np.ndarray, packing: Packing) -> np.ndarray:
    """Return `values` (times, ...) as int16; NaN becomes the fill value."""
    if len(values) != len(packing.multiples):
        raise DatasetError(
            f"array has {len(values)} times, its packing has {len(packing.multiples)} steps"
        )
    steps = np.reshape(packing.resolution, (-1,) + (1,) * (values.ndim - 1))
    multiples = np.reshape(packing.multiples, steps.shape)
    stored = np.rint(np.asarray(values, dtype=np.float64) / steps) * multiples + OFFSET
    missing = np.isnan(stored)
    largest = np.max(np.abs(stored), where=~missing, initial=0)
    if largest > 32767:
        raise DatasetError(
            f"value {np.nanmax(np.abs(values)):g} does not fit 16 bits at the quantum "
            f"{packing.quantum:g}: use a larger quantum"
        )
    return np.where(missing, FILL, stored).astype(np.int16)


def unpack(stored: np.ndarray, scale: float, offset: float, fill: int = FILL) -> np.ndarray:
    """Return the float32 values that packed integers stand for; the fill value becomes NaN."""
    values = (stored * np.float64(scale) + offset).astype(np.float32)
    values[stored == fill] = np.nan
    return values
