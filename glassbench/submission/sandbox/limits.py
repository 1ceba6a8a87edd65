"""How much of the machine an untrusted model may take, and the errors of what is handed in."""

from __future__ import annotations

from dataclasses import dataclass

from ...contract.errors import UserError, printable

MIB, GIB = 2**20, 2**30
LONGEST_MESSAGE = 2000


class SubmissionError(UserError):
    """A submission cannot be accepted as it is; the message, cleaned, says what to mend."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, LONGEST_MESSAGE))


class SandboxError(SubmissionError):
    """A wall cannot be raised, or what came out of a cell is not to be trusted."""


def require(condition: object, message: str) -> None:
    """Refuse a submission of which a condition does not hold."""
    if not condition:
        raise SubmissionError(message)


@dataclass(frozen=True)
class Limits:
    """Limits of one cell; each of them ends the run that breaks it.

    Attributes
    ----------
    wall_seconds : from the start of the cell to its end
    memory_bytes : address space of each process, and resident memory of all together
    processes : processes and threads at one time
    scratch_bytes : size of all files together; they lie in memory
    answer_bytes, log_bytes : what may come out of the cell
    """

    wall_seconds: float = 600.0
    memory_bytes: int = 6 * GIB
    processes: int = 64
    file_bytes: int = GIB
    scratch_bytes: int = GIB
    answer_bytes: int = GIB
    log_bytes: int = MIB
    threads: int = 1

    @property
    def cpu(self) -> int:
        """CPU seconds of each process, whole ones, at least one."""
        return max(1, round(self.wall_seconds * self.threads + 1))
