"""Words of the command line, `key=value` in any order, as a validated run request.

Lists are written with commas, `seed=0,1,2`; ranges with two dots, `seed=0..4`,
both ends included. On an axis of the task a range takes every value that the
dataset has between its ends, and `all` takes every value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..contract.conditions import AxisChoice
from ..contract.errors import WordError, did_you_mean

KEYS = (
    "task", "target", "model", "dataset", "seed", "epochs", "cluster", "floors", "force", "home",
    "threads", "workers", "config", "failed_checks",
)  # fmt: skip
CLUSTERS = ("auto", "local", "none")
MAX_SEEDS = 1000
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class RunRequest:
    """What `glassbench run` was asked to do, before any dataset is opened.

    None stands for what follows from the task or the machine; axes that are left out follow
    the task. `trained` are values of axes at which to train in place of those tested.
    Hyperparameters are text, read later as the type of each model's default.
    """

    task: str
    models: tuple[str, ...]
    dataset: str | None = None
    axes: Mapping[str, AxisChoice] = field(default_factory=dict)
    trained: Mapping[str, float] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    cluster: str = "auto"
    floors: bool = True
    force: bool = False
    threads: int | None = None
    workers: int = 1
    config: str | None = None
    failed_checks: str | None = None


def split_words(words: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key or not value:
            raise WordError(f"`{word}` is not of the form key=value, as `model=botan`")
        if key in values:
            raise WordError(
                f"`{key}` is given twice, as `{values[key]}` and as `{value}`: "
                f"write a list, `{key}={values[key]},{value}`, or leave one out"
            )
        values[key] = value
    return values


def check_keys(values: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse keys that are not known, with the nearest right words and the list of all."""
    known = tuple(known)
    for key in values:
        if key not in known:
            raise WordError(f"there is no key `{key}`{did_you_mean(key, known)}")


def parse_run(
    values: Mapping[str, str],
    axes: Iterable[str],
    more: Iterable[str] = (),
    not_here: Collection[str] = (),
) -> RunRequest:
    """Return the request that words by key make, as `glassbench run` takes them, for these axes.

    Another command reads `more` keys itself, and refuses those that are `not_here`.
    """
    axes = tuple(axes)
    plain = {k: v for k, v in values.items() if not k.startswith("model.")}
    known = [key for key in KEYS if key not in not_here]
    check_keys(plain, (*known, *more, *axes, "model.<hyperparameter>"))
    for key in ("task", "model"):
        if key not in values:
            raise WordError(f"`{key}=` is missing: `glassbench {key}s` lists what there is")
    return RunRequest(
        task=values["task"],
        models=distinct("model", items_of("model", values["model"])),
        dataset=values.get("dataset"),
        axes={axis: parse_axis(axis, values[axis]) for axis in axes if axis in values},
        trained={
            axis: parse_number(f"train.{axis}", values[f"train.{axis}"])
            for axis in axes
            if f"train.{axis}" in values
        },
        seeds=parse_seeds(values.get("seed", "0")),
        hyperparameters=hyperparameters_of(values),
        cluster=parse_cluster(values.get("cluster", "auto")),
        floors=parse_switch("floors", values.get("floors", "on")),
        force=parse_switch("force", values.get("force", "off")),
        threads=parse_count("threads", values["threads"]) if "threads" in values else None,
        workers=parse_count("workers", values.get("workers", "1")),
        config=values.get("config"),
        failed_checks=values.get("failed_checks"),
    )


def hyperparameters_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the words `model.NAME=` by name; `epochs=` is short for `model.epochs=`."""
    named = {k.removeprefix("model."): v for k, v in values.items() if k.startswith("model.")}
    if "" in named:
        raise WordError("`model.=` names no hyperparameter, as `model.epochs=20` does")
    if "epochs" in values:
        if "epochs" in named:
            raise WordError("`epochs` and `model.epochs` are the same: leave one out")
        named["epochs"] = values["epochs"]
    return named


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of `0,1,2` or `0..4`."""
    seeds: list[int] = []
    for first, last in _ranges("seed", text, _whole):
        if last - first + 1 + len(seeds) > MAX_SEEDS:
            raise WordError(f"`seed={text}` asks for more than {MAX_SEEDS} seeds")
        seeds.extend(range(first, last + 1))
    return distinct("seed", seeds)


def parse_axis(axis: str, text: str) -> AxisChoice:
    """Return what a word asks of an axis: `0.64`, `0.5,0.64`, `0.5..0.64` or `all`."""
    if text == "all":
        return AxisChoice(everything=True)
    ends = _ranges(axis, text, parse_number)
    values = [low for low, high in ends if low == high]
    return AxisChoice(distinct(axis, values), tuple(e for e in ends if e[0] < e[1]))


def _ranges(key: str, text: str, number: Callable[[str, str], Any]) -> list[tuple[Any, Any]]:
    """Return both ends of each item of a list; those of a single value are the same."""
    ends = []
    for item in items_of(key, text):
        low, dots, high = item.partition("..")
        first = number(key, low)
        last = number(key, high) if dots else first
        if last < first:
            raise WordError(f"range `{item}` of `{key}` runs backwards: write `{high}..{low}`")
        ends.append((first, last))
    return ends


def parse_cluster(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text in CLUSTERS or (text.startswith("ray://") and len(text) > len("ray://")):
        return text
    if host and port.isdigit():
        return text
    known = (*CLUSTERS, "<host>:<port>", "ray://<host>:<port>")
    raise WordError(f"`cluster={text}`{did_you_mean(text, known)}")


def parse_switch(key: str, text: str) -> bool:
    from ..contract.hyperparameters import BOOLEANS

    if text.lower() not in BOOLEANS:
        raise WordError(f"`{key}={text}` is neither on nor off")
    return BOOLEANS[text.lower()]


def parse_count(key: str, text: str, least: int = 1) -> int:
    count = _whole(key, text)
    if count < least:
        raise WordError(f"`{key}={text}` is below {least}")
    return count


def items_of(key: str, text: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise WordError(f"`{key}={text}` has an empty place between its commas")
    return items


def distinct(key: str, items: Sequence) -> tuple:
    for index, item in enumerate(items):
        if item in items[:index]:
            raise WordError(f"`{key}` has {item} twice: leave one out")
    return tuple(items)


def _whole(key: str, text: str) -> int:
    # Digits alone: int() would also take `1_000` and other scripts' digits.
    if not (text.isascii() and text.isdigit()):
        raise WordError(f"`{text}` in `{key}` is not a whole number of 0 or more")
    if int(text) > MAX_SEED:
        raise WordError(f"`{text}` in `{key}` is above {MAX_SEED}")
    return int(text)


def parse_number(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise WordError(f"`{text}` in `{key}` is not a number") from None
    if not math.isfinite(value):
        raise WordError(f"`{text}` in `{key}` is not finite")
    return value
