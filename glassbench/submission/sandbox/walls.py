"""Which walls stand: named, tried before each run, and asked for before a result is verified."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...contract.errors import printable
from . import kernel
from .engines import SCRATCH, Engine, machine_view, private_files
from .launch import run_cell
from .limits import GIB, MIB, Limits, SandboxError
from .runner import start_of

MEANING = {
    "network": "no network: no address, not even this machine's",
    "reading": "labels, datasets and the user's files cannot be read",
    "writing": "nothing can be written but the scratch folder",
    "environment": "no environment variable of this machine is known",
    "processes": "no other process is seen, nor its memory",
    "privileges": "no privilege is held and none can be gained",
    "system_calls": "system calls that are ways out of sandboxes are refused",
    "user_namespace": "rights inside count for nothing outside",
    "process_count": "processes are limited",
    "memory": "memory is limited",
    "file_size": "the size of files is limited",
    "cpu_time": "computing time is limited",
    "scratch": "files lie in memory of limited size and are gone afterwards",
    "wall_time": "the run is ended after a time",
    "landlock": "Landlock, a second wall against writing and TCP, where the kernel has it",
}
PROBE_LIMITS = Limits(wall_seconds=30, memory_bytes=2 * GIB, processes=32, file_bytes=MIB)


@dataclass(frozen=True)
class Walls:
    """What held when it was tried, by name of the wall."""

    engine: Engine
    held: dict[str, bool]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in MEANING if not self.held.get(name))

    def require(self) -> None:
        """Refuse to go on unless every wall stands."""
        if self.missing:
            missing = "; ".join(f"{name} ({MEANING[name]})" for name in self.missing)
            raise SandboxError(
                f"no result can be called verified here: with {self.engine.title} these walls do "
                f"not stand: {missing}. Verify on a machine where bubblewrap works"
            )

    def lines(self) -> list[str]:
        """Return one line for each wall: whether it stands, and what it means."""
        return [
            f"{'stands' if self.held.get(name) else 'MISSING'}  {name}: {meaning}"
            for name, meaning in MEANING.items()
        ]


def try_engine(engine: Engine, secret: Iterable[Path] = ()) -> Walls:
    """Raise the walls of an engine and try each from inside; `secret` paths must not be seen."""
    secret = [Path(path).absolute() for path in secret]
    with (
        tempfile.TemporaryDirectory(prefix="glassbench-probe-") as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        canary = Path(folder, "canary.txt")
        canary.write_text("a file of the outside", encoding="utf-8")
        request = Path(folder, "request")
        request.mkdir()
        of_home = private_files(machine_view(request).places.values())
        # `canaries` must not be read, `variables` not known, `outside` not seen.
        action = {
            "action": "probe",
            "canaries": [str(path) for path in (canary, *secret, *of_home)],
            "port": listener.getsockname()[1],
            "outside": {
                "pid": os.getpid(),
                "started": start_of(os.getpid()),
                "user_namespace": os.readlink("/proc/self/ns/user"),
            },
            "variables": [name for name in os.environ if name not in _COMMON],
            "scratch": SCRATCH,
        }
        outcome = run_cell(engine, request, action, PROBE_LIMITS, secret)
    held = outcome.report.get("walls")
    if not isinstance(held, dict):
        why = outcome.stopped or outcome.report.get("error") or "no answer"
        raise SandboxError(
            f"{engine.title} raises no walls on this machine: {printable(why)}. On Ubuntu 24.04 "
            "user namespaces may be forbidden (sysctl kernel.apparmor_restrict_unprivileged_userns)"
        )
    tried = {name: held.get(name) is True for name in MEANING}
    # The outside ends a cell and reads its answer through a pipe, whatever the inside says.
    tried |= {"wall_time": True, "scratch": outcome.report.get("scratch_in_memory") is True}
    tried["landlock"] = tried["landlock"] or not kernel.landlock_version()
    return Walls(engine, tried)


# Variables that the first program inside sets itself.
_COMMON = {
    "HOME", "TMPDIR", "MPLCONFIGDIR", "LANG", "PATH", "USER", "PWD", "LC_CTYPE", "_", "SHLVL",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "TORCHINDUCTOR_CACHE_DIR",
}  # fmt: skip
