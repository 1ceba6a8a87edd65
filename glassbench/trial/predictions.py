"""The file of predictions: an `.npz` of plain arrays that any framework can write.

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
from pathlib import Path

import numpy as np

from ..contract.errors import UserError
from ..home.files import whole_file

CONFIGURATION = "configuration"
OFFSET = ".offset"

ConditionPredictions = dict[str, dict[str, dict[str, np.ndarray]]]


class PredictionsFileError(UserError):
    """A file of predictions breaks the format; the message names file, array and limit."""


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
        scalars = {name: a for name, a in arrays.items() if a.ndim == 0 and name != CONFIGURATION}
        fields = {name: a for name, a in arrays.items() if name not in scalars}
        condition = prefix or _condition_name(path, scalars)
        predictions[condition] = _unpack(path, condition, fields)
    if not predictions:
        raise PredictionsFileError(f"{path} holds no array: write `configuration` and a target")
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
                raise PredictionsFileError(
                    f"{path}: configuration {configuration} at {condition or 'the condition'} has "
                    f"no `{target}`, others have: predict it for all of them or for none"
                )
            values = np.ascontiguousarray(by_configuration[configuration][target])
            if values.ndim != 1:
                raise PredictionsFileError(
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
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise ValueError("it is a single array")
            for key in archive.files:
                prefix, _, name = key.rpartition("/")
                groups.setdefault(prefix, {})[name] = archive[key]
    except FileNotFoundError:
        raise PredictionsFileError(f"{path} does not exist") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise PredictionsFileError(
            f"{path} is not an .npz of plain arrays ({error}): write it with numpy.savez"
        ) from error
    return groups


def _condition_name(path: Path, scalars: Mapping[str, np.ndarray]) -> str:
    for name, value in scalars.items():
        if value.dtype.kind not in "iuf":
            raise PredictionsFileError(f"{path}: scalar `{name}` is {value!r}, a number is wanted")
    return " ".join(f"{name}={float(value):g}" for name, value in scalars.items())


def _unpack(
    path: Path, condition: str, fields: Mapping[str, np.ndarray]
) -> dict[str, dict[str, np.ndarray]]:
    where = f"{path}, {condition}" if condition else str(path)
    if CONFIGURATION not in fields:
        raise PredictionsFileError(
            f"{where}: the array `{CONFIGURATION}` is missing: it names the configurations"
        )
    names = [str(name) for name in fields[CONFIGURATION].reshape(-1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PredictionsFileError(f"{where}: configuration {twice[0]} stands there twice")
    targets = [n for n in fields if n != CONFIGURATION and not n.endswith(OFFSET)]
    if not targets:
        raise PredictionsFileError(f"{where}: there is no target beside `{CONFIGURATION}`")
    columns = {target: _columns(where, target, fields, len(names)) for target in targets}
    return {
        name: {target: columns[target][row] for target in targets} for row, name in enumerate(names)
    }


def _columns(
    where: str, target: str, fields: Mapping[str, np.ndarray], count: int
) -> list[np.ndarray]:
    """Return a target's array of each configuration."""
    values, offset = fields[target], fields.get(target + OFFSET)
    if values.dtype.kind not in "iuf":
        raise PredictionsFileError(f"{where}: `{target}` holds {values.dtype}, numbers are wanted")
    if offset is None:
        if len(values) != count:
            raise PredictionsFileError(
                f"{where}: `{target}` has the shape {values.shape}, its first axis must have the "
                f"length of `{CONFIGURATION}`, {count}"
            )
        return list(values)
    steps = offset[1:] - offset[:-1]
    if len(offset) != count + 1 or offset[0] != 0 or offset[-1] != len(values) or (steps < 0).any():
        raise PredictionsFileError(
            f"{where}: `{target}{OFFSET}` must rise from 0 to {len(values)} in {count + 1} values"
        )
    return [values[offset[row] : offset[row + 1]] for row in range(count)]
