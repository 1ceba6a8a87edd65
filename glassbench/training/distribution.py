"""The same training step on one worker or on many.

Every worker takes its share of each global batch, and the gradients are summed with the weights
of that batch. Where torch.distributed is not initialised, all of this is idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
import torch.distributed as distributed

Item = TypeVar("Item")
Value = TypeVar("Value")


class DistributionError(RuntimeError):
    """A network cannot be trained by several workers as by one; the message says why."""


def world_size() -> int:
    """Return the number of workers that train this network together."""
    return distributed.get_world_size() if _active() else 1


def rank() -> int:
    """Return this worker's number; worker 0 writes, predicts and scores."""
    return distributed.get_rank() if _active() else 0


def share_of(batch: Sequence[Item]) -> Sequence[Item]:
    """Return this worker's part of a global batch."""
    return batch[rank() :: world_size()]


class GradientSum:
    """The gradients of a batch, added up in the order of its examples.

    Each worker computes the gradient of one example in every round. They are gathered,
    not reduced, and every worker adds them up one after another: the additions and
    their order are those of a single worker, and so are the bits of their sum.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.total: torch.Tensor | None = None

    def add(self, examples: int) -> None:
        """Add the gradients of a round in which the first `examples` workers had an example."""
        if not _active():
            return
        own = _flat(self.parameters)
        rows = [torch.empty_like(own) for _ in range(world_size())]
        distributed.all_gather(rows, own)
        for row in rows[:examples]:
            self.total = row.clone() if self.total is None else self.total.add_(row)
        for parameter in self.parameters:
            parameter.grad = None

    def finish(self) -> None:
        """Leave the sum in the parameters' `grad`."""
        if self.total is None:
            return
        present = self.total[-len(self.parameters) :]
        offset = 0
        for parameter, touched in zip(self.parameters, present.tolist(), strict=True):
            part = self.total[offset : offset + parameter.numel()]
            offset += parameter.numel()
            # A parameter that no example of the batch used keeps no gradient, as on one worker.
            parameter.grad = (
                part.view_as(parameter).to(parameter.dtype, copy=True) if touched else None
            )


def _flat(parameters: Sequence[torch.nn.Parameter]) -> torch.Tensor:
    """Return all gradients in one row, and after them for each parameter whether it has one."""
    gradients = [
        torch.zeros_like(p).reshape(-1) if p.grad is None else p.grad.reshape(-1)
        for p in parameters
    ]
    touched = [float(p.grad is not None) for p in parameters]
    return torch.cat([*gradients, torch.tensor(touched, device=gradients[0].device)])


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Sum gradients over workers in place; a worker without a share counts as zero."""
    if not _active():
        return
    gradients = []
    for parameter in parameters:
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    offset = 0
    for gradient in gradients:
        count = gradient.numel()
        gradient.copy_(flat[offset : offset + count].view_as(gradient))
        offset += count


def sum_over_workers(value: float, device: str) -> float:
    """Return the sum of a number over all workers."""
    if not _active():
        return value
    tensor = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return float(tensor.item())


def in_order(own: Sequence[float], count: int, device: str) -> list[float]:
    """Return the `count` numbers of a global batch, of which each worker has its `share_of`."""
    if not _active():
        return list(own)
    workers = world_size()
    padded = torch.zeros(-(-count // workers), dtype=torch.float64, device=device)
    padded[: len(own)] = torch.tensor(own, dtype=torch.float64, device=device)
    rows = [torch.empty_like(padded) for _ in range(workers)]
    distributed.all_gather(rows, padded)
    return torch.stack(rows, dim=1).reshape(-1)[:count].tolist()


def from_first_worker(value: Value, device: str) -> Value:
    """Return worker 0's number, bytes or None on every worker; what others hold does not count."""
    if not _active():
        return value
    held = [value]
    distributed.broadcast_object_list(held, src=0, device=torch.device(device))
    return held[0]


def start_equal(network: torch.nn.Module) -> None:
    """Give every worker the weights of worker 0; refuse layers with statistics of the batch."""
    if world_size() == 1:
        return
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            raise DistributionError(
                f"layer {name} ({type(module).__name__}) takes statistics of the whole batch, of "
                f"which each of {world_size()} workers sees a part: train with workers=1, or "
                "replace it by GroupNorm or LayerNorm"
            )
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            contiguous = tensor.detach().contiguous()
            distributed.broadcast(contiguous, src=0)
            tensor.copy_(contiguous)


def _active() -> bool:
    return distributed.is_available() and distributed.is_initialized()
