"""Make the pretrained weights: BOTAN on the pair-distance change of the embedded training data.

    python baselines/botan/pretrain.py [steps]

It learns E_ij at t = 0.52 alone (p = 0), as the paper pretrains on an early time of its coldest
temperature. Each step takes a cube of edge 7, cut at random out of a training configuration, and
the pairs of its inner part: a tenth of the particles of a whole configuration, so that many small
steps are made in the time of few large ones. Training rests for long at the mean of E_ij. The
network starts from random weights that keep the scale of a signal through all layers (He et al.,
ICCV 2015), with the kinks of its first layer spread over the range of the edges.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from glassbench import load_task
from glassbench.model import Example, Structure
from glassbench.registry import load_model_card, load_model_class
from glassbench.training.augmentation import draw_matrix

TEMPERATURE, TIME, SEED = 0.64, 0.52, 0
STEPS, LEARNING_RATE = 1200, 1e-3
SIDE, MARGIN, EMPTY = 7.0, 1.6, 4.0
NEIGHBOURS = 40
TARGET = "pair_distance_change"


def draw_weights(network: torch.nn.Module) -> None:
    """Draw weights whose outputs have the scale of their inputs."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            torch.nn.init.normal_(layer.bias, std=0.3)
    first = network.edge_encoder.fc1
    with torch.no_grad():
        directions = torch.nn.functional.normalize(torch.randn_like(first.weight), dim=1)
        first.weight.copy_(4 * directions)
        first.bias.copy_(-4 * 1.8 * torch.rand_like(first.bias))
        network.node_update.fc1.weight[:, 2 * network.width :] /= NEIGHBOURS
        network.decoder.fc3.weight /= 10
        network.decoder.fc3.bias.zero_()


def cut_cube(example: Example, generator: np.random.Generator) -> tuple[Structure, np.ndarray]:
    """Return a cube of a configuration in a larger empty box, and E_ij of its inner pairs."""
    whole = example.structure
    positions = np.mod(whole.positions - generator.uniform(0, whole.box), whole.box)
    inside = (positions < SIDE).all(axis=1)
    inner = ((positions > MARGIN) & (positions < SIDE - MARGIN)).all(axis=1)
    first, second = whole.pairs.T
    kept = (inner[first] | inner[second]) & inside[first] & inside[second]
    kept &= (np.abs(positions[second] - positions[first]) < SIDE / 2).all(axis=1)
    number = np.cumsum(inside) - 1
    cube = Structure(
        positions=positions[inside],
        species=whole.species[inside],
        box=np.full(3, SIDE + EMPTY),
        pairs=number[whole.pairs[kept]],
    )
    return cube, example.targets[TARGET][kept]


def main(steps: int = STEPS) -> None:
    task = load_task("ka_propensity", "mini")
    values = {"temperature": TEMPERATURE, "time": TIME}
    train, valid = (list(task.examples(split, **values)) for split in ("train", "valid"))
    card = load_model_card(Path(__file__).parent)
    changes = {"p": 0.0, "pretrained": "none"}
    model = load_model_class(card)(**{**card.hyperparameters, **changes})
    model.target = task.task.target
    torch.manual_seed(SEED)
    network = model.module = model.network(3)
    draw_weights(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    generator, losses, started = np.random.default_rng(SEED), [], time.perf_counter()
    for step in range(1, steps + 1):
        cube, changes_of_pairs = cut_cube(train[generator.integers(len(train))], generator)
        turn = torch.as_tensor(draw_matrix(task.task.symmetry, 3, generator))
        inputs = model.augment(model.encode(cube), turn)
        targets = {
            TARGET: torch.as_tensor(changes_of_pairs),
            model.target: torch.zeros(len(cube.positions)),
        }
        optimiser.zero_grad(set_to_none=True)
        loss = model.loss(network, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == steps:
            left = (time.perf_counter() - started) / step * (steps - step)
            print(f"step {step}  loss {np.mean(losses[-100:]):.5f}  {left:.0f} s left", flush=True)
    errors, spreads = [], []
    for example in valid:
        (prediction,) = model.predict([example.structure], example.condition)
        errors.append(np.mean((prediction[TARGET] - example.targets[TARGET]) ** 2))
        spreads.append(np.var(example.targets[TARGET]))
    print(
        f"validation: error {math.sqrt(np.mean(errors)):.4f} sigma_AA, "
        f"explained variance {1 - np.mean(errors) / np.mean(spreads):.3f}"
    )
    folder = Path(__file__).with_name("weights")
    folder.mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / "mini.pt")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
