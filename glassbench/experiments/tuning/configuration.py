"""A configuration file: hyperparameters in TOML, with how they were found.

    task = "NAME"
    model = "NAME"

    [hyperparameters]
    rounds = 2

    [tuning]
    trials = 8

`[tuning]` holds what `tuning_statement` returns; a file written by hand has none.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...contract.errors import UserError
from ...contract.suggest import did_you_mean
from ...home.files import write_file

KEYS = {"task": str, "model": str, "dataset": str, "hyperparameters": dict, "tuning": dict}


class ConfigurationError(UserError):
    """A configuration file is missing or wrong; the message names it and the key."""


@dataclass(frozen=True)
class Configuration:
    """What a configuration file says.

    Attributes
    ----------
    tuning : as the field `tuning` of a record, None for a file without it
    """

    path: Path
    task: str
    model: str
    hyperparameters: Mapping[str, Any]
    dataset: str = ""
    tuning: Mapping[str, Any] | None = None

    def statement(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what the record of a run with these hyperparameters says about its tuning."""
        if self.tuning is None:
            return None
        own = self.hyperparameters
        changed = [name for name, value in hyperparameters.items() if own.get(name) != value]
        return {"validation_score": None, **self.tuning, "changed": sorted(changed)}


def read_configuration(path: Path) -> Configuration:
    """Return what a configuration file says.

    Raises
    ------
    ConfigurationError
        If it is missing, is no TOML, or has a key that is unknown, missing or of the wrong kind.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no configuration file at {path}: `glassbench tune` writes one"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no TOML file: {error}") from None
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigurationError(f"{path}: unknown key `{key}`{did_you_mean(key, KEYS)}")
        if not isinstance(value, KEYS[key]):
            raise ConfigurationError(
                f"{path}: `{key}` is {value!r}: {KEYS[key].__name__} is wanted"
            )
    for key in ("task", "model", "hyperparameters"):
        if key not in table:
            raise ConfigurationError(f"{path}: key `{key}` is missing: add it")
    return Configuration(path=path, **table)


def write_configuration(path: Path, configuration: Mapping[str, Any], comment: str) -> Path:
    """Write a configuration file so that it appears whole.

    Parameters
    ----------
    comment : its first lines
    """
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [f"{key} = {_value(v)}" for key, v in configuration.items() if isinstance(v, str)]
    for key in ("hyperparameters", "tuning"):
        if configuration.get(key) is not None:
            lines += ["", f"[{key}]"]
            lines += [f"{k} = {_value(v)}" for k, v in configuration[key].items() if v is not None]
    write_file(path, "\n".join(lines) + "\n")
    return path


def _value(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool | str):
        # JSON's `true` and its strings are TOML's as well, but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    return "[" + ", ".join(map(_value, value)) + "]"
