"""Running a cell: start it, watch what it takes, read what comes out, end it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from ...contract.errors import printable
from . import engines
from .bounded import read_json
from .engines import Engine, machine_view
from .limits import Limits, SandboxError

WATCH_EVERY = 0.05
ENDING_SECONDS = 60.0
READ_AT_ONCE = 2**16
HEADER_BYTES = 2**24
# By kind of control groups, the second and the first: limits of memory, and with swap.
GROUP_FILES = {
    "": ("memory.max", "memory.swap.max", "0"),
    "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", ""),
}
ENTER_GROUP = 'echo $$ > "$1"; shift; exec "$@"'


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes
    ----------
    report : what the program inside says of itself, to be believed no further than that
    stopped : the limit that ended it, or None
    cpu_seconds, memory_bytes : of all its processes, the most that was seen at one time
    """

    report: dict[str, Any]
    payload: bytes
    log: str
    stopped: str | None
    seconds: float
    cpu_seconds: float
    memory_bytes: int

    def refuse_failure(self) -> None:
        """Refuse a cell that was stopped, or in which the model failed."""
        if self.stopped is not None:
            raise SandboxError(f"the model was stopped: {self.stopped}")
        if "error" in self.report:
            where = printable(self.report.get("where", ""), 80)
            place = f" at {where}" if where else ""
            raise SandboxError(f"the model failed{place}: {printable(self.report['error'])}")


def run_cell(
    engine: Engine, request: Path, action: Mapping[str, Any], limits: Limits, secret: Iterable[Path]
) -> Outcome:
    """Run one request behind walls.

    Parameters
    ----------
    request : folder that the cell sees as its input; it becomes world-readable
    action : what to do, written to the folder as `request.json`
    secret : files and folders that must not be seen
    """
    view = machine_view(request, secret)
    action = {**action, "limits": asdict(limits) | {"cpu": limits.cpu}}
    (request / "request.json").write_text(json.dumps(action), encoding="utf-8")
    for path in (request, *request.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    if engine.name == "bubblewrap":
        with contextlib.ExitStack() as stack:
            namespace = None
            if os.geteuid() == 0:
                namespace = engines.namespace_of_root()
                stack.callback(os.close, namespace)
            words = engines.bubblewrap_arguments(view, limits, namespace)
            # Its arguments come through a pipe, unseen from inside.
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(b"".join(word.encode() + b"\0" for word in words))
            file.seek(0)
            descriptors = [n for n in (namespace, file.fileno()) if n is not None]
            start = ["--args", str(file.fileno()), "--", *engines.inside_command()]
            command = [engine.program, *start]
            members = stack.enter_context(control_group(limits))
            if members is not None:
                command = ["/bin/sh", "-c", ENTER_GROUP, "sh", str(members), *command]
            return _watched(command, limits, descriptors)
    with tempfile.TemporaryDirectory(prefix="glassbench-root-") as root:
        skeleton = engines.make_skeleton(view, Path(root, Path(root).name))
        command = engines.podman_command(engine, view, limits, skeleton)
        ending = engines.podman_ending(engine, skeleton)
        return _watched(command, limits, ending=ending, first=engines.pid_file(skeleton))


@contextlib.contextmanager
def control_group(limits: Limits) -> Iterator[Path | None]:
    """Make a group whose memory the kernel limits, that of files and sockets too.

    Yields the file that takes its members; None where this process may make no group.
    """
    group: Path | None = None
    most = limits.memory_bytes + limits.scratch_bytes + engines.SHARED_MEMORY_BYTES
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, kinds, path = line.split(":", 2)
        own = Path("/sys/fs/cgroup", kinds, path.lstrip("/"), f"glassbench-{uuid4().hex}")
        if group is None and kinds in GROUP_FILES:
            memory, swap, swapped = GROUP_FILES[kinds]
            with contextlib.suppress(OSError):
                own.mkdir()
                try:
                    own.joinpath(memory).write_text(str(most))
                    group = own
                    own.joinpath(swap).write_text(swapped or str(most))
                finally:
                    if group is None:
                        own.rmdir()
    if group is None:
        yield None
        return
    try:
        yield group / "cgroup.procs"
    finally:
        for _ in range(50):
            # Its last members may still be ending.
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(WATCH_EVERY)


def _watched(
    command: list[str],
    limits: Limits,
    descriptors: Sequence[int] = (),
    ending: list[str] | None = None,
    first: Path | None = None,
) -> Outcome:
    """Run a command under limits; `ending` is a command that ends what outlives it.

    `first` is the file with the number of the first process inside, where it is no child of ours.
    """
    started = time.monotonic()
    # No variable of this process enters: not even the one that starts the walls has any.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        pass_fds=descriptors,
        start_new_session=True,
    )
    answer = _Reader(process.stdout, limits.answer_bytes + HEADER_BYTES, keep_reading=False)
    log = _Reader(process.stderr, limits.log_bytes, keep_reading=True)
    stopped, most, cpu = None, 0, 0.0
    try:
        while process.poll() is None and stopped is None:
            resident, count, spent = _taken(process.pid, first)
            most, cpu = max(most, resident), max(cpu, spent)
            if time.monotonic() - started > limits.wall_seconds:
                stopped = f"it ran longer than {limits.wall_seconds:g} s"
            elif answer.overflow:
                stopped = f"its answer is longer than {limits.answer_bytes} bytes"
            elif resident > limits.memory_bytes:
                stopped = f"it took {resident} bytes of memory, {limits.memory_bytes} are allowed"
            elif count > 2 * limits.processes:
                stopped = f"it had {count} processes at once, {limits.processes} are allowed"
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(WATCH_EVERY)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        if ending is not None:
            # An engine that hangs keeps its container until that ends by itself.
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(ending, capture_output=True, env={}, timeout=ENDING_SECONDS)
        answer.join()
        log.join()
    text = log.data.decode("utf-8", errors="replace")
    report, payload = _split(bytes(answer.data)) if stopped is None else ({}, b"")
    if stopped is None and not report:
        code = process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        last = next((line for line in reversed(text.splitlines()) if line.strip()), "no word")
        report = {"error": printable(f"it ended without an answer ({how}): {last}")}
    return Outcome(report, payload, text, stopped, time.monotonic() - started, cpu, most)


def _taken(pid: int, first: Path | None) -> tuple[int, int, float]:
    """Return resident memory in bytes, number, and CPU seconds of the processes of a cell."""
    resident, count, spent = 0, 0, 0.0
    with contextlib.suppress(psutil.Error):
        inside = psutil.Process(pid).children(recursive=True)
        with contextlib.suppress(OSError, ValueError):
            cell = psutil.Process(int(first.read_text())) if first else None
            inside += [cell, *cell.children(recursive=True)] if cell else []
        for child in inside:
            with contextlib.suppress(psutil.Error):
                resident += child.memory_info().rss
                spent += sum(child.cpu_times()[:2])
                count += 1
    return resident, count, spent


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return report and payload of an answer: the report's length in 8 bytes comes first."""
    if len(data) < 8:
        return {}, b""
    length = int.from_bytes(data[:8], "big")
    if length > min(HEADER_BYTES, len(data) - 8):
        raise SandboxError("what came out of the sandbox is no answer: its length does not fit")
    report = read_json(data[8 : 8 + length], "the answer of the sandbox", HEADER_BYTES)
    if not isinstance(report, dict):
        raise SandboxError("what came out of the sandbox is no answer: a report is no object")
    return report, data[8 + length :]


class _Reader(threading.Thread):
    """Reads a pipe up to a limit, so that neither side waits for the other."""

    def __init__(self, pipe: Any, limit: int, keep_reading: bool) -> None:
        super().__init__(daemon=True)
        self.pipe, self.limit, self.keep_reading = pipe, limit, keep_reading
        self.data, self.overflow = bytearray(), False
        self.start()

    def run(self) -> None:
        with self.pipe:
            while piece := self.pipe.read1(READ_AT_ONCE):
                room = self.limit - len(self.data)
                self.data += piece[:room]
                self.overflow = self.overflow or len(piece) > room
                if self.overflow and not self.keep_reading:
                    return
