"""Time, memory and gradients of one BOTAN training step, beside another evaluation of it.

    python benchmarks/botan_step.py [--pyg-botan FOLDER] [--configuration FILE.npz]
                                    [--threads 1,2] [--rounds 7]

A step is forward, loss (p = 0.4), backward, clipping and Adam, on one configuration of
4096 particles with all edges below 2.0. The other evaluation is pyg_botan where FOLDER,
a checkout of github.com/h3-Open-BDEC/pyg_botan, is given, and otherwise the network of
the paper written down plainly below. Same weights, inputs and threads; the variants
take turns, one step each a round, after one round that is not counted. Peak memory and the
first step are measured in a process of their own. Without a configuration a disordered
one is made at the same density.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[1]
DENSITY, CUTOFF, SIDE, P = 1.2, 2.0, 16, 0.4
VARIANTS = OTHER, FLOAT32, BFLOAT16 = "other", "float32", "bfloat16"


def network_module() -> types.ModuleType:
    """Return the module of BOTAN's network, which is a plugin's and on no path."""
    path = ROOT / "baselines" / "botan" / "network.py"
    specification = importlib.util.spec_from_file_location("botan_network", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Graph:
    """A configuration as a graph, with targets of its nodes and edges."""

    species: torch.Tensor
    vectors: torch.Tensor
    sender: torch.Tensor
    receiver: torch.Tensor
    sender_order: torch.Tensor
    displacement: torch.Tensor
    distance_change: torch.Tensor


def read_configuration(path: Path | None) -> Graph:
    """Return the graph of a published configuration, or of a jittered cubic lattice."""
    from glassbench.structure import neighbour_pairs

    generator = np.random.default_rng(0)
    if path is None:
        spacing = DENSITY ** (-1 / 3)
        lattice = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3), axis=-1).reshape(-1, 3)
        positions = (lattice + generator.uniform(-0.3, 0.3, lattice.shape)) * spacing
        species = (generator.random(len(positions)) < 0.2).astype(np.int8)
        later = positions + generator.normal(0, 0.15, (8, *positions.shape))
    else:
        with np.load(path, allow_pickle=False) as file:
            positions, species = file["initial_positions"], file["types"]
            later = file["positions"]
    box = np.full(3, (len(positions) / DENSITY) ** (1 / 3))
    pairs = neighbour_pairs(positions, box, CUTOFF)
    change = np.zeros(len(pairs))
    for snapshot in later:
        vectors = snapshot[pairs.receivers] - snapshot[pairs.senders]
        vectors -= box * np.rint(vectors / box)
        change += np.linalg.norm(vectors, axis=1) - np.linalg.norm(pairs.vectors, axis=1)
    displacement = np.linalg.norm(later - positions, axis=-1).mean(axis=0)
    sender = torch.as_tensor(pairs.senders, dtype=torch.int64)
    return Graph(
        torch.as_tensor(species, dtype=torch.float32),
        torch.as_tensor(pairs.vectors, dtype=torch.float32),
        sender,
        torch.as_tensor(pairs.receivers, dtype=torch.int64),
        torch.argsort(sender, stable=True),
        torch.as_tensor(displacement, dtype=torch.float32),
        torch.as_tensor(change / len(later), dtype=torch.float32),
    )


class PlainBotan(nn.Module):
    """The network as its equations stand: concatenate, multiply, add up."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, species, vectors, sender, receiver):
        network = self.network
        node = first_node = network.node_encoder(species[:, None])
        edge = first_edge = network.edge_encoder(vectors)
        target = receiver[:, None].expand(-1, network.width)
        for _ in range(network.recurrences):
            parts = [node[sender], node[receiver], edge, first_edge]
            edge = network.edge_update(torch.cat(parts, dim=1))
            incoming = torch.zeros_like(node).scatter_add_(0, target, edge)
            node = network.node_update(torch.cat([node, first_node, incoming], dim=1))
        return network.decoder(node).squeeze(1), network.decoder(edge).squeeze(1)


def pyg_botan(folder: Path, network: nn.Module) -> tuple[nn.Module, str]:
    """Return pyg_botan's network with the same weights, and what scatters in it."""
    scatter = "with torch_scatter"
    if importlib.util.find_spec("torch_scatter") is None:
        sys.modules["torch_scatter"] = _scatter_stand_in()
        scatter = "its sum by scatter_add_"
    sys.path.insert(0, str(folder))
    from model import Model

    theirs = Model()
    names = {ours: name for name, ours in network_module().PUBLISHED_NAMES.items()}
    weights = {}
    for name, value in network.state_dict().items():
        part = next((ours for ours in names if name.startswith(ours)), "")
        weights[names.get(part, "") + name.removeprefix(part)] = value
    theirs.load_state_dict(weights)
    return theirs, f"pyg_botan, {scatter}"


def _scatter_stand_in() -> types.ModuleType:
    def scatter(source, index, dim=0, dim_size=None):
        shape = [1] * source.dim()
        shape[dim] = -1
        size = [*source.shape]
        size[dim] = dim_size
        index = index.view(shape).expand_as(source)
        return torch.zeros(size, dtype=source.dtype).scatter_add_(dim, index, source)

    module = types.ModuleType("torch_scatter")
    module.scatter = scatter
    return module


class Variant:
    """One way to take a step: its network, optimiser, inputs in its own order, precision."""

    def __init__(self, name: str, graph: Graph, network: nn.Module, folder: Path | None) -> None:
        self.name = self.label = name
        self.network = copy.deepcopy(network)
        targets = graph.distance_change
        inputs = (graph.species, graph.vectors, graph.sender, graph.receiver)
        if name != OTHER:
            self.forward = lambda: self.network(*inputs, graph.sender_order)
        elif folder is None:
            self.network, self.label = PlainBotan(self.network), "plain evaluation"
            self.forward = lambda: self.network(*inputs)
        else:
            self.network, self.label = pyg_botan(folder, network)
            # pyg_botan lists its edges in the order of the sender.
            order = graph.sender_order
            targets = targets[order]
            data = types.SimpleNamespace(
                x=graph.species[:, None],
                edge_index=torch.stack([graph.sender[order], graph.receiver[order]]),
                edge_attr=graph.vectors[order],
                batch=None,
            )
            self.forward = lambda: [output.squeeze(1) for output in self.network(data)]
        self.targets = (graph.displacement, targets)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-4)

    def backward(self) -> None:
        """Set the gradients of the loss."""
        self.optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.name == BFLOAT16):
            nodes, edges = self.forward()
        loss = P * nn.functional.mse_loss(nodes, self.targets[0])
        loss = loss + (1 - P) * nn.functional.mse_loss(edges, self.targets[1])
        loss.backward()

    def step(self) -> float:
        """Take a training step and return its seconds."""
        begin = time.perf_counter()
        self.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return time.perf_counter() - begin

    def gradient(self) -> torch.Tensor:
        """Return all gradients as one vector, in the order of our parameters."""
        self.backward()
        parts = {}
        for name, parameter in self.network.named_parameters():
            for theirs, ours in network_module().PUBLISHED_NAMES.items():
                name = name.replace(theirs, ours)
            parts[name.removeprefix("network.")] = parameter.grad.double().flatten()
        return torch.cat([parts[name] for name in sorted(parts)])


def measure_alone(options: argparse.Namespace, name: str) -> dict[str, float]:
    """Run `--alone` in a fresh process and return what it printed."""
    command = [sys.executable, __file__, "--alone", name, "--threads", "1"]
    for flag, value in (("--pyg-botan", options.pyg_botan), ("--weights", options.weights)):
        command += [flag, str(value)] if value else []
    if options.configuration:
        command += ["--configuration", str(options.configuration)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def alone(name: str, graph: Graph, network: nn.Module, folder: Path | None) -> None:
    """Print the first step's seconds and the peak memory of four steps above what came before."""
    variant = Variant(name, graph, network, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = variant.step()
    for _ in range(3):
        variant.step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"first": first, "gigabytes": (peak - before) * 1024 / 1e9}))


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    torch.manual_seed(0)
    # Before this process grows: a child's peak memory begins at its parent's.
    memory = {} if options.alone else {name: measure_alone(options, name) for name in VARIANTS}
    module = network_module()
    network = module.load_published(options.weights) if options.weights else module.Botan()
    graph = read_configuration(options.configuration)
    if options.alone:
        torch.set_num_threads(int(options.threads))
        alone(options.alone, graph, network, options.pyg_botan)
        return
    variants = [Variant(name, graph, network, options.pyg_botan) for name in VARIANTS]
    edges = len(graph.sender)
    print(f"{len(graph.species)} particles, {edges} directed edges, {options.rounds} rounds")
    _print_gradients(variants)
    for threads in map(int, options.threads.split(",")):
        torch.set_num_threads(threads)
        rounds = [[variant.step() for variant in variants] for _ in range(options.rounds + 1)][1:]
        _print_table(threads, variants, rounds, memory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pyg-botan", type=Path, help="a checkout of pyg_botan")
    parser.add_argument("--configuration", type=Path, help="a published .npz")
    parser.add_argument("--weights", type=Path, help="published weights to start from")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--alone", choices=VARIANTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _print_gradients(variants: list[Variant]) -> None:
    """Print how far our gradients are from the other's, over all parameters together."""
    reference = variants[0].gradient()
    for variant in variants[1:]:
        distance = (variant.gradient() - reference).norm() / reference.norm()
        print(f"gradient of {variant.label} differs from {variants[0].label} by {distance:.1e}")


def _print_table(threads, variants, rounds, memory) -> None:
    print(f"\n{threads} thread{'s' if threads > 1 else ''}")
    print(f"{'':40s}{'median s':>10s}{'least s':>10s}{'faster':>8s}{'peak GB':>9s}{'first s':>9s}")
    columns = list(zip(*rounds, strict=True))
    reference = statistics.median(columns[0])
    for variant, seconds in zip(variants, columns, strict=True):
        median = statistics.median(seconds)
        alone = memory[variant.name]
        print(
            f"{variant.label:40s}{median:10.3f}{min(seconds):10.3f}{reference / median:8.2f}"
            f"{alone['gigabytes']:9.2f}{alone['first']:9.2f}"
        )


if __name__ == "__main__":
    main()
