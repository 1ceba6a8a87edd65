"""The physics of a dataset: what it states as failed, checks on its arrays, and leaks.

A leak is a structure that stands in two splits: a model must not be tested on what it was
trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..contract.errors import DatasetError
from ..home.cache import current_cache
from ..structure.periodic_box import wrap
from .layout import MISSING
from .manifest import Fault
from .state import State
from .store import Dataset, open_dataset

NEIGHBOURS = 6
# Independent glasses differ by 1e-3 in these means, a copy stored in float32 by 1e-7.
TOLERANCE = 1e-5
CLOSEST_PAIR = 0.35
DENSITY_SPREAD = 0.02
MAXIMUM_BRAGG_PEAK = 0.05
SHORTEST_WAVE = 0.7
# In a glass of N particles the highest of thousands of S(k) / N is some 10 / N.
PARTICLES_FOR_BRAGG = 1000
HALF_DIFFERENCE = "_half_difference"


class Fingerprinted(NamedTuple):
    """One configuration with the numbers by which copies of it are known."""

    state: str
    name: str
    split: str
    fingerprint: np.ndarray

    def __str__(self) -> str:
        return f"{self.name} of {self.state} ({self.split})"


def fingerprint(positions: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return mean and deviation of the distances to the first six neighbours: (12,) float64.

    Distances are in units of the mean spacing (V/N)^(1/d). Shifted, turned, mirrored, scaled
    and renumbered copies of a structure have the same numbers. `positions` (N, d) may lie
    outside the `box` (d,).
    """
    from scipy.spatial import cKDTree

    edges = np.asarray(box, dtype=np.float64)
    wrapped = wrap(positions, edges)
    tree = cKDTree(wrapped, boxsize=edges)
    count = min(NEIGHBOURS, len(wrapped) - 1)
    distances, _ = tree.query(wrapped, k=range(2, count + 2))
    distances /= (edges.prod() / len(wrapped)) ** (1 / len(edges))
    return np.concatenate([distances.mean(axis=0), distances.std(axis=0)])


def copies_across_splits(entries: Iterable[Fingerprinted]) -> Iterator[str]:
    """Yield, for each structure that stands in two splits, a message that names both."""
    ordered = sorted(entries, key=lambda entry: (len(entry.fingerprint), *entry.fingerprint))
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            if len(first.fingerprint) != len(second.fingerprint):
                break
            if second.fingerprint[0] - first.fingerprint[0] > TOLERANCE:
                break
            differ = np.abs(second.fingerprint - first.fingerprint).max() > TOLERANCE
            if first.split != second.split and not differ:
                one, other = sorted((first, second), key=lambda entry: entry.split)
                yield (
                    f"configuration {one} is the same structure as {other}, maybe shifted, turned "
                    "or mirrored: a model would be tested on what it was trained on"
                )


def leaks(dataset: Dataset) -> list[str]:
    """Return which structures of a dataset stand in two splits, in words."""
    entries = []
    for name in dataset.states:
        state = dataset.state(name)
        for index, split in enumerate(state.splits):
            if split == MISSING or split in dataset.closed:
                continue
            positions, box = state.one("positions", index), state.short("box")[index]
            if not (np.isfinite(positions).all() and (box > 0).all()):
                continue  # damaged, which the checks of the physics say
            numbers = fingerprint(positions, box)
            entries.append(Fingerprinted(name, state.configuration_ids[index], split, numbers))
    return list(copies_across_splits(entries))


def _kept_leaks(dataset: Dataset) -> list[str]:
    """Return the leaks of a dataset, looked for once where there is a cache."""
    cache, store = current_cache(), dataset.path.stat()
    if cache is None:
        return leaks(dataset)
    about = (NEIGHBOURS, TOLERANCE, dataset.digest, sorted(dataset.closed))
    key = hashlib.sha256(repr((*about, store.st_size, store.st_mtime_ns)).encode()).hexdigest()
    return cache.get(key, lambda: {"": np.array(leaks(dataset), dtype=np.str_)})[""].tolist()


def stated_failures(dataset: Dataset) -> list[str]:
    """Return what the checks after generation found wrong, as the dataset states it."""
    failures = []
    for name in dataset.states:
        checks = dataset.state(name).attributes.get("checks")
        stated = checks.get("failed", []) if isinstance(checks, dict) else []
        failures += [f"{name}: {reason}" for reason in stated]
    return failures


def refuse_failed(dataset: Dataset, word: str | None = None) -> None:
    """Refuse a dataset whose physics failed or whose splits share a structure.

    The user's word `allow` takes it all the same.
    """
    if word not in (None, "allow"):
        raise DatasetError(f"`failed_checks={word}` is not possible: write `failed_checks=allow`")
    failures = [] if word else [*stated_failures(dataset), *_kept_leaks(dataset)]
    if failures:
        raise DatasetError(
            f"dataset {dataset.path} failed its checks: {'; '.join(failures)}. "
            "Make it again, or take it all the same with failed_checks=allow"
        )


def check_physics(path: Path | str) -> list[Fault]:
    """Repeat the checks that the arrays of a dataset allow; empty where nothing is wrong.

    Every configuration: values are finite, no two particles are closer than 0.35 of their
    mean spacing and, from 1000 particles on, no Bragg peak S(k) / N rises above 0.05 for
    waves longer than 0.7 of it. All configurations of a state: the same composition,
    densities within 2 %, and averages over halves of the trajectories that agree better than
    unrelated ones. No structure stands in two splits, see `leaks`. What the dataset itself
    states as failed is reported too.
    """
    dataset = open_dataset(path)
    faults = [Fault("physics", reason) for reason in stated_failures(dataset)]
    faults += [Fault("leak", message) for message in leaks(dataset)]
    for name in dataset.states:
        reasons = _wrong_in_state(dataset.state(name))
        faults += [Fault("physics", f"{name}: {reason}") for reason in reasons]
    return faults


def _wrong_in_state(state: State) -> Iterator[str]:
    compositions, densities = set(), []
    for index, split in enumerate(state.splits):
        if split == MISSING:
            continue
        identifier = state.configuration_ids[index]
        positions, species = (state.one(name, index) for name in ("positions", "species"))
        box = np.asarray(state.one("box", index), dtype=np.float64)
        yield from (f"{identifier}: {r}" for r in _wrong_in_structure(positions, box))
        compositions.add(tuple(np.bincount(species).tolist()))
        densities.append(len(positions) / box.prod())
    if len(compositions) > 1:
        yield f"the configurations have different compositions, {sorted(compositions)}"
    if densities and max(densities) > (1 + DENSITY_SPREAD) * min(densities):
        yield f"the densities spread from {min(densities):.4g} to {max(densities):.4g}"
    for variable in state.variables:
        if variable.endswith(HALF_DIFFERENCE):
            target = variable.removesuffix(HALF_DIFFERENCE)
            if target in state.variables and "close_pair" not in state.dimensions(variable):
                yield from _wrong_in_halves(state, target)


def _wrong_in_structure(positions: np.ndarray, box: np.ndarray) -> Iterator[str]:
    from ..structure import neighbour_pairs
    from ..structure.pair_distribution import strongest_bragg_peak

    if not (np.isfinite(positions).all() and np.isfinite(box).all() and (box > 0).all()):
        yield "a position or an edge of the box is no finite number"
        return
    spacing = (box.prod() / len(positions)) ** (1 / len(box))
    close = CLOSEST_PAIR * spacing
    wrapped = wrap(positions, box)
    if 2 * close < box.min() and len(neighbour_pairs(wrapped, box, close).senders):
        yield f"two particles are closer than {close:.3g}, {CLOSEST_PAIR} of the mean spacing"
    if len(positions) < PARTICLES_FOR_BRAGG:
        return
    peak = strongest_bragg_peak(wrapped, box, 2 * np.pi / (SHORTEST_WAVE * spacing))
    if peak > MAXIMUM_BRAGG_PEAK:
        yield f"a Bragg peak of S(k)/N = {peak:.2g} exceeds {MAXIMUM_BRAGG_PEAK}: a crystal"


def _wrong_in_halves(state: State, target: str) -> Iterator[str]:
    """Yield the conditions at which averages over two halves of the trajectories are unrelated."""
    kept = [index for index, split in enumerate(state.splits) if split != MISSING]
    means = np.array([state.one(target, index).var(axis=-1) for index in kept])
    differences = np.array(
        [np.square(state.one(target + HALF_DIFFERENCE, index)).mean(axis=-1) for index in kept]
    )
    # The variance of the mean of two halves is signal + noise, that of half their difference noise.
    for place in np.ndindex(means.shape[1:]):
        noise, spread = (v[(slice(None), *place)].mean() for v in (differences, means))
        if not noise < spread:
            yield f"{target} at {list(place)} is noise: its halves differ as unrelated ones do"
