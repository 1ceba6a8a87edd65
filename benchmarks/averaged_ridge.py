"""Score the non-neural baselines on a folder of BOTAN's published files.

The folder has `train/` and `test/` with files `isoconfig_N4096T0.44_1_tc07.npz`, as in
the public repository of Shiba et al. (2023), `small_data/`:

    python benchmarks/averaged_ridge.py ../shared/data/botan_small
    python benchmarks/averaged_ridge.py FOLDER averaged_ridge rounds=3

Prints, for each model, the Pearson correlation of type A (by test configuration and
their mean) and B, that of type A by cross-validation within training, by which
hyperparameters are chosen, and the seconds on the clock and of the processor that
descriptors, fitting and prediction took together. Linear algebra runs on one thread.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from glassbench.metrics import pearson
from glassbench.model import Condition, Example, Run, Structure
from glassbench.plugins.registry import load_model_card, load_model_class

MODELS = (
    "averaged_ridge",
    "neighbour_count_ridge",
    "local_energy",
    "local_density",
    "number_of_neighbours",
)
CONDITION = Condition.of(temperature=0.44, time=4120)


def read_example(path: Path, box_edge: float) -> Example:
    """Return one published configuration with its propensity."""
    with np.load(path, allow_pickle=False) as file:
        positions, species = file["initial_positions"], file["types"]
        propensity = np.mean(
            [np.linalg.norm(later - positions, axis=1) for later in file["positions"]], axis=0
        )
    structure = Structure(
        positions=positions,
        species=species.astype(np.int8),
        box=np.full(3, box_edge),
        configuration=path.stem,
    )
    return Example(structure, CONDITION, {"propensity": propensity})


def read_split(folder: Path, split: str, box_edge: float) -> list[Example]:
    """Return the configurations of a split in the order of their numbers."""
    paths = sorted((folder / split).glob("*.npz"), key=_number)
    if not paths:
        raise SystemExit(f"{folder / split} holds no .npz file: give BOTAN's small_data folder")
    return [read_example(path, box_edge) for path in paths]


def _number(path: Path) -> int:
    return int(re.search(r"_(\d+)_tc", path.name)[1])


def measure(name: str, words: list[str], train: list[Example], test: list[Example]) -> str:
    """Fit and score one model and return its line of the table."""
    card = load_model_card(name)
    overrides = dict(word.split("=", 1) for word in words)
    model = load_model_class(card)(
        **card.hyperparameters_for("ka_propensity", "published", overrides)
    )
    reports = []
    started, cpu_started = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(0, "propensity", "cubic", Path(scratch), (CONDITION,), report=reports.append)
        model.fit(train, [], run)
    answers = model.predict([example.structure for example in test], CONDITION)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    scores = np.array(
        [
            [
                pearson(answer["propensity"][of], example.targets["propensity"][of])
                for of in (example.structure.species == 0, example.structure.species == 1)
            ]
            for answer, example in zip(answers, test, strict=True)
        ]
    )
    by_configuration = " ".join(f"{score:6.3f}" for score in scores[:, 0])
    validated = reports[-1].validation_score
    return (
        f"{name:22s} {scores[:, 0].mean():7.4f}  {by_configuration}  {scores[:, 1].mean():7.4f}"
        f"  {'      -' if validated is None else format(validated, '7.4f')} "
        f"{seconds:8.1f} {cpu_seconds:8.1f}  {model.chosen}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", help="one model; all of them unless given")
    parser.add_argument("words", nargs="*", help="hyperparameters of that model, as rounds=3")
    parser.add_argument("--box", type=float, default=15.05658, help="box edge, sigma_AA")
    arguments = parser.parse_args()
    started = time.perf_counter()
    train = read_split(arguments.folder, "train", arguments.box)
    test = read_split(arguments.folder, "test", arguments.box)
    print(
        f"{len(train)} training and {len(test)} test configurations, "
        f"read in {time.perf_counter() - started:.1f} s"
    )
    columns = " ".join(f"{_number(Path(e.structure.configuration)):6d}" for e in test)
    print(f"{'model':22s}  r (A)   {columns}    r (B)    cross   seconds      CPU  strengths")
    for name in [arguments.model] if arguments.model else MODELS:
        print(measure(name, arguments.words, train, test), flush=True)


if __name__ == "__main__":
    main()
