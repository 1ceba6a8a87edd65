"""The program inside a cell, after its walls stand: does one action and answers.

The action `probe` tries the walls: each attempt says whether the wall held.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import json
import mmap
import os
import pickle
import resource
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .kernel import numbers

Answer = tuple[dict[str, Any], bytes]
MORE_THAN_ALLOWED = 8
ADDRESSES = ("10.255.255.1", "192.0.2.1")


def run(request: Mapping[str, Any], folder: str, scratch: str, answer: int) -> None:
    """Do what the request says and write report and payload to the answer's descriptor."""
    actions: dict[str, Callable[[Mapping[str, Any], Path, Path], Answer]] = {
        "probe": _probe,
        "predict": _predict,
        "import": _import,
        "conformance": _conformance,
    }
    report: dict[str, Any]
    try:
        report, payload = actions[request["action"]](request, Path(folder), Path(scratch))
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        where = _where(error, Path(folder) / "model")
        report, payload = {"error": f"{type(error).__name__}: {error}", "where": where}, b""
    text = json.dumps(report).encode()
    with os.fdopen(answer, "wb") as file:
        file.write(len(text).to_bytes(8, "big") + text + payload)
    # Threads and handlers that a model leaves behind have no say in how the cell ends.
    os._exit(0)


def _probe(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    walls = try_walls(request, str(scratch)) | {"landlock": bool(request["landlock"])}
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    in_memory = any(line.split()[1:3] == [str(scratch), "tmpfs"] for line in mounts)
    return {"walls": walls, "scratch_in_memory": in_memory}, b""


def _predict(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    """Load or fit the model, then answer every question: the stages of any trial."""
    import numpy as np

    from ...contract.model_card import read_model_card
    from ...contract.task import read_task
    from ...model import Condition
    from ...trial.predictions import Asked
    from ...trial.stages import fit_run, make_model, predict
    from .side_effects import Audit

    audit = Audit(folder / "model", scratch) if request.get("audit") else None
    card, task = read_model_card(folder / "model"), read_task(folder / "task")
    task = task.asked_for(request["target"])
    model = make_model(card, request["hyperparameters"])
    # Written outside, by the house; what a submission writes is never unpickled.
    given = pickle.loads((folder / "structures.pickle").read_bytes())
    if given["train"]:
        run = fit_run(
            task,
            scratch / "checkpoint",
            seed=request["seed"],
            conditions=tuple(Condition.of(**values) for values in request["conditions"]),
            threads=request["limits"]["threads"],
        )
        model.fit(given["train"], given["valid"], run)
    elif hasattr(model, "load"):
        model.load(folder / "weights")
    else:
        raise TypeError(f"model {card.name} has no `load`: give it one, or verify by training it")
    if request["keep"]:
        return {"parameters": _parameters(model)}, _kept(model, scratch)
    arrays: dict[str, Any] = {}
    for number, (condition, listed) in enumerate(given["questions"]):
        structures = {str(index): structure for index, structure in enumerate(listed)}
        asked = Asked(card.name, task, condition)
        for index, answer in predict(model, asked, structures).items():
            arrays |= {f"{number}/{index}/{target}": array for target, array in answer.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    outside = [] if audit is None else audit.effects
    return {"parameters": _parameters(model), "outside": outside}, file.getvalue()


def _parameters(model: Any) -> int | None:
    parameters = getattr(model, "parameters", None)
    return parameters if isinstance(parameters, int) else None


def _kept(model: Any, scratch: Path) -> bytes:
    """Return an archive of what a trained model saves, nothing where it cannot."""
    from ...contract.folder_digest import plugin_files
    from .bounded import write_archive

    if not (hasattr(model, "save") and hasattr(model, "load")):
        return b""
    folder, archive = scratch / "trained", scratch / "trained.zip"
    model.save(folder)
    write_archive(archive, dict(plugin_files(folder)))
    return archive.read_bytes()


def _import(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from .side_effects import import_effects

    return {"effects": import_effects(folder / "model", scratch)}, b""


def _conformance(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from ...conformance.check import check_card
    from ...contract.model_card import read_model_card
    from ...contract.task import read_task

    results = check_card(read_model_card(folder / "model"), read_task(folder / "task"))
    return {"results": [vars(result) for result in results]}, b""


def _where(error: BaseException, model: Path) -> str:
    """Return the innermost line of the submission that was running, as `model.py:12`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(model):
            return f"{path.relative_to(model)}:{frame.lineno}"
    return ""


def try_walls(request: Mapping[str, Any], scratch: str) -> dict[str, bool]:
    """Return, by name of the wall, whether it held; `walls.try_engine` writes the request."""
    limits, port, canaries = request["limits"], request["port"], request["canaries"]
    outside = request["outside"]
    links = [(address, port) for address in ("127.0.0.1", *ADDRESSES)]
    here, library = Path(__file__).resolve().parent, Path(os.__file__).resolve().parent
    tempting = ["/", "/usr", "/dev", "/etc", "/home", "/root", "/var/tmp", "/run", "/input"]
    tempting += map(str, [here, library, library / "site-packages"])
    tempting += [str(Path(path).parent) for path in canaries]
    datagram = socket.socket(type=socket.SOCK_DGRAM)
    too_much, large = limits["memory_bytes"] + 2**20, os.path.join(scratch, "large")
    return {
        "network": not any(_works(socket.create_connection, link, 0.2) for link in links)
        and not _works(datagram.sendto, b"x", (ADDRESSES[0], 9)),
        "reading": not any(_works(_read, path) for path in canaries),
        "writing": not any(_works(tempfile.NamedTemporaryFile, dir=folder) for folder in tempting),
        "environment": not _knows_variables(request["variables"]),
        "processes": start_of(outside["pid"]) != outside["started"],
        "privileges": not _has_privileges(),
        "system_calls": _refuses_calls(),
        "user_namespace": os.readlink("/proc/self/ns/user") != outside["user_namespace"],
        "process_count": _stops_forking(limits["processes"]),
        # Of the address space and of the file that are asked for, nothing is touched.
        "memory": not _works(mmap.mmap, -1, too_much),
        "file_size": not _works(_grow, large, limits["file_bytes"] + 1),
        "cpu_time": 0 < resource.getrlimit(resource.RLIMIT_CPU)[1] <= limits["cpu"],
    }


def _works(attempt: Callable[..., object], *arguments: Any, **options: Any) -> bool:
    """Return whether an attempt comes to something."""
    try:
        return bool(attempt(*arguments, **options))
    except (OSError, MemoryError, OverflowError):
        return False


def _read(path: str) -> object:
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb") as file:
        return file.read(1)


def _grow(path: str, size: int) -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(path, "wb") as file:
        return file.truncate(size)


def _knows_variables(names: Iterable[str]) -> bool:
    known = set(os.environ)
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            entries = Path("/proc", process, "environ").read_text(errors="replace").split("\0")
            known |= {entry.partition("=")[0] for entry in entries}
    return not known.isdisjoint(names)


def start_of(pid: int) -> str:
    """Return when a process started, by which it is recognised; nothing where it is not seen."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _has_privileges() -> bool:
    fields = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if line
    )
    capable = any(int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapAmb"))
    return os.geteuid() == 0 or capable or fields["NoNewPrivs"].strip() != "1"


def _refuses_calls() -> bool:
    """Try every call with arguments that make no sense, and sockets of a family too many."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in numbers().values():
        if libc.syscall(number, *[ctypes.c_long(-1)] * 6) != -1:
            return False
        if ctypes.get_errno() != errno.ENOSYS:
            return False
    return bool(numbers()) and not _works(socket.socket, socket.AF_NETLINK)


def _stops_forking(limit: int) -> bool:
    """Fork a few more children than are allowed, each of which waits to be ended."""
    children = []
    try:
        for _ in range(limit + MORE_THAN_ALLOWED):
            child = os.fork()
            if child == 0:
                os.read(os.pipe()[0], 1)  # nothing ever arrives
                os._exit(0)
            children.append(child)
    except OSError:
        return True
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    return False
