"""How much of the machine an untrusted model may take, and the error when it takes more."""

from __future__ import annotations

from dataclasses import dataclass

from ...contract.errors import UserError
from ...contract.text import printable

MIB, GIB = 2**20, 2**30
LONGEST_MESSAGE = 2000


class SandboxError(UserError):
    """A wall cannot be raised, or what came out of a cell is not to be trusted.

    The message may quote a stranger's text and is cleaned.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, LONGEST_MESSAGE))


@dataclass(frozen=True)
class Limits:
    """Limits of one cell; each of them ends the run that breaks it.

    Attributes
    ----------
    wall_seconds : from the start of the cell to its end
    cpu_seconds : of each process; the wall seconds times the threads unless given
    memory_bytes : address space of each process, and resident memory of all together
    processes : processes and threads at one time
    file_bytes : size of one file
    scratch_bytes : size of all files together; they lie in memory
    answer_bytes, log_bytes : what may come out of the cell
    """

    wall_seconds: float = 600.0
    cpu_seconds: float | None = None
    memory_bytes: int = 6 * GIB
    processes: int = 64
    file_bytes: int = GIB
    scratch_bytes: int = GIB
    answer_bytes: int = GIB
    log_bytes: int = MIB
    threads: int = 1

    @property
    def cpu(self) -> int:
        """Return whole CPU seconds of each process, at least one."""
        return max(1, round(self.cpu_seconds or self.wall_seconds * self.threads + 1))
