"""What every metric asks of its arrays before it computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return the values in float64, or refuse them where any is NaN or infinite."""
    array = np.asarray(values, dtype=np.float64)
    good = np.isfinite(array)
    if not good.all():
        missing = int(np.isnan(array).sum())
        infinite = int(array.size - good.sum()) - missing
        raise ValueError(
            f"{name} has {missing} NaN and {infinite} infinite among {array.size} values: "
            "a metric needs finite ones; find where they arise, or select the defined ones"
        )
    return array


def finite_pair(
    prediction: ArrayLike, target: ArrayLike, axis: int = -1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return prediction and target in float64 with the particles on the last axis.

    Leading dimensions broadcast against each other; the particle axis must be equal.
    """
    arrays = []
    for name, values in (("prediction", prediction), ("target", target)):
        array = finite(name, values)
        if array.ndim == 0:
            raise ValueError(f"{name} is a single number: give an array over particles")
        arrays.append(np.moveaxis(array, axis, -1))
    first, second = arrays
    if first.shape[-1] != second.shape[-1]:
        raise ValueError(
            f"prediction has {first.shape[-1]} values and target {second.shape[-1]} along the "
            "particle axis: give one prediction for each target"
        )
    return first, second


def binary(name: str, labels: ArrayLike) -> NDArray[np.bool_]:
    """Return labels as booleans, or refuse them where any is neither 0 nor 1."""
    array = np.asarray(labels)
    if array.dtype == np.bool_:
        return array
    array = finite(name, array)
    other = array[(array != 0) & (array != 1)]
    if other.size:
        raise ValueError(
            f"{name} has {other.size} values that are neither 0 nor 1, the first is {other[0]}: "
            "turn the target into classes first"
        )
    return array.astype(bool)


def selected(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    masks: Sequence[ArrayLike] | None = None,
) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield prediction and target (..., N_c) of each configuration where its mask (N_c,) is."""
    if masks is None:
        masks = [np.ones(np.shape(target)[-1:], bool) for target in targets]
    counts = {"predictions": len(predictions), "targets": len(targets), "masks": len(masks)}
    if len(set(counts.values())) != 1:
        raise ValueError(f"numbers of configurations differ: {counts}: give one of each for each")
    for index, (prediction, target, mask) in enumerate(
        zip(predictions, targets, masks, strict=True)
    ):
        prediction, target, mask = np.asarray(prediction), np.asarray(target), np.asarray(mask)
        if mask.dtype != np.bool_ or mask.ndim != 1:
            raise ValueError(
                f"configuration {index}: the mask is a {mask.ndim}-dimensional array of "
                f"{mask.dtype}: give one boolean for each particle"
            )
        if prediction.shape[-1:] != mask.shape or target.shape[-1:] != mask.shape:
            raise ValueError(
                f"configuration {index}: prediction {prediction.shape}, target {target.shape} "
                f"and mask {mask.shape} differ in the number of particles, the last axis"
            )
        yield prediction[..., mask], target[..., mask]
