"""Running independent tasks on the cores of this machine; Ray offers the same call elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

Result = TypeVar("Result")
Run = Callable[[Sequence[Callable[[], Result]]], Iterator[Result]]


def run_here(tasks: Sequence[Callable[[], Result]]) -> Iterator[Result]:
    """Run tasks one after the other in this process, and yield their results."""
    for task in tasks:
        yield task()


def run_in_processes(workers: int) -> Run:
    """Return a function that runs tasks in `workers` processes and yields results as they come.

    Tasks and results must be picklable. A task that raises stops the rest.
    """
    if workers < 2:
        return run_here

    def run(tasks: Sequence[Callable[[], Result]]) -> Iterator[Result]:
        if len(tasks) < 2:
            yield from run_here(tasks)
            return
        context = get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
            futures = [pool.submit(task) for task in tasks]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    return run
