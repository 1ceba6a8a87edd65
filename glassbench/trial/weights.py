"""A fitted model in one file: its arrays as safetensors, and JSON that says what they are.

Nothing in the file is executed when it is read. The code of the model is not in it: where it is
loaded, the same model must be installed, known by the digest of its folder.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from ..contract.errors import UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..home.files import write_file
from ..model import Condition
from .fitted import Fit, FittedModel
from .likeness import Training
from .stages import make_model

SUFFIX = ".safetensors"
FORMAT, KEY = 1, "glassbench"
TEXT = (".json", ".toml", ".txt")


def pack_model(model: FittedModel, out: Path) -> Path:
    """Write a fitted model to one file."""
    tensors: dict[str, np.ndarray] = {}
    fits = []
    for number, (fit, folder) in enumerate(zip(model.fits, model.folders, strict=True)):
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        names = [path.relative_to(folder).as_posix() for path in paths]
        files = {n: _packed(p, f"{number}/{n}", tensors) for n, p in zip(names, paths)}
        conditions = [dict(condition) for condition in fit.conditions]
        fits.append({"seed": fit.seed, "conditions": conditions, "files": files})
    about = {
        "format": FORMAT,
        "model": {"name": model.name, "digest": model.card.digest, "title": model.card.title},
        "task": {"name": model.task.name, "protocol_version": model.task.protocol_version},
        "hyperparameters": dict(model.hyperparameters),
        "training": asdict(model.training),
        "fits": fits,
    }
    write_file(out, save(tensors, metadata={KEY: json.dumps(about, allow_nan=False)}))
    return out


def read_about(path: Path) -> dict[str, Any]:
    """Return what a packed file says of itself; its arrays are not read."""
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[KEY])
    except Exception as error:
        raise UserError(
            f"{path} is no packed model of glassbench, or is cut off: {error}"
        ) from None
    if about.get("format") != FORMAT:
        raise UserError(f"{path} is packed in format {about.get('format')}, this reads {FORMAT}")
    return about


def unpack_model(path: Path, card: ModelCard, task: Task) -> FittedModel:
    """Return the model of a packed file, its arrays read into fresh models of the card."""
    about = read_about(path)
    if about["model"]["digest"] != card.digest:
        raise UserError(
            f"{path} holds {card.name} with the digest {about['model']['digest'][:12]}…, the one "
            f"installed here has {card.digest[:12]}…: install the version that it was packed with"
        )
    if about["task"]["protocol_version"] != task.protocol_version:
        raise UserError(
            f"{path} was trained under protocol {about['task']['protocol_version']} of "
            f"{task.name}, this is {task.protocol_version}"
        )
    fits = []
    with safe_open(path, framework="numpy") as file:
        for entry in about["fits"]:
            model = make_model(card, about["hyperparameters"])
            with tempfile.TemporaryDirectory(prefix="glassbench-") as scratch:
                for name, content in entry["files"].items():
                    _unpacked(Path(scratch), name, content, file)
                model.load(Path(scratch))  # type: ignore[attr-defined]
            conditions = tuple(Condition.of(**c) for c in entry["conditions"])
            fits.append(Fit(entry["seed"], conditions, model))
    training = Training(**about["training"])
    values = about["hyperparameters"]
    return FittedModel(card.reading(values), task, training, values, tuple(fits))


def _packed(path: Path, prefix: str, tensors: dict[str, np.ndarray]) -> Any:
    """Put the arrays of a file among the tensors; return what is to be said of it."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return _plain({name: file[name] for name in file.files}, prefix, tensors)
    if path.suffix in (".pt", ".pth"):
        import torch

        content = torch.load(path, map_location="cpu", weights_only=True)
        return _plain(content, prefix, tensors)
    if path.suffix in TEXT:
        return path.read_text(encoding="utf-8")
    raise UserError(
        f"{path} cannot be packed: a fit is packed where its model saves .npz, .pt or text alone"
    )


def _plain(value: Any, prefix: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return a value of nested dicts as JSON takes it; arrays become references to tensors."""
    if isinstance(value, Mapping):
        return {"dict": [[k, _plain(v, f"{prefix}/{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_plain(v, f"{prefix}/{k}", tensors) for k, v in enumerate(value)]}
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return {"text": value.tolist()}
    if isinstance(value, np.ndarray) or hasattr(value, "detach"):
        torch_tensor = not isinstance(value, np.ndarray)
        array = value.detach().cpu().numpy() if torch_tensor else value
        tensors[prefix] = np.ascontiguousarray(array).reshape(-1)
        return {"tensor": prefix, "shape": list(array.shape), "torch": torch_tensor}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise UserError(f"{prefix} holds a {type(value).__name__}, which cannot be packed")


def _unpacked(folder: Path, name: str, content: Any, file: Any) -> None:
    """Write the file of a fit as its model saved it."""
    path = folder / name
    # The file may come from a stranger.
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"the packed model names a file `{name}` outside its folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in TEXT:
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".npz":
        np.savez(path, **_value(content, file))
    elif path.suffix in (".pt", ".pth"):
        import torch

        torch.save(_value(content, file), path)
    else:
        raise UserError(f"the packed model holds a file `{name}` of no known kind")


def _value(plain: Mapping[str, Any], file: Any) -> Any:
    """Return the value that `_plain` described."""
    ((kind, content), *_) = plain.items()
    if kind == "dict":
        return {key: _value(each, file) for key, each in content}
    if kind == "list":
        return [_value(each, file) for each in content]
    if kind == "text":
        return np.array(content, dtype=np.str_)
    if kind == "tensor":
        array = file.get_tensor(content).reshape(plain["shape"])
        if plain["torch"]:
            import torch

            return torch.from_numpy(array)
        return array
    return content
