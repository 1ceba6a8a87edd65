"""The predictions of a model: checked as soon as it answers, and their file.

The file is an `.npz` of plain arrays that any framework can write.

One condition: `configuration` (C,) names the configurations, every target is an
array whose first axis follows them, `propensity` (C, N), and every axis of the
task is a scalar, such as `temperature` and `time`. The scalars may be left out
where the condition is given elsewhere.

Several conditions: the same arrays under a prefix that names the condition,
`temperature=0.64 time=16.5/configuration`, `temperature=0.64 time=16.5/propensity`.

Where configurations differ in length (pairs), a target is the concatenation
over configurations, (sum of lengths,), and `<target>.offset` (C + 1,) says where
each begins: `values[offset[c]:offset[c + 1]]`. Particles stand in the order of
the dataset's structures, pairs in the order of `structure.pairs`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import UserError
from ..contract.task import Task
from ..home.files import whole_file
from ..model import Condition, Structure

CONTRACT = "`predict` returns a list with one dict for each structure, arrays by target name"
CONFIGURATION = "configuration"
OFFSET = ".offset"

ConditionPredictions = dict[str, dict[str, dict[str, np.ndarray]]]


class PredictionsError(UserError):
    """Predictions do not fit the structures that were asked about."""


@dataclass(frozen=True)
class Asked:
    """Who is asked about what, and whether the task's target must be predicted."""

    model: str
    task: Task
    condition: Condition
    needs_target: bool = True


def checked_answers(
    answers: Any, structures: Mapping[str, Structure], asked: Asked
) -> dict[str, dict[str, np.ndarray]]:
    """Return what `predict` returned by the names of the structures, each array checked."""
    who = f"model {asked.model} at {asked.condition.name}"
    if isinstance(answers, Mapping | np.ndarray | str | bytes) or not hasattr(answers, "__iter__"):
        raise PredictionsError(f"{who} returned {_kind(answers)} from `predict`: {CONTRACT}")
    listed = list(answers)
    if len(listed) != len(structures):
        raise PredictionsError(
            f"model {asked.model} returned {len(listed)} predictions for "
            f"{len(structures)} structures at {asked.condition.name}: {CONTRACT}"
        )
    return {
        name: checked_answer(answer, structure, asked)
        for (name, structure), answer in zip(structures.items(), listed, strict=True)
    }


def checked_answer(answer: Any, structure: Structure, asked: Asked) -> dict[str, np.ndarray]:
    """Return a model's prediction for one structure as finite arrays of real numbers.

    Arrays of float32 stay what they are; all others become float64, so that no rounding
    makes equal what the model told apart.
    """
    where = (
        f"model {asked.model}, configuration {structure.configuration} at {asked.condition.name}"
    )
    if not isinstance(answer, Mapping):
        raise PredictionsError(f"{where}: the prediction is {_kind(answer)}: {CONTRACT}")
    target = asked.task.target
    if asked.needs_target and target not in answer:
        near = get_close_matches(target.lower(), {str(name).lower() for name in answer}, 1, 0.6)
        meant = [name for name in answer if str(name).lower() in near]
        others = ", ".join(f"`{name}`" for name in answer) or "nothing"
        raise PredictionsError(
            f"{where}: there is no prediction of `{target}`, the target of {asked.task.name}, "
            + (f"but one of `{meant[0]}`: rename it" if meant else f"but of {others}")
        )
    counted = {"particle": structure.positions, "pair": structure.pairs}
    lengths = {
        name: len(items)
        for name, target in asked.task.targets.items()
        if (items := counted.get(target.per)) is not None
    }
    return {
        str(name): _checked_array(values, lengths.get(name), f"{where}: `{name}`")
        for name, values in answer.items()
    }


def _checked_array(values: Any, length: int | None, where: str) -> np.ndarray:
    if np.ma.isMaskedArray(values):
        raise PredictionsError(f"{where} is a masked array: every item needs a number")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise PredictionsError(
            f"{where} is {_kind(values)}, which does not become an array ({reason}): return a "
            "numpy array of real numbers"
        ) from error
    if array.dtype.kind not in "biuf":
        raise PredictionsError(f"{where} holds {array.dtype} values, real numbers are wanted")
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "one axis" if length is None else f"({length},)"
        raise PredictionsError(f"{where} has the shape {array.shape}, {wanted} is wanted")
    small = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    array = array.astype(np.float32 if small else np.float64, copy=False)
    if not np.isfinite(array).all():
        raise PredictionsError(
            f"{where} holds {int((~np.isfinite(array)).sum())} of {array.size} values that are "
            "not finite: every item needs a number"
        )
    return array


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"


def write_predictions(
    path: Path, predictions: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]
) -> str:
    """Write predictions, whole or not at all; return the sha256, the same for equal predictions.

    Parameters
    ----------
    predictions : by `Condition.name`, configuration and target; arrays (N,) or (P,)
    """
    arrays: dict[str, np.ndarray] = {}
    for condition, by_configuration in predictions.items():
        for name, array in _pack(path, condition, by_configuration).items():
            arrays[f"{condition}/{name}" if condition else name] = array
    with whole_file(path) as partial:
        # Not `numpy.savez`, to which a target named `file` is an argument, and which pickles.
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                # A ZipInfo without a date carries 1980-01-01, so that equal arrays are equal bytes.
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
        return predictions_digest(partial)


def read_predictions(path: Path) -> ConditionPredictions:
    """Return the predictions of a file by condition name, configuration and target.

    A file of one condition without scalars has the condition name `""`.
    """
    predictions: ConditionPredictions = {}
    for prefix, arrays in _grouped(path).items():
        single = {name: a for name, a in arrays.items() if a.shape in ((), (1,))}
        scalars = {name: a for name, a in single.items() if name != CONFIGURATION}
        fields = {name: a for name, a in arrays.items() if name not in scalars}
        condition = prefix or _condition_name(path, scalars)
        predictions[condition] = _unpack(path, condition, fields)
    if not predictions:
        raise PredictionsError(f"{path} holds no array: write `configuration` and a target")
    return predictions


def predictions_digest(path: Path) -> str:
    """Return the sha256 of a file of predictions."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(
    path: Path, condition: str, by_configuration: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return the arrays that stand in the file for one condition."""
    configurations = list(by_configuration)
    targets = list(dict.fromkeys(t for fields in by_configuration.values() for t in fields))
    packed = {CONFIGURATION: np.array(configurations, dtype=np.str_)}
    for target in targets:
        columns = []
        for configuration in configurations:
            if target not in by_configuration[configuration]:
                raise PredictionsError(
                    f"{path}: configuration {configuration} at {condition or 'the condition'} has "
                    f"no `{target}`, others have: predict it for all of them or for none"
                )
            values = np.ascontiguousarray(by_configuration[configuration][target])
            if values.ndim != 1:
                raise PredictionsError(
                    f"{path}: `{target}` of configuration {configuration} has the shape "
                    f"{values.shape}, one axis is wanted"
                )
            columns.append(values)
        if len({len(values) for values in columns}) == 1:
            packed[target] = np.stack(columns)
        else:
            packed[target] = np.concatenate(columns)
            lengths = [len(values) for values in columns]
            packed[target + OFFSET] = np.cumsum([0, *lengths], dtype=np.int64)
    return packed


def _grouped(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of a file by prefix; pickled arrays are refused."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    if not path.is_file():
        raise PredictionsError(
            f"{path} is no plain file" if path.exists() else f"{path} is not there"
        )
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no zip file, or is cut off")
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                prefix, _, name = key.rpartition("/")
                groups.setdefault(prefix, {})[name] = array = archive[key]
                if not isinstance(array, np.ndarray):
                    raise ValueError(f"{key} in it is no array")
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise PredictionsError(
            f"{path} is not an .npz of plain arrays ({error}): write `configuration`, names as "
            "text (dtype=str), and the targets, numbers, with numpy.savez"
        ) from error
    return groups


def _condition_name(path: Path, scalars: Mapping[str, np.ndarray]) -> str:
    for name, value in scalars.items():
        if value.dtype.kind not in "iuf":
            raise PredictionsError(f"{path}: `{name}` is {value.item()!r}, a number is wanted")
    return " ".join(f"{name}={value.item():g}" for name, value in scalars.items())


def _unpack(
    path: Path, condition: str, fields: Mapping[str, np.ndarray]
) -> dict[str, dict[str, np.ndarray]]:
    where = f"{path}, {condition}" if condition else str(path)
    if CONFIGURATION not in fields:
        raise PredictionsError(
            f"{where}: the array `{CONFIGURATION}` is missing: it names the configurations"
        )
    names = fields[CONFIGURATION].reshape(-1).astype(np.str_).tolist()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PredictionsError(f"{where}: configuration {twice[0]} stands there twice")
    targets = [n for n in fields if n != CONFIGURATION and not n.endswith(OFFSET)]
    if not targets:
        raise PredictionsError(f"{where}: there is no target beside `{CONFIGURATION}`")
    columns = {target: _columns(where, target, fields, len(names)) for target in targets}
    return {
        name: {target: columns[target][row] for target in targets} for row, name in enumerate(names)
    }


def _columns(
    where: str, target: str, fields: Mapping[str, np.ndarray], count: int
) -> list[np.ndarray]:
    """Return a target's array of each configuration."""
    values, offset = fields[target], fields.get(target + OFFSET)
    if values.dtype.kind not in "biuf":
        raise PredictionsError(f"{where}: `{target}` holds {values.dtype}, numbers are wanted")
    if offset is None:
        if len(values) != count:
            raise PredictionsError(
                f"{where}: `{target}` has the shape {values.shape}, its first axis must have the "
                f"length of `{CONFIGURATION}`, {count}"
            )
        return list(values)
    steps = offset[1:] - offset[:-1]
    if len(offset) != count + 1 or offset[0] != 0 or offset[-1] != len(values) or (steps < 0).any():
        raise PredictionsError(
            f"{where}: `{target}{OFFSET}` must rise from 0 to {len(values)} in {count + 1} values"
        )
    return [values[offset[row] : offset[row + 1]] for row in range(count)]
