"""Predictions as they are scored, signed and shipped: rounded, and without what no score counts."""

from __future__ import annotations

import lzma
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract.task import Task
from ..home.files import read_plain_file, write_file
from ..model import Condition, Example
from ..trial.predictions import ConditionPredictions
from ..trial.rotation import TURN
from ..trial.score import counted_items
from ..trial.stages import PREDICTION_FILES, PREDICTIONS_FILE, ROTATION_FILE
from .sandbox.limits import GIB, require

if TYPE_CHECKING:
    from ..datasets.view import View

# Of a robust standard deviation, the part to which a prediction is rounded: a thousandth changes
# no correlation in its sixth digit, and ten bits a number are left to compress.
FINEST = 2.0**-10
MAD_OF_NORMAL = 1.4826
MAX_PREDICTIONS_BYTES = 2 * GIB
PACKED = ".xz"
# Numbers of four bytes, of which the last are alike.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 1, "lp": 2, "pb": 2}]


def spread(values: np.ndarray) -> float:
    """Return 1.4826 median absolute deviations of what deviates; 1 where nothing does."""
    deviations = np.abs(values - np.median(values)) if values.size else values
    deviations = deviations[deviations > 0]
    return MAD_OF_NORMAL * float(np.median(deviations)) if deviations.size else 1.0


def rounded(values: np.ndarray) -> np.ndarray:
    """Return values on a grid of a power of two, at most `FINEST` of their spread apart.

    As float32 where that holds them exactly. Numbers that a float cannot tell from their
    neighbours on the grid stay as they are.
    """
    exact = np.asarray(values, np.float64)
    step = 2.0 ** math.floor(math.log2(spread(exact) * FINEST))
    codes = exact / step
    on_grid = np.where(np.abs(codes) < 2.0**52, np.rint(codes) * step + 0.0, exact)
    with np.errstate(over="ignore"):
        short = on_grid.astype(np.float32)
    return short if np.array_equal(short, on_grid) else on_grid


def as_scored(
    task: Task, view: View, files: Mapping[str, ConditionPredictions]
) -> dict[str, ConditionPredictions]:
    """Return predictions rounded, those that no metric of the task counts left out or zero.

    So written, the predictions of a signed record are small enough to lie beside it, and its
    scores come out again to the last digit; and nothing that no score counts is published.
    """
    return {
        file: {
            condition: dict(_of_condition(task, view, file, condition, by_configuration))
            for condition, by_configuration in predictions.items()
        }
        for file, predictions in files.items()
    }


def _of_condition(
    task: Task,
    view: View,
    file: str,
    condition: str,
    by_configuration: Mapping[str, Mapping[str, np.ndarray]],
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    where = next(c for c in view.conditions("test") if c.name == condition)
    examples = {e.structure.configuration: e for e in view.examples("test", (where,))}
    for name, targets in by_configuration.items():
        example = examples[name.partition(TURN)[0] if file == ROTATION_FILE else name]
        kept = _counted(task, file, where, example)
        yield (
            name,
            {
                target: rounded(
                    np.where(kept[target], values, 0.0) if kept[target].any() else values
                )
                for target, values in targets.items()
                if target in kept
            },
        )


def _counted(
    task: Task, file: str, condition: Condition, example: Example
) -> dict[str, np.ndarray]:
    """Return, by target, the mask of the predictions that some score counts."""
    if file == ROTATION_FILE:
        return {task.target: np.asarray(example.targets[task.target]) > 0}
    counted = counted_items(task, condition, example)
    if task.transfer:
        # The means of a transfer are those of all.
        counted[task.primary_metric.prediction][:] = True
    return counted


def ship(source: Path, target: Path) -> None:
    """Write a file of predictions, compressed, as `target` with `.xz` behind its name."""
    packed = lzma.compress(source.read_bytes(), filters=FILTERS)
    write_file(target.with_name(target.name + PACKED), packed)


def shipped_predictions(folder: Path, digest: str, scratch: Path) -> dict[str, Path]:
    """Return by name the files of predictions of one trial that lie in a folder.

    Compressed ones are unpacked into `scratch`, as far as a limit goes.
    """
    paths = {}
    for file in PREDICTION_FILES:
        name = stored_name(digest, file)
        if (folder / name).is_file() and not (folder / name).is_symlink():
            paths[file] = folder / name
        elif (folder / (name + PACKED)).is_file():
            paths[file] = scratch / name
            decoder = lzma.LZMADecompressor(memlimit=GIB)
            try:
                packed = read_plain_file(folder / (name + PACKED), MAX_PREDICTIONS_BYTES)
                data = decoder.decompress(packed, MAX_PREDICTIONS_BYTES)
            except (lzma.LZMAError, EOFError, MemoryError):
                data = b""
            require(decoder.eof, f"{folder / (name + PACKED)} is broken, or holds too much")
            paths[file].write_bytes(data)
    return paths


def stored_name(digest: str, file: str) -> str:
    """Return the name of a trial's file of predictions in an archive and on the board."""
    return f"{digest}.npz" if file == PREDICTIONS_FILE else f"{digest}.{file}"
