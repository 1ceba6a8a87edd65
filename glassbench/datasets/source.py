"""What a reader of a published format is, and what it hands to the import.

A reader is a module with the names of `Reader`: `readers/NAME.py` in the folder of a task, or
a module that an installed package names. It may define one more:

`pair_slots(source, state, words) -> (int, int)` : how many pairs and close pairs to make room
    for in each configuration, where its states store pairs
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..contract.errors import SourceError
from .layout import SPLITS, StateLayout

# By word of the command line, such as `pair_cutoff`, the numbers that it gives.
Words = Mapping[str, tuple[float, ...]]


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
