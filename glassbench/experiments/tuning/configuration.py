"""A configuration file: hyperparameters in TOML, with how they were found.

    task = "NAME"
    model = "NAME"

    [hyperparameters]
    rounds = 2

    [tuning]
    trials = 8

`[tuning]` is that of a record; a file written by hand has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from ...contract.checked import Checked, Text, checked, read_toml
from ...contract.errors import UserError
from ...contract.model_card import ModelCard
from ...contract.task import Task
from ...home.files import write_file
from ...record.record import Tuning


class Configuration(Checked):
    """What a configuration file says."""

    path: Annotated[Path, Field(exclude=True)]
    task: Text
    model: Text
    hyperparameters: Mapping[str, Any]
    dataset: Text = ""
    tuning: Tuning | None = None

    @field_validator("tuning", mode="before")
    @classmethod
    def _complete(cls, tuning: Any) -> Any:
        """TOML has no null, and older files name no changes."""
        both = isinstance(tuning, Mapping)
        return {"validation_score": None, "changed": [], **tuning} if both else tuning

    def is_of(self, card: ModelCard) -> bool:
        """Return whether it is of a model, which it may name by its folder."""
        return Path(self.model).name in (card.name, card.folder.name)

    def refuse_other(self, task: Task, cards: Sequence[ModelCard]) -> None:
        if Path(self.task).name != task.name or not any(map(self.is_of, cards)):
            raise UserError(
                f"{self.path} is for {self.model} on {self.task}, which is not asked about: leave "
                "`config=` out, or take another file"
            )

    def statement(self, hyperparameters: Mapping[str, Any]) -> Tuning | None:
        """Return what the record of a run with these hyperparameters says about its tuning."""
        if self.tuning is None:
            return None
        own = self.hyperparameters
        changed = [name for name, value in hyperparameters.items() if own.get(name) != value]
        return self.tuning | {"changed": sorted(changed)}


def read_configuration(path: Path) -> Configuration:
    """Return what a configuration file says; the error names the file and the key."""
    if not path.exists():
        raise UserError(f"there is no configuration file at {path}: `glassbench tune` writes one")
    return checked(Configuration, read_toml(path, UserError), path, UserError, path=path)


def write_configuration(path: Path, configuration: Mapping[str, Any], comment: str) -> Path:
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [f"{key} = {_value(v)}" for key, v in configuration.items() if isinstance(v, str)]
    for key in ("hyperparameters", "tuning"):
        if configuration.get(key) is not None:
            lines += ["", f"[{key}]"]
            lines += [f"{k} = {_value(v)}" for k, v in configuration[key].items() if v is not None]
    write_file(path, "\n".join(lines) + "\n")
    return path


def _value(value: Any) -> str:
    if isinstance(value, bool | str):
        # JSON's `true` and its strings are TOML's as well, but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    return "[" + ", ".join(map(_value, value)) + "]"
