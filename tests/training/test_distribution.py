"""Two workers take the very steps of one."""

import torch
import torch.multiprocessing as multiprocessing

from glassbench.model import Run
from glassbench.training import TrainingSettings
from glassbench.training.loop import train_network


def train_weights(folder):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 1).double()
    inputs = torch.linspace(-1, 1, 5 * 7 * 3, dtype=torch.float64).reshape(5, 7, 3)

    def loss_of(index, generator):
        return (network(inputs[index]) - float(generator.normal())).square().mean()

    settings = TrainingSettings(epochs=3, batch_size=3, learning_rate=1e-2)
    run = Run(seed=1, target="x", symmetry="none", folder=folder)
    train_network(network, 5, loss_of, lambda: network.weight.sum().item(), settings, run)
    return network.weight.detach().clone()


def worker(rank, folder):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    torch.save(train_weights(folder / "run"), folder / f"weights{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_workers_give_the_weights_of_one(tmp_path):
    multiprocessing.spawn(worker, args=(tmp_path,), nprocs=2)
    alone = train_weights(tmp_path / "alone")
    for rank in range(2):
        together = torch.load(tmp_path / f"weights{rank}.pt", weights_only=True)
        torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)
