"""Tables of a file, checked against a model: an error names file, key and the right word."""

from __future__ import annotations

import math
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from .errors import HIDDEN, UserError, did_you_mean, visible

if TYPE_CHECKING:
    from ..metrics.bootstrap import Interval

MAX_BYTES = 2**16
MAX_NESTING = 64
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME_RULE = "up to 64 letters, digits, `_`, `.` and `-`, a letter or digit first"


def _visible_name(name: str) -> str:
    if HIDDEN.search(name):
        raise ValueError(f"the name {visible(name)!r} holds characters that nobody sees")
    return name


# What names a task, a model, a metric, a dataset: never a path.
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
# Who made a model: an empty name is nobody's.
Person = Annotated[
    str, StringConstraints(pattern=r"\S", max_length=300), AfterValidator(_visible_name)
]
Doi = Annotated[str, StringConstraints(pattern=r"^(10\.[0-9]{4,9}/[A-Za-z0-9._;()/:-]{1,200})?$")]
Text = Annotated[str, StringConstraints(max_length=10_000)]
# Lists of a file become tuples, whose members are still held to their type.
Names = Annotated[tuple[Name, ...], Field(strict=False, max_length=1000)]
Texts = Annotated[tuple[Text, ...], Field(strict=False, max_length=1000)]
# The value of a hyperparameter.
Scalar = bool | int | float | Text
Setting = Scalar | Annotated[list[Scalar | list[Scalar]], Field(max_length=10_000)]
Numbers = Annotated[tuple[float, ...], Field(strict=False, max_length=10_000)]
# What pydantic says otherwise, by the type of its error.
RULES = {
    "tuple_type": "a list is wanted",
    "list_type": "a list is wanted",
    "dict_type": "a table is wanted",
    "mapping_type": "a table is wanted",
    "model_type": "a table is wanted",
    "too_short": "name at least one",
    "finite_number": "a finite number is wanted",
    "number": "a number is wanted",
}


class Checked(BaseModel):
    """A table of a file: no key is unknown, no value is of another type, no number infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path, error: type[UserError] = UserError) -> dict[str, Any]:
    """Return the table of a TOML file of at most `MAX_BYTES`; `error` is what is raised."""
    try:
        # Of a pipe there is no end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileNotFoundError
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise error(f"{path.parent} holds no {path.name}") from None
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror}") from None
    if len(data) > MAX_BYTES:
        raise error(f"{path} is longer than {MAX_BYTES} bytes: a page of text is wanted")
    try:
        # An editor on Windows may have put a byte-order mark in front.
        table = tomllib.loads(data.decode("utf-8-sig"))
        # Dotted keys nest without recursion.
        if nesting(table) > MAX_NESTING:
            raise RecursionError
        return table
    except RecursionError:
        raise error(f"{path} is not valid TOML: it is nested too deeply") from None
    except UnicodeDecodeError:
        raise error(f"{path} is no text in UTF-8: save it as UTF-8") from None
    except ValueError as problem:
        raise error(f"{path} is not valid TOML: {problem}") from problem


def nesting(value: Any) -> int:
    """Return how many lists and objects lie in one another in a value of JSON or TOML."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        level = [v for inner in level for v in (inner.values() if type(inner) is dict else inner)]
        depth += 1
    return depth


def checked(
    model: type[Model],
    plain: Any,
    where: str | Path,
    error: type[UserError] = UserError,
    separator: str = ".",
    **given: Any,
) -> Model:
    """Return plain values of a file as a model, with the attributes `given` besides.

    The error names `where`, such as the path of the file, the key (those of nested tables with
    the separator between), the value and the nearest right word.
    """
    try:
        for key in given:
            if isinstance(plain, Mapping) and key in plain:
                raise error(f"{where}: unknown key `{key}`{did_you_mean(key, _keys(model))}")
        return model.model_validate({**plain, **given} if given else plain)
    except ValidationError as problem:
        raise error(f"{where}: {_explained(model, problem, separator)}") from None


def _explained(model: type[BaseModel], problem: ValidationError, separator: str) -> str:
    """Return the most telling of the errors; a misspelt key also makes another one missing."""
    errors = problem.errors(include_url=False)
    first = min(errors, key=lambda each: each["type"] != "extra_forbidden")
    steps, kind, context = first["loc"], first["type"], first.get("ctx", {})
    if steps[-1:] == ("int",):
        # The first that `int | float` tries.
        steps, kind = steps[:-1], "number"
    place = separator.join(str(step) for step in steps)
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return f"key `{place}` is missing: add it"
    if kind == "extra_forbidden":
        inner = _model_at(model, steps[:-1])
        hint = did_you_mean(str(steps[-1]), _keys(inner)) if inner is not None else ""
        return f"unknown key `{place[:200]}`{hint}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        return f"`{place}` is {_shown(first['input'])}{did_you_mean(str(first['input']), known)}"
    if kind == "string_pattern_mismatch" and context["pattern"] == NAME_PATTERN:
        return f"`{place}` is {_shown(first['input'])}: a name has {NAME_RULE}"
    rule = RULES.get(kind) or first["msg"].replace("Input should", "it should")
    return f"`{place}` is {_shown(first['input'])}: {rule}" if place else rule


def _keys(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _model_at(annotation: Any, steps: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that keys lead to, None where a message can name no right word."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not steps:
            return annotation
        field = annotation.model_fields.get(str(steps[0]))
        return _model_at(field.annotation, steps[1:]) if field is not None else None
    inner = get_args(annotation)
    is_container = getattr(annotation, "__origin__", None) in (list, tuple, dict, Mapping)
    models = [_model_at(each, steps[1:] if is_container else steps) for each in inner]
    return next((each for each in models if each is not None), None)


def finite(value: float | None) -> float | None:
    """Return the value, None where a file would hold NaN or infinity."""
    return None if value is None or not math.isfinite(value) else float(value)


def finite_ends(interval: Interval) -> list[float] | None:
    """Return low and high end of one interval, None where either is not finite."""
    ends = [float(interval.low), float(interval.high)]
    return ends if all(map(math.isfinite, ends)) else None
