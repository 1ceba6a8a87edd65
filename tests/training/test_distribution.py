"""Several workers take the very steps of one."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.multiprocessing as multiprocessing

from glassbench.model import Run
from glassbench.training import ParticleSettings, TrainingSettings
from glassbench.training.distribution import DistributionError, start_equal
from glassbench.training.loop import train_network, train_on_particles

EXAMPLES, EPOCHS = 7, 4
INPUTS = torch.as_tensor(np.random.default_rng(0).normal(size=(EXAMPLES, 9, 3))).float()


def network_with_dropout(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Dropout(0.2), torch.nn.Linear(16, 1)
    )


class Stopped(Exception):
    pass


def train_on_examples(folder, start=0, stop_at=None):
    """Return the weights and the loss of each epoch; each example is seen with its own noise."""
    network, reports = network_with_dropout(start), []

    def report(progress):
        if progress.epoch == stop_at:
            raise Stopped
        reports.append(progress)

    def loss_of(index, generator):
        noise = torch.as_tensor(generator.normal(scale=0.1, size=(9, 3))).float()
        return (network(INPUTS[index] + noise) - INPUTS[index].sum()).square().mean()

    def validate():
        with torch.no_grad():
            return -float(network(INPUTS[0]).square().mean())

    settings = TrainingSettings(epochs=EPOCHS, batch_size=5, learning_rate=1e-2)
    run = Run(seed=1, target="x", symmetry="none", folder=folder, report=report)
    train_network(network, EXAMPLES, loss_of, validate, settings, run)
    return network.state_dict(), [report.loss for report in reports]


def train_on_rows(folder):
    """Return the same for a training on single particles, in batches of eight."""
    rows, reports = INPUTS.reshape(-1, 3), []
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

    def loss_of(batch, share, generator):
        noise = torch.as_tensor(generator.normal(scale=0.1, size=(len(batch), 3)))[share].float()
        found = network(rows[batch[share]] + noise).squeeze(-1)
        return (found - rows[batch[share]].sum(-1)).square().mean()

    settings = ParticleSettings(epochs=EPOCHS, batch_size=8, learning_rate=1e-3)
    run = Run(seed=1, target="x", symmetry="none", folder=folder, report=reports.append)
    train_on_particles(network, len(rows), loss_of, lambda: None, settings, run)
    return network.state_dict(), [report.loss for report in reports]


def worker(rank, folder, workers, train):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=workers
    )
    torch.save(train(folder / "run"), folder / f"trained{rank}.pt")
    torch.distributed.destroy_process_group()


def together(folder, workers, train):
    """Return what `train` returned on each of several workers."""
    folder.mkdir()
    # One server imports torch, and every worker is forked from it.
    multiprocessing.set_forkserver_preload(["glassbench.training"])
    multiprocessing.start_processes(
        worker, args=(folder, workers, train), nprocs=workers, start_method="forkserver"
    )
    return [torch.load(folder / f"trained{rank}.pt") for rank in range(workers)]


def same(weights, others):
    return all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("workers", [2, 4])
def test_the_bits_of_weights_and_losses_do_not_depend_on_the_number_of_workers(tmp_path, workers):
    weights, losses = train_on_examples(tmp_path / "alone")
    trained = together(tmp_path / "together", workers, train_on_examples)
    assert len(losses) == EPOCHS and trained[0][1] == losses
    assert all(same(weights, others) for others, _ in trained)
    assert all(not reports for _, reports in trained[1:]), "the first worker alone reports"


def test_on_single_particles_losses_agree_to_the_last_digits_of_float32(tmp_path):
    weights, losses = train_on_rows(tmp_path / "alone")
    (others, found), (twins, _) = together(tmp_path / "together", 2, train_on_rows)
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for name in weights:
        torch.testing.assert_close(others[name], weights[name], rtol=1e-4, atol=1e-6)
    assert same(others, twins)


def goes_on(folder, checkpoints):
    """Go on from a checkpoint that the first worker alone can see, from other weights."""
    rank = torch.distributed.get_rank()
    return train_on_examples(checkpoints if rank == 0 else folder / "nothing", start=rank)


def test_a_checkpoint_of_one_worker_goes_on_with_two_that_see_it_through_the_first(tmp_path):
    weights, losses = train_on_examples(tmp_path / "undisturbed")
    with pytest.raises(Stopped):
        train_on_examples(tmp_path / "half", stop_at=3)
    (first, rest), (second, _) = together(
        tmp_path / "both", 2, partial(goes_on, checkpoints=tmp_path / "half")
    )
    assert rest == losses[2:]
    assert same(first, weights) and same(second, weights)


def refused(folder):
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    with pytest.raises(DistributionError, match="layer 1 .*workers=1"):
        start_equal(network)


def test_statistics_of_the_whole_batch_are_refused(tmp_path):
    together(tmp_path / "together", 2, refused)
    start_equal(torch.nn.BatchNorm1d(4))
