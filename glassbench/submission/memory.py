"""Whether a model learns, or remembers: fits with other labels, and what its folder carries."""

from __future__ import annotations

import ast
import itertools
import lzma
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.checked import read_toml
from ..contract.errors import printable
from ..contract.folder_digest import counts_for_trials, plugin_files
from ..datasets.physics import Fingerprinted, copies_across_splits, fingerprint
from ..datasets.view import View
from ..home.workspace import Workspace, find_given_files
from ..model import Condition, Example
from .sandbox.bounded import read_arrays
from .sandbox.contents import MAX_FOLDER_BYTES, SOURCES
from .sandbox.limits import SubmissionError, require

# A model that learns nothing may carry this many numbers, as a descriptor of the structure does.
FEW_NUMBERS = 256
BYTES_PER_NUMBER = 4
MOST_SOURCE_BYTES = 4_096  # compressed, names of files included
LONGEST_WORD = 40
# Of its predictions, the part that may be left after training on permuted labels.
MOST_KEPT = 0.5
SUBSET = 4  # one training configuration of so many, and at least one
# Predictions of another fit that are the first ones, but for a factor and an offset, to this part
# of their spread come from what the folder carries: at most two numbers were learnt.
SAME = 0.01

Answers = Sequence[Mapping[str, Mapping[str, np.ndarray]]]


def permuted(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return examples whose labels belong to other particles, or pairs, of the same structure."""
    generator = np.random.default_rng(seed)
    changed = []
    for example in examples:
        orders = {n: generator.permutation(n) for n in map(len, example.targets.values())}
        targets = {name: v[orders[len(v)]] for name, v in example.targets.items()}
        balanced = example.balanced
        if balanced is not None:
            balanced = np.sort(np.argsort(orders[len(example.structure.positions)])[balanced])
        changed.append(replace(example, targets=targets, balanced=balanced))
    return changed


def subset(examples: Sequence[Example]) -> list[Example]:
    """Return the examples of some training configurations, which nobody can foresee."""
    names = sorted({example.structure.configuration for example in examples})
    chosen = set(random.SystemRandom().sample(names, max(1, len(names) // SUBSET)))
    return [example for example in examples if example.structure.configuration in chosen]


def kept_part(before: Answers, after: Answers, target: str) -> tuple[float, float]:
    """Return the slope of predictions after a change on those before, and what it leaves.

    Within each structure. The slope is 1 where the change left them as they were, 0 where they
    have nothing in common. What it leaves is a part of the later ones' spread: 0 where they are
    the former ones but for factor and offset, 1 where they have nothing in common.
    """
    products, squares, later = 0.0, 0.0, 0.0
    for one, other in zip(before, after, strict=True):
        for name, targets in one.items():
            first, second = (np.asarray(t[target], float) for t in (targets, other[name]))
            first, second = first - first.mean(), second - second.mean()
            products += float(first @ second)
            squares += float(first @ first)
            later += float(second @ second)
    if not (squares and later):
        return 0.0, 1.0
    return products / squares, max(0.0, 1 - products / squares * products / later) ** 0.5


def shared_structures(public: View, asked: View, conditions: Sequence[Condition]) -> Iterator[str]:
    """Yield which test structures of a hidden set stand in the public dataset, in words."""

    def fingerprints(view: View, splits: Sequence[str], name: str) -> Iterator[Fingerprinted]:
        for split, condition in itertools.product(splits, conditions):
            for s in view.structures(split, condition):
                numbers = fingerprint(s.positions, s.box)
                yield Fingerprinted(condition.name, s.configuration, name, numbers)

    there = fingerprints(public, ("train", "valid", "test"), "public")
    yield from copies_across_splits([*there, *fingerprints(asked, ("test",), "hidden")])


def refuse_memory(permuted: tuple[float, float], fewer: tuple[float, float], numbers: int) -> None:
    """Refuse a model that predicts alike from other labels and carries enough to remember with.

    Parameters
    ----------
    permuted, fewer : as `kept_part` has them, after training on permuted labels and on a subset
    numbers : that the model's folder carries
    """
    if numbers <= FEW_NUMBERS:
        return
    may = (
        f", and its folder carries {numbers} numbers: it may remember the public labels; verify "
        "with labels= that it cannot know"
    )
    # Turned round or made small, what was remembered is what was remembered.
    require(
        abs(permuted[0]) <= MOST_KEPT and permuted[1] > SAME,
        f"trained on permuted labels it still predicts {100 * permuted[0]:.0f} % of what it "
        f"predicts from the true ones{may}",
    )
    require(
        fewer[1] > SAME,
        f"trained on fewer configurations it predicts the same, but for factor and offset{may}",
    )


def numbers_carried(
    folder: Path,
    hyperparameters: Mapping[str, Any] | None = None,
    workspace: Workspace | None = None,
) -> int:
    """Return how many numbers a model could hold: arrays, text, literals, long sources, names.

    `hyperparameters` are those of its fits, where they are not its card's; files of the workspace
    that they name count as the folder's.
    """
    files = {name: path for name, path in plugin_files(folder) if counts_for_trials(name)}
    values_given = hyperparameters or {}
    for name, value in find_given_files(values_given, workspace).items() if workspace else ():
        files |= {value: Path(value)} if value != values_given[name] else {}
    with _readable("a hyperparameter"):
        values = repr(hyperparameters).encode()
        total = _literals(values)
    words = [*map(str.encode, files), values]
    # Comments can be read too: sources are as long as what they say, and say no more than this.
    words += [path.read_bytes() for path in files.values() if path.suffix in SOURCES]
    beyond = max(0, len(lzma.compress(b"".join(words))) - MOST_SOURCE_BYTES) // BYTES_PER_NUMBER
    for name, path in files.items():
        with _readable(name):
            total += _numbers_in(path)
    return total + beyond


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Refuse what is nested too deeply, or too long, for Python to read or write."""
    try:
        yield
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SubmissionError(
            f"{name} cannot be read: {printable(error, 200) or type(error).__name__}"
        ) from None


def _numbers_in(path: Path) -> int:
    data = path.read_bytes()
    if path.suffix == ".py":
        return _literals(data)
    if path.suffix == ".toml":
        return _literals(repr(read_toml(path)).encode())
    size = len(data)
    if path.suffix == ".npz":
        arrays = read_arrays(data, path.name, MAX_FOLDER_BYTES)
        size = max(size, sum(array.nbytes for array in arrays.values()))
    return -(-size // BYTES_PER_NUMBER)


def _literals(source: bytes) -> int:
    """Return the numbers of a source, and what its texts could hold, docstrings left out."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    comments = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in comments:
            value = node.value
            # A long text, or a long integer, may hold many numbers; words do not.
            text = isinstance(value, str | bytes)
            size = len(value) if isinstance(value, str | bytes) else len(str(value))
            total += size // BYTES_PER_NUMBER if size > LONGEST_WORD else not text
    return total
