"""The same training step on one worker or on many.

Every worker takes its share of each global batch, and gradients are summed
with the weights of that batch: the update is that of one worker, whatever
their number. Where torch.distributed is not initialised, all of this is idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
import torch.distributed as distributed

Item = TypeVar("Item")


def world_size() -> int:
    """Return the number of workers that train this network together."""
    return distributed.get_world_size() if _active() else 1


def rank() -> int:
    """Return this worker's number; worker 0 writes, predicts and scores."""
    return distributed.get_rank() if _active() else 0


def share_of(batch: Sequence[Item]) -> Sequence[Item]:
    """Return this worker's part of a global batch."""
    return batch[rank() :: world_size()]


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Sum gradients over workers in place; a worker without a share counts as zero."""
    if not _active():
        return
    parameters = [p for p in parameters if p.requires_grad]
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    flat = torch.cat([parameter.grad.reshape(-1) for parameter in parameters])
    distributed.all_reduce(flat)
    offset = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.grad.copy_(flat[offset : offset + count].view_as(parameter))
        offset += count


def sum_over_workers(value: float, device: str) -> float:
    """Return the sum of a number over all workers."""
    if not _active():
        return value
    tensor = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return float(tensor.item())


def from_first_worker(value: float | None, device: str) -> float | None:
    """Return worker 0's number on every worker; `None` travels as NaN."""
    if not _active():
        return value
    number = float("nan") if value is None else value
    tensor = torch.tensor([number], dtype=torch.float64, device=device)
    distributed.broadcast(tensor, src=0)
    received = float(tensor.item())
    return None if received != received else received


def _active() -> bool:
    return distributed.is_available() and distributed.is_initialized()
