"""Make the pretrained weights: BOTAN on the pair-distance change of the embedded training data.

    python baselines/botan/pretrain.py [share of the steps, 1 without]

It learns E_ij alone (p = 0), as the paper does on one early time. The last stage adds two later
times, of which a decoder with an output for each time learns, so that the network knows of late
times too; the output for the earliest is kept. From random weights the training rests for
thousands of steps at the mean of E_ij: a change of distance is the difference of two
displacements along the bond, and the network has to find vectors at both ends before their
difference helps. So it is led there in three steps.

1. E_ij is close to r̂_ij · (u_j − u_i) with one vector u per particle, which least squares finds.
   A radial function per pair of species, f(r) r̂ summed over the neighbours, is fitted to u, and
   the messages of the first round learn it, edge by edge, without a graph.
2. The update of the nodes is scaled so that its units see inputs of mean 0 and variance 1
   (data-dependent initialisation, Salimans & Kingma, NeurIPS 2016).
3. The whole network learns E_ij, with one round of messages, then two, three, five and seven; a
   linear readout of u, at each time, from the node states goes along and is thrown away. On the
   way most rectified units of the updates fall silent for good, and the network gets no further
   than the few that are left; so those are drawn anew, with an output of zero at first (Sokar et
   al., The Dormant Neuron Phenomenon in Deep Reinforcement Learning, ICML 2023).

A run that is stopped goes on when the command is given again.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsqr
from torch import Tensor, nn

from glassbench import load_task
from glassbench.home.workspace import open_workspace
from glassbench.model import Example
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.structure import minimum_image
from glassbench.training.augmentation import symmetry_matrices
from glassbench.training.graph_network import Perceptron
from glassbench.training.precision import autocast_for

TEMPERATURE, TIMES, SEED = 0.64, (0.52, 5.2, 16.5), 0
TARGET = "pair_distance_change"
SCALE = 0.1  # sigma_AA, near the spread of E_ij
KERNEL = np.linspace(0.75, 2.0, 24)  # centres of Gaussians in the distance, sigma_AA
EDGE_STEPS, EDGES_PER_STEP, EDGE_RATE = 1000, 4096, 2e-3
TOLD, KEPT = 25, 100  # steps between lines, and between checkpoints
WAKE, DORMANT = 50, 1e-3  # steps between wakings, and share of inputs below which a unit is silent
# Times and rounds of messages, steps, first and last learning rate, weights of u and of E_ij.
STAGES = (
    (1, 1, 300, 1e-3, 1e-3, 1.0, 0.1),
    (1, 2, 300, 1e-3, 1e-3, 1.0, 1.0),
    (1, 3, 400, 1e-3, 1e-3, 1.0, 1.0),
    (1, 5, 500, 1e-3, 1e-3, 0.5, 1.0),
    (1, 7, 1500, 1e-3, 1e-5, 0.3, 1.0),
    (3, 7, 700, 5e-4, 0.0, 0.0, 1.0),
)


def bonds(example: Example) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return first and second particle, distance (P,) and unit vector (P, 3) of the pairs."""
    structure = example.structure
    first, second = structure.pairs.T
    positions = structure.positions
    vectors = minimum_image(positions[second] - positions[first], structure.box)
    distances = np.linalg.norm(vectors, axis=1)
    return first, second, distances, vectors / distances[:, None]


def displacement_field(example: Example) -> np.ndarray:
    """Return u (N, 3), sigma_AA, of mean 0, that makes r̂_ij · (u_j − u_i) closest to E_ij."""
    first, second, _, directions = bonds(example)
    pairs, axes = np.arange(len(first)), np.arange(3)
    rows = np.repeat(pairs, 6)
    columns = np.hstack([3 * second[:, None] + axes, 3 * first[:, None] + axes])
    values = np.hstack([directions, -directions])
    particles = len(example.structure.positions)
    matrix = csr_array((values.ravel(), (rows, columns.ravel())), shape=(len(pairs), 3 * particles))
    changes = example.targets[TARGET]
    field = lsqr(matrix, changes - changes.mean(), damp=0.1, iter_lim=200)[0].reshape(-1, 3)
    return field - field.mean(axis=0)


def radial_functions(examples: list[Example], fields: list[np.ndarray]) -> np.ndarray:
    """Return weights (species, species of the neighbour, kernel) that sum f(r) r̂ up to u."""
    moments = np.zeros((2, 2 * len(KERNEL), 2 * len(KERNEL)))
    products = np.zeros((2, 2 * len(KERNEL)))
    for example, field in zip(examples, fields, strict=True):
        species = example.structure.species
        sums = np.zeros((len(species), 2, len(KERNEL), 3))
        first, second, distances, directions = bonds(example)
        parts = _gaussians(distances)[:, :, None] * directions[:, None, :]
        np.add.at(sums, (first, species[second]), parts)
        np.add.at(sums, (second, species[first]), -parts)
        for kind in (0, 1):
            rows = sums[species == kind].transpose(0, 3, 1, 2).reshape(-1, 2 * len(KERNEL))
            moments[kind] += rows.T @ rows
            products[kind] += rows.T @ field[species == kind].ravel()
    ridge = 1e-2 * np.eye(2 * len(KERNEL))
    solved = np.linalg.solve(moments + ridge, products[:, :, None])
    return solved.reshape(2, 2, len(KERNEL))


def _gaussians(distances: np.ndarray) -> np.ndarray:
    width = KERNEL[1] - KERNEL[0]
    return np.exp(-(((distances[:, None] - KERNEL) / width) ** 2))


def teach_messages(network: nn.Module, inputs: list[dict], functions: np.ndarray) -> None:
    """Let the messages of the first round hold f(r) r̂, readable by a linear layer."""
    vectors = torch.cat([i["vectors"] for i in inputs])
    sender, receiver = (
        torch.cat([i["species"][i[end]] for i in inputs]) for end in ("sender", "receiver")
    )
    distances = vectors.norm(dim=1)
    chosen = functions[receiver.long(), sender.long()]
    strength = (chosen * _gaussians(distances.numpy())).sum(axis=1) / SCALE
    wanted = -torch.as_tensor(strength, dtype=torch.float32)[:, None] * vectors / distances[:, None]
    head = nn.Linear(network.width, 3)
    taught = (network.node_encoder, network.edge_encoder, network.edge_update, head)
    optimiser = torch.optim.Adam([p for part in taught for p in part.parameters()], lr=EDGE_RATE)
    turns = torch.as_tensor(symmetry_matrices("cubic", 3))
    errors = []
    for step in range(EDGE_STEPS):
        _set_rate(optimiser, EDGE_RATE, 0.05 * EDGE_RATE, step / EDGE_STEPS)
        drawn = torch.randint(len(vectors), (EDGES_PER_STEP,))
        turn = turns[torch.randint(len(turns), (1,)).item()]
        edge = network.edge_encoder(vectors[drawn] @ turn.T)
        ends = [network.node_encoder(kind[drawn, None]) for kind in (sender, receiver)]
        message = network.edge_update(torch.cat([*ends, edge, edge], dim=1))
        loss = nn.functional.mse_loss(head(message), wanted[drawn] @ turn.T)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    explained = 1 - np.mean(errors[-100:]) / wanted.square().mean().item()
    print(f"messages of the first round: {explained:.3f} of the variance of f(r) r̂", flush=True)


@torch.no_grad()
def scale_node_update(network: nn.Module, inputs: dict) -> None:
    """Give the units of the node update inputs of mean 0 and variance 1, their kinks spread."""
    node = network.node_encoder(inputs["species"][:, None])
    edge = network.edge_encoder(inputs["vectors"])
    parts = [node[inputs["sender"]], node[inputs["receiver"]], edge, edge]
    messages = network.edge_update(torch.cat(parts, dim=1))
    incoming = torch.zeros_like(node).index_add_(0, inputs["receiver"], messages)
    values = torch.cat([node, node, incoming], dim=1)
    for layer in (network.node_update.fc1, network.node_update.fc2):
        before = layer(values)
        spread = before.std(dim=0).clamp_min(1e-4)
        layer.weight.div_(spread[:, None])
        layer.bias.copy_((layer.bias - before.mean(dim=0)) / spread)
        layer.bias.add_(0.5 * torch.randn_like(layer.bias))
        values = layer(values).relu()


@torch.no_grad()
def wake_dormant_units(network: nn.Module, optimiser: torch.optim.Adam, inputs: dict) -> int:
    """Draw anew the first hidden units of both updates that are silent; return how many were.

    What comes in has then mean 0 and variance 1, what goes out is 0: the network's function
    stays what it is.
    """
    sender, receiver = inputs["sender"], inputs["receiver"]
    node = encoded = network.node_encoder(inputs["species"][:, None])
    edge = encoded_edge = network.edge_encoder(inputs["vectors"])
    sample = torch.randperm(len(sender))[:EDGES_PER_STEP]
    read = {network.edge_update: [], network.node_update: []}
    for _ in range(network.recurrences):
        values = torch.cat([node[sender], node[receiver], edge, encoded_edge], dim=1)
        read[network.edge_update].append(values[sample])
        edge = network.edge_update(values)
        incoming = torch.zeros_like(node).index_add_(0, receiver, edge)
        values = torch.cat([node, encoded, incoming], dim=1)
        read[network.node_update].append(values)
        node = network.node_update(values)
    return sum(_wake(update, torch.cat(rows), optimiser) for update, rows in read.items())


def _wake(update: Perceptron, values: Tensor, optimiser: torch.optim.Adam) -> int:
    first, second = update.fc1, update.fc2
    silent = (first(values) > 0).float().mean(dim=0) < DORMANT
    if not silent.any():
        return 0
    weight = torch.randn(int(silent.sum()), values.shape[1])
    before = values @ weight.T
    spread = before.std(dim=0, correction=0).clamp_min(1e-4)
    first.weight[silent] = weight / spread[:, None]
    first.bias[silent] = -before.mean(dim=0) / spread + 0.5 * torch.randn(len(spread))
    second.weight[:, silent] = 0
    for parameter in (first.weight, first.bias, second.weight):
        for moment in ("exp_avg", "exp_avg_sq"):
            if moment in optimiser.state[parameter]:
                kept = optimiser.state[parameter][moment]
                (kept.T if parameter is second.weight else kept)[silent] = 0
    return len(spread)


def train(
    network: nn.Module, graphs: list[tuple[dict, Tensor, Tensor]], share: float, place: Path
) -> None:
    """Train on E_ij and, through a readout of its own, on u: the stages in turn.

    graphs : inputs, E_ij (P, times) and u (N, times, 3) of each configuration, both by SCALE
    place : of the checkpoint, from which a stopped run goes on to the same weights
    """
    head = nn.Linear(network.width, 3 * len(TIMES))
    decoder = Perceptron(network.width, network.width, outputs=len(TIMES))
    decoder.load_state_dict(
        {
            name: value.repeat(len(TIMES), *[1] * (value.dim() - 1)) if "fc3" in name else value
            for name, value in network.decoder.state_dict().items()
        }
    )
    learning = nn.ModuleList([network, head, decoder])
    variance = torch.stack([changes.var(dim=0) for _, changes, _ in graphs]).mean(dim=0)
    along_axis = torch.stack([field[:, 0].var(dim=0) for *_, field in graphs]).mean()
    spread = torch.cat([variance, along_axis.expand(3)])
    plan = [(stage, k) for stage in STAGES for k in range(math.ceil(share * stage[2]))]
    done, optimiser = _resume(place, learning, share)
    started, errors = time.perf_counter(), []
    for step, (stage, k) in enumerate(plan[done:], start=done):
        if k == 0:
            optimiser = torch.optim.Adam(learning.parameters(), lr=stage[3])
        if step % WAKE == 0 and step > 0:
            woken = wake_dormant_units(network, optimiser, graphs[0][0])
            print(f"step {step}  {woken} units woken", flush=True)
        _set_rate(optimiser, stage[3], stage[4], k / math.ceil(share * stage[2]))
        errors.append(_step(learning, optimiser, graphs, variance, stage))
        if (step + 1) % TOLD == 0:
            left = (time.perf_counter() - started) / len(errors) * (len(plan) - step - 1)
            told = [f"{e:.3f}" for e in 1 - torch.stack(errors[-TOLD:]).mean(dim=0) / spread]
            print(
                f"step {step + 1} of {len(plan)}  rounds {stage[1]}  "
                f"explained {' '.join(told[:-3])}  u {' '.join(told[-3:])}  {left:.0f} s left",
                flush=True,
            )
        if (step + 1) % KEPT == 0:
            _keep(place, learning, optimiser, share, step + 1)
    with torch.no_grad():
        network.decoder.load_state_dict(decoder.state_dict() | _first_output(decoder))


def _step(learning, optimiser, graphs, variance, stage) -> Tensor:
    """Take one step of a stage on a configuration drawn and turned.

    Returns the errors of E_ij at each time, and those of u along each axis at the first.
    """
    times, rounds, *_, of_field, of_pairs = stage
    learning[0].recurrences = rounds
    inputs, changes, field = graphs[torch.randint(len(graphs), (1,)).item()]
    turns = torch.as_tensor(symmetry_matrices("cubic", 3))
    turn = turns[torch.randint(len(turns), (1,)).item()]
    inputs = inputs | {"vectors": inputs["vectors"] @ turn.T}
    field_errors, pair_errors = _errors(learning, inputs, changes, field @ turn.T)
    optimiser.zero_grad(set_to_none=True)
    pairs = (pair_errors / variance)[:times].mean()
    (of_field * field_errors[:times].mean() + of_pairs * pairs).backward()
    nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
    optimiser.step()
    return torch.cat([pair_errors, field_errors[0]]).detach()


def _keep(place: Path, learning, optimiser, share: float, step: int) -> None:
    """Write all that a stopped run needs, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(".partial")
    torch.save(
        {
            "run": [share, *map(list, STAGES)],
            "step": step,
            "weights": learning.state_dict(),
            "optimiser": optimiser.state_dict(),
            "generator": torch.get_rng_state(),
        },
        partial,
    )
    partial.replace(place)


def _resume(place: Path, learning, share: float) -> tuple[int, torch.optim.Optimizer | None]:
    """Return how many steps a stopped run of the same stages took, and its optimiser."""
    if not place.exists():
        return 0, None
    kept = torch.load(place, weights_only=True)
    if kept["run"] != [share, *map(list, STAGES)]:
        return 0, None
    learning.load_state_dict(kept["weights"])
    optimiser = torch.optim.Adam(learning.parameters())
    optimiser.load_state_dict(kept["optimiser"])
    torch.set_rng_state(kept["generator"])
    print(f"{place} goes on after step {kept['step']}", flush=True)
    return kept["step"], optimiser


def _first_output(decoder: Perceptron) -> dict[str, Tensor]:
    return {f"fc3.{name}": value[:1] for name, value in decoder.fc3.state_dict().items()}


def _errors(learning, inputs, changes, field) -> tuple[Tensor, Tensor]:
    """Return the mean squared errors of u (times, 3) and of E_ij (times,)."""
    network, head, decoder = learning
    names = ("species", "vectors", "sender", "receiver", "sender_order")
    with autocast_for("auto", "cpu")():
        node, track, token = network.pass_messages(*(inputs[name] for name in names))
        edges = network.decode_edges(decoder, track, token)
        predicted = head(node)
    pairs = edges.float()[inputs["pair_edges"]] / SCALE
    pair_errors = (pairs - changes[:, None]).square().mean(dim=(0, 1))
    field_errors = (predicted.float().view_as(field) - field).square().mean(dim=0)
    return field_errors, pair_errors


def _set_rate(optimiser: torch.optim.Optimizer, first: float, last: float, progress: float):
    rate = last + (first - last) * 0.5 * (1 + math.cos(math.pi * progress))
    for group in optimiser.param_groups:
        group["lr"] = rate


def read(task, split: str) -> list[list[Example]]:
    """Return the configurations of a split, each at all times."""
    times = [task.examples(split, temperature=TEMPERATURE, time=time) for time in TIMES]
    return [list(example) for example in zip(*times, strict=True)]


def main(share: float = 1.0) -> None:
    task = load_task("ka_propensity", "mini")
    configurations = read(task, "train")
    card = load_model_card(Path(__file__).parent)
    changes = {"p": 0.0, "pretrained": "none", "solve_readout": False}
    model = load_model_class(card)(**{**card.hyperparameters, **changes})
    torch.manual_seed(SEED)
    network = model.module = model.network(3)
    fields = [[displacement_field(e) for e in examples] for examples in configurations]
    first = [examples[0] for examples in configurations]
    inputs = [model.encode(example.structure) for example in first]
    teach_messages(network, inputs[:8], radial_functions(first, [f[0] for f in fields]))
    scale_node_update(network, inputs[0])
    graphs = []
    for encoded, examples, field in zip(inputs, configurations, fields, strict=True):
        pairs = np.stack([example.targets[TARGET] for example in examples], axis=1)
        scaled = (pairs / SCALE, np.stack(field, axis=1) / SCALE)
        graphs.append((encoded, *(torch.as_tensor(a, dtype=torch.float32) for a in scaled)))
    place = open_workspace(None).home / "pretraining" / "botan-mini.pt"
    train(network, graphs, share, place)
    errors, spreads = [], []
    for example, *_ in read(task, "valid"):
        (prediction,) = model.predict([example.structure], example.condition)
        errors.append(np.mean((prediction[TARGET] - example.targets[TARGET]) ** 2))
        spreads.append(np.var(example.targets[TARGET]))
    print(
        f"validation at t = {TIMES[0]}: error {math.sqrt(np.mean(errors)):.4f} sigma_AA, "
        f"explained variance {1 - np.mean(errors) / np.mean(spreads):.3f}"
    )
    folder = Path(__file__).with_name("weights")
    folder.mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / "mini.pt")
    place.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
