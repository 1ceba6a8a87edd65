"""Train BOTAN as published on published data, with this harness and with pyg_botan.

    python benchmarks/botan_training.py DATA WEIGHTS [--pyg-botan FOLDER] [--seeds 0,1,2]
                                        [--epochs 81] [--precision float32] [--same-steps 20]

DATA has `train/` and `test/` with files `isoconfig_N4096T0.44_1_tc07.npz`, as `small_data/T0.44`
in the public repository of Shiba et al. (2023); WEIGHTS is a folder with `model1.pth`, …, the
`initial_model/` of that repository, of which seed s takes number s + 1, as theirs does. FOLDER is
a checkout of github.com/h3-Open-BDEC/pyg_botan. Both sides: p = 0.4, Adam at 1e-4, gradients
clipped at 1, one configuration an update, random symmetries of the cube.

Prints the Pearson correlation of type A, the mean over the test configurations, after the first
epoch and after every fifth from there. These scores steer nothing: no epoch is chosen by them.
Training is chaotic: in single precision two runs part after a few steps whose only difference is
the order of sums. So --same-steps takes both sides through the same configurations in double
precision, and prints how far their losses and outputs are apart; no other training is done then.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from botan_step import _scatter_stand_in

from glassbench.datasets.pairs import PAIR_CUTOFF, undirected_pairs
from glassbench.metrics import pearson
from glassbench.model import Condition, Example, Run, Structure
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.simulation.generator import generator_of
from glassbench.training.augmentation import draw_matrix

ROOT = Path(__file__).resolve().parents[1]
average_trajectories = generator_of("ka_propensity").isoconfigurational.average_trajectories
CONDITION = Condition.of(temperature=0.44, time=4120)
DENSITY, P, LEARNING_RATE = 1.2, 0.4, 1e-4


def files_of(data: Path, split: str) -> list[Path]:
    """Return the configurations of a split in the order of their numbers."""
    paths = list((data / split).glob("*.npz"))
    if not paths:
        raise SystemExit(f"{data / split} holds no .npz file: give the folder of train/ and test/")
    return sorted(paths, key=lambda path: int(re.search(r"_(\d+)_tc", path.name)[1]))


def read_example(path: Path) -> Example:
    """Return a published configuration with its propensity and pair-distance changes."""
    with np.load(path, allow_pickle=False) as file:
        positions, species, later = file["initial_positions"], file["types"], file["positions"]
    box = np.full(3, (len(positions) / DENSITY) ** (1 / 3))
    pairs = undirected_pairs(positions, box, PAIR_CUTOFF)
    averages = average_trajectories(positions, later, box, pairs)
    structure = Structure(positions, species.astype(np.int8), box, path.stem, pairs=pairs)
    return Example(
        structure,
        CONDITION,
        {
            "propensity": averages.mean["propensity"],
            "pair_distance_change": averages.mean["pair_distance_change"],
        },
    )


def mean_pearson(predictions, examples) -> float:
    """Return the Pearson correlation on type A, averaged over configurations."""
    values = []
    for prediction, example in zip(predictions, examples, strict=True):
        kept = example.structure.species == 0
        values.append(pearson(prediction["propensity"][kept], example.targets["propensity"][kept]))
    return float(np.mean(values))


class Trace:
    """Prints a score after the first epoch and after every fifth from there."""

    def __init__(self, side: str, seed: int) -> None:
        self.head, self.started = f"{side}  seed {seed}", time.perf_counter()

    def __call__(self, epoch: int, score: float) -> None:
        if epoch % 5 == 1:
            seconds = time.perf_counter() - self.started
            print(f"{self.head}  epoch {epoch:3d}  {score:.4f}  {seconds:.0f} s", flush=True)


def make_public_modules_importable(folder: Path) -> None:
    """Let `model` and `load_data` of a checkout of pyg_botan be imported."""
    if "torch_scatter" not in sys.modules:
        try:
            import torch_scatter  # noqa: F401
        except ImportError:
            sys.modules["torch_scatter"] = _scatter_stand_in()
            print("torch_scatter is not installed: its sum is done by scatter_add_")
        sys.path.insert(0, str(folder))


def make_ours(options: argparse.Namespace, seed: int):
    """Return the baseline `botan`, to be trained as published."""
    card = load_model_card(ROOT / "baselines" / "botan")
    changes = {
        "pretrained": str(options.weights / f"model{seed + 1}.pth"),
        "epochs": options.epochs,
        "precision": options.precision,
        "p": P,
        "learning_rate": LEARNING_RATE,
    }
    return load_model_class(card)(**card.hyperparameters | changes)


def train_ours(options: argparse.Namespace, seed: int) -> None:
    """Train the baseline `botan` through the loop of the harness."""
    train, test = ([read_example(p) for p in files_of(options.data, s)] for s in ("train", "test"))
    model = make_ours(options, seed)
    trace = Trace(f"glassbench {options.precision}", seed)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            seed=seed,
            target="propensity",
            symmetry="cubic",
            folder=Path(folder),
            score=mean_pearson,
            report=lambda progress: trace(progress.epoch, progress.validation_score),
            threads=options.threads,
        )
        model.fit(train, test, run)


def train_theirs(options: argparse.Namespace, seed: int) -> None:
    """Train pyg_botan's network on the graphs of its own loader."""
    make_public_modules_importable(options.pyg_botan)
    from load_data import Dataset
    from model import Model

    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(seed)
    train = Dataset(str(options.data / "train" / "*.npz"))
    test = Dataset(str(options.data / "test" / "*.npz"), if_train=False)
    network = Model()
    weights = options.weights / f"model{seed + 1}.pth"
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    trace = Trace("pyg_botan", seed)
    for epoch in range(1, options.epochs + 1):
        for index in torch.randperm(len(train)).tolist():
            graph = train[index]
            nodes, edges = network(graph)
            loss = P * torch.nn.functional.mse_loss(nodes, graph.y)
            loss = loss + (1 - P) * torch.nn.functional.mse_loss(edges, graph.y_edge)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        if epoch % 5 == 1:
            trace(epoch, _score_theirs(network, test))


@torch.no_grad()
def _score_theirs(network: torch.nn.Module, test) -> float:
    values = []
    for index in range(len(test)):
        graph = test[index]
        kept = graph.mask.squeeze(1).numpy()
        nodes = network(graph)[0].squeeze(1).numpy()
        values.append(pearson(nodes[kept], graph.y.squeeze(1).numpy()[kept]))
    return float(np.mean(values))


def take_same_steps(options: argparse.Namespace, seed: int) -> None:
    """Train both sides on the same configurations, turned alike, in double precision."""
    make_public_modules_importable(options.pyg_botan)
    from model import Model

    examples = [read_example(path) for path in files_of(options.data, "train")]
    model = make_ours(options, seed)
    ours, theirs = model.network(3), Model()
    model.initialise(ours, [])
    weights = options.weights / f"model{seed + 1}.pth"
    theirs.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    networks = ours.double(), theirs.double()
    optimisers = [torch.optim.Adam(n.parameters(), lr=LEARNING_RATE) for n in networks]
    generator = np.random.default_rng(seed)
    for step in range(1, options.same_steps + 1):
        number = int(generator.integers(len(examples)))
        example = examples[number]
        inputs = {
            name: value.double() if value.is_floating_point() else value
            for name, value in model.encode(example.structure).items()
        }
        matrix = torch.as_tensor(draw_matrix("cubic", 3, generator), dtype=torch.float64)
        inputs = model.augment(inputs, matrix)
        targets = {name: torch.as_tensor(value) for name, value in example.targets.items()}
        graph = _graph_of(inputs)
        changes = torch.empty(len(inputs["sender"]), dtype=torch.float64)
        changes[inputs["pair_edges"]] = targets["pair_distance_change"][:, None]
        nodes, edges = theirs(graph)
        loss = P * torch.nn.functional.mse_loss(nodes[:, 0], targets["propensity"])
        loss = loss + (1 - P) * torch.nn.functional.mse_loss(edges[:, 0], changes)
        losses = model.loss(ours, inputs, targets), loss
        for network, optimiser, value in zip(networks, optimisers, losses, strict=True):
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        with torch.no_grad():
            apart = model.outputs(ours, inputs)["propensity"] - theirs(graph)[0][:, 0]
        print(
            f"step {step:3d}  configuration {number}  loss {float(losses[0].detach()):.6f}  "
            f"losses apart {abs(float((losses[0] - losses[1]).detach())):.1e}  "
            f"propensities apart {float(apart.abs().max()):.1e}",
            flush=True,
        )


def _graph_of(inputs: dict[str, torch.Tensor]) -> SimpleNamespace:
    """Return the inputs of our network under the names that theirs reads."""
    return SimpleNamespace(
        x=inputs["species"][:, None],
        edge_index=torch.stack([inputs["sender"], inputs["receiver"]]),
        edge_attr=inputs["vectors"],
        batch=None,
    )


def main() -> None:
    """Train each side with each seed, ours first, or both together."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pyg-botan", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--theirs-alone", action="store_true", help="leave our side out")
    parser.add_argument("--same-steps", type=int, default=0, metavar="STEPS")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    if options.same_steps:
        if not options.pyg_botan:
            raise SystemExit("--same-steps compares with pyg_botan: give its folder, --pyg-botan")
        for seed in seeds:
            take_same_steps(options, seed)
        return
    for seed in seeds if not options.theirs_alone else []:
        train_ours(options, seed)
    for seed in seeds if options.pyg_botan else []:
        train_theirs(options, seed)


if __name__ == "__main__":
    main()
