"""What a reader of a published format is, and what it hands to the import.

A reader is a module with the names of `Reader`: `readers/NAME.py` in the folder of a task, or
a module that an installed package names. It may define two more:

`pair_slots(source, state, words) -> (int, int)` : how many pairs and close pairs to make room
    for in each configuration, where its states store pairs
`shared_arrays(source, state, words) -> dict` : arrays of the state as a whole, by name, that
    follow from its training configurations once the splits are known
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from ..contract.errors import SourceError
from .layout import SPLITS, ConfigurationEntry, StateLayout, rank_of_parent

# By word of the command line, such as `pair_cutoff`, the numbers that it gives.
Words = Mapping[str, tuple[float, ...]]
Item = TypeVar("Item")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Problem:
    """One file that could not be used, and why."""

    file: str
    message: str


@dataclass(frozen=True)
class PlannedState:
    """One thermodynamic state of a source, with the files of each configuration.

    Its layout has the splits as published and no room for pairs yet.
    """

    layout: StateLayout
    files: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SourcePlan:
    """What a source holds: root attributes, states, and files that fit no format."""

    attributes: Mapping[str, str]
    states: tuple[PlannedState, ...]
    problems: tuple[Problem, ...] = ()


class Reader(Protocol):
    """The names that a reader defines."""

    # Words of the command line that it takes, `pair_cutoff` or `times.<temperature>`.
    WORDS: tuple[str, ...]

    def plan(self, source: Path, words: Words) -> SourcePlan:
        """Return what a folder, or a single file, holds."""
        ...

    def read(
        self, source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
    ) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
        """Return the arrays of a configuration for `write_configuration`, and what is wrong.

        It runs in other processes; None where no file can be used.
        """
        ...


TEST_FRACTION = 0.25
STATE = re.compile(r"T_?\d+(\.\d+)?")


@dataclass(frozen=True)
class OwnConfiguration:
    """A configuration of a user's own: its files, and what the folders above it say of it."""

    name: str
    parent: str
    split: str
    folders: tuple[str, ...]
    files: tuple[str, ...]


def own_configurations(
    source: Path, endings: tuple[str, ...], single_files: bool = False
) -> list[OwnConfiguration]:
    """Return the configurations of a folder: each a folder of files, or an `.npz` among its like.

    With `single_files` a file among others, or right below a folder of the split or the state, is
    a configuration. Above it stand, as they are there, a folder of its parent sample, `train`,
    `valid` or `test`, and one of its state, such as `T0.64`.
    """
    if not source.is_dir():
        raise SourceError(f"{source} is a file: name the folder that holds the configurations")
    files = [
        file.relative_to(source)
        for file in sorted(source.rglob("*"))
        if file.name.lower().removesuffix(".gz").endswith(endings) and file.is_file()
    ]
    mixed = {file.parent for file in files if file.suffix.lower() != ".npz"}
    if single_files:
        beside = Counter(file.parent for file in files)
        mixed = {folder for folder in mixed if beside[folder] == 1 and _own_names(folder)}
    grouped: dict[Path, list[str]] = defaultdict(list)
    for file in files:
        whole = file.parent if file.parent in mixed else Path(*file.parts[:-1], _stem(file))
        grouped[whole].append(file.as_posix())
    if not grouped:
        raise SourceError(f"{source} holds no file that can be read ({', '.join(endings)})")
    configurations = []
    for whole, members in grouped.items():
        own = _own_names(whole)
        name = "-".join(own) or "configuration"
        split = next((p.lower() for p in whole.parts if p.lower() in SPLITS), "")
        parent = "-".join(own[:-1]) or name
        configurations.append(OwnConfiguration(name, parent, split, whole.parts, tuple(members)))
    return configurations


def _own_names(path: Path) -> list[str]:
    return [p for p in path.parts if p.lower() not in SPLITS and not STATE.fullmatch(p)]


def _stem(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).stem


def first_readable(candidates: Iterable[Item], read: Callable[[Item], Value], what: str) -> Value:
    """Return what is read of the first candidate that can be read, or refuse them all."""
    problems = []
    for one in candidates:
        try:
            return read(one)
        except SourceError as error:
            problems.append(str(error))
    raise SourceError(f"no {what} can be read. First: {problems[0]}")


def own_splits(
    configurations: Sequence[OwnConfiguration], words: Words, state: str
) -> tuple[ConfigurationEntry, ...]:
    """Return the entries of a state: the split of a parent is its folder's, or drawn from names."""
    split_of: dict[str, str] = {}
    for one in configurations:
        known = split_of.setdefault(one.parent, one.split)
        if known != one.split:
            raise SourceError(
                f"sample {one.parent} stands in {known or 'no split'} and in "
                f"{one.split or 'no split'}: all configurations of a sample belong to one"
            )
    free = [parent for parent, split in split_of.items() if not split]
    if free and len(free) < len(split_of):
        raise SourceError(f"{free[0]} stands in none of train, valid and test, others do")
    if len(free) == 1:
        raise SourceError("one sample cannot be split into train and test: give two at least")
    fraction = one_number(words, "test_fraction", TEST_FRACTION)
    ranked = sorted(free, key=lambda parent: rank_of_parent("test", parent))
    tested = ranked[: max(1, round(fraction * len(ranked)))]
    split_of |= {parent: "test" if parent in tested else "train" for parent in free}
    return tuple(
        ConfigurationEntry(one.name, split_of[one.parent], f"{state}-{one.parent}")
        for one in configurations
    )


def own_attributes(**known: str) -> dict[str, str]:
    """Return root attributes of data whose files state little beside what is `known`."""
    unknown = dict.fromkeys(("simulator", "potential", "seeds"), "not stated in the files")
    return unknown | {"licence": "not stated", "citation": "not published"} | known


def called_species(words: Words, species: Sequence[str]) -> dict[str, str]:
    """Return names of species by labels, from words `species.<label>` that give their numbers."""
    start = "species."
    return {
        word.removeprefix(start): species[int(one_number(words, word))]
        for word in words
        if word.startswith(start)
    }


def one_number(words: Words, word: str, otherwise: float | None = None) -> float:
    """Return the single number that a word gives."""
    if word not in words and otherwise is not None:
        return otherwise
    if word not in words:
        raise SourceError(f"`{word}` is not in the files: give it, as {word}=NUMBER")
    values = words[word]
    if len(values) != 1:
        raise SourceError(f"`{word}` is {len(values)} numbers: give one")
    return values[0]


def split_files(source: Path, pattern: str) -> list[tuple[str, Path]]:
    """Return the files that match `pattern` in train, valid and test folders, with their split.

    The folders stand directly in `source` or one or two levels below it; `Train` is `train`.
    """
    if not source.is_dir():
        raise SourceError(f"{source} is no folder: give the folder that holds train and test")
    folders = [
        folder
        for depth in ("*", "*/*", "*/*/*")
        for folder in source.glob(depth)
        if folder.name.lower() in SPLITS and folder.is_dir()
    ]
    files = [(folder.name.lower(), path) for folder in folders for path in folder.glob(pattern)]
    if not files:
        raise SourceError(
            f"{source} holds no {pattern} in folders named train, valid or test: give the folder "
            "that holds them, or sort the files into such folders"
        )
    return sorted(files, key=lambda item: item[1].as_posix())


def refuse_two_splits(state: str, entries: Iterable[tuple[str, str]]) -> None:
    """Refuse a configuration that stands in two splits; `entries` are names with their split."""
    splits: dict[str, str] = {}
    for name, split in entries:
        known = splits.setdefault(name, split)
        if known != split:
            both = " and in ".join(sorted((known, split)))
            raise SourceError(
                f"configuration {name} of {state} stands in {both}: a test configuration must not "
                "be trained on; remove one of the two"
            )
