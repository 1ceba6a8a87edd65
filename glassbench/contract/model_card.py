"""The contract of `model.toml`: who made a model, what it reads, and its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, InstanceOf, ValidationInfo, field_validator

from .checked import Checked, Doi, Name, Names, Person, Setting, Text, checked, read_toml
from .errors import HyperparameterError, did_you_mean
from .folder_digest import folder_digest
from .hyperparameters import Dimension, parse_space, typed_value

RESOURCES = {"cpus": 1.0, "gpus": 0.0}
# What a card may say besides, for plans: memory in GB, and how long a trial takes.
HINTS = ("memory_gb", "minutes")
ANY_DATASET = "any"

Tier = Literal["thermal", "inherent", "cage", "dynamics", "predictions"]
POSITIONS = ("thermal", "inherent", "cage")
Claim = Literal["permutation", "translation", "periodic", "rotation", "reflection"]


class ModelCard(Checked):
    """What `model.toml` says.

    Attributes
    ----------
    entry : `module:Class` inside the folder, such as `model:Botan`
    reads : tiers of input; models that read more are ranked apart, as are `predictions` of
        another program, which nobody can verify. A model that reads no thermal positions is given
        those of the first tier in their place; a hyperparameter `positions` chooses that tier
    checked_by_authors : who of the authors of the method has checked this implementation, and when
    conditions_per_fit : `one`, or `all` for a model that serves all conditions at once
    claims : symmetries that the conformance test may hold the model to
    dependencies : packages beyond those of GlassBench, as pip writes them
    resources : of one trial, of `RESOURCES` and `HINTS`
    hyperparameters : every hyperparameter with its default; the default fixes the type
    defaults : by task and dataset, hyperparameters that differ there
    """

    name: Name
    title: Text
    authors: Annotated[tuple[Person, ...], Field(strict=False, min_length=1, max_length=1000)]
    doi: Doi = ""
    year: Annotated[int, Field(ge=1, le=9999)]
    licence: Text
    checked_by_authors: Text = ""
    entry: Text
    reads: Annotated[tuple[Tier, ...], Field(strict=False, min_length=1)]
    tasks: Annotated[Names, Field(min_length=1)]
    conditions_per_fit: Literal["one", "all"]
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()
    dependencies: Annotated[tuple[Text, ...], Field(strict=False, max_length=1000)] = ()
    resources: Mapping[str, float] = RESOURCES
    hyperparameters: Mapping[str, Setting] = {}
    defaults: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
    search_space: tuple[InstanceOf[Dimension], ...] = ()
    folder: Path = Field(exclude=True, repr=False)

    @cached_property
    def digest(self) -> str:
        """The digest of the model's folder, computed when it is asked for first."""
        return folder_digest(self.folder)

    @field_validator("entry")
    @classmethod
    def _names_a_class(cls, entry: str) -> str:
        module, _, name = entry.partition(":")
        if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
            raise ValueError(f"entry `{entry}` is not `module:Class`, as `model:Botan`")
        return entry

    @field_validator("hyperparameters", mode="before")
    @classmethod
    def _plain_values(cls, values: Any) -> Any:
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if not isinstance(value, bool | int | float | str | list):
                raise ValueError(
                    f"hyperparameter `{name}` is {value!r}: a number, text, true, false or a list "
                    "of these is wanted"
                )
        return values

    @field_validator("resources")
    @classmethod
    def _known_resources(cls, resources: Mapping[str, float]) -> Mapping[str, float]:
        known = (*RESOURCES, *HINTS)
        for name, value in resources.items():
            if name not in known:
                raise ValueError(f"unknown resource `{name}`{did_you_mean(name, known)}")
            if value < 0:
                raise ValueError(f"resource `{name}` is {value!r}, a number >= 0 is wanted")
        return RESOURCES | dict(resources)

    @field_validator("defaults")
    @classmethod
    def _defaults_fit(cls, defaults: Any, info: ValidationInfo) -> Any:
        """Hold `defaults` to the names and types of `hyperparameters`."""
        known = info.data.get("hyperparameters", {})
        for task, datasets in defaults.items():
            for dataset, values in datasets.items():
                section = f"[defaults.{task}.{dataset}]"
                for name, value in values.items():
                    if name not in known:
                        raise ValueError(f"{section} has `{name}`{did_you_mean(name, known)}")
                    try:
                        typed_value(value, known[name])
                    except ValueError as error:
                        raise ValueError(f"{section} `{name}`: {error}") from None
        return defaults

    @field_validator("search_space", mode="before")
    @classmethod
    def _dimensions(cls, tables: Any, info: ValidationInfo) -> Any:
        if not isinstance(tables, Mapping):
            raise ValueError("`search_space` must be tables [search_space.<hyperparameter>]")
        return parse_space(tables, info.data.get("hyperparameters", {}), info.data.get("tasks", ()))

    def reading(self, hyperparameters: Mapping[str, Any]) -> ModelCard:
        """Return the card of the model with these hyperparameters: `positions` says what it reads.

        Raises HyperparameterError where `positions` names no tier of positions.
        """
        if "positions" not in self.hyperparameters:
            return self
        tier = hyperparameters.get("positions", self.hyperparameters["positions"])
        if tier not in POSITIONS:
            raise HyperparameterError(
                f"model.positions of {self.name} is `{tier}`{did_you_mean(str(tier), POSITIONS)}"
            )
        return self.model_copy(update={"reads": (tier, *self.reads[1:])})

    def sections(self, task: str, dataset: str) -> list[str]:
        """Return the sections `[defaults.<task>.…]` that hold on a dataset, the strongest last.

        `any` holds on every dataset of the task, `mini` on `mini_temperatures` too, which is of
        the same size.
        """
        names = dict.fromkeys((ANY_DATASET, dataset.split("_")[0], dataset))
        return [name for name in names if name in self.defaults.get(task, {})]

    def hyperparameters_for(
        self, task: str, dataset: str, overrides: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the hyperparameters of a run: defaults, those of task and dataset, then overrides.

        Overrides are values, or text as on a command line, read as the type of the default.
        """
        chosen = dict(self.hyperparameters)
        for section in self.sections(task, dataset):
            for name, value in self.defaults[task][section].items():
                chosen[name] = typed_value(value, self.hyperparameters[name])
        for name, value in overrides.items():
            if name not in self.hyperparameters:
                raise HyperparameterError(
                    f"model {self.name} has no hyperparameter `{name}`"
                    f"{did_you_mean(name, self.hyperparameters)}"
                )
            try:
                chosen[name] = typed_value(value, self.hyperparameters[name])
            except ValueError as error:
                raise HyperparameterError(f"model.{name} of {self.name}: {error}") from None
        return chosen


def read_model_card(folder: Path) -> ModelCard:
    """Return the card of a model's folder; a UserError says what breaks the contract."""
    return parse_model_card(read_toml(folder / "model.toml"), folder)


def parse_model_card(table: Mapping[str, Any], folder: Path) -> ModelCard:
    """Return the card that a parsed `model.toml` describes."""
    return checked(ModelCard, dict(table), folder / "model.toml", folder=folder)
