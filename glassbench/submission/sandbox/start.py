"""The first program inside a cell: it lowers the limits, gives up every privilege, then imports.

It runs as a script, before anything of a submission is loaded, and imports the
standard library alone. Arguments: folder of the request, of the library, scratch folder.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys

NOBODY = 65534
MAX_OPEN_FILES = 1024


def drop_privileges() -> None:
    """Become nobody for good, where the cell was entered as root."""
    if os.geteuid() == 0 and os.environ.get("GLASSBENCH_DROP") == "1":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def lower_limits(limits: dict) -> None:
    """Set hard limits, which no process without privileges can raise again."""
    for name, value in (
        ("RLIMIT_AS", limits["memory_bytes"]),
        ("RLIMIT_CPU", limits["cpu"]),
        ("RLIMIT_FSIZE", limits["file_bytes"]),
        ("RLIMIT_NPROC", limits["processes"]),
        ("RLIMIT_NOFILE", MAX_OPEN_FILES),
        ("RLIMIT_CORE", 0),
    ):
        if hasattr(resource, name):
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def clean_environment(scratch: str, threads: int) -> None:
    """Leave the variables that libraries need, and none that the machine had."""
    os.environ.clear()
    os.environ.update(HOME=scratch, TMPDIR=scratch, MPLCONFIGDIR=scratch, LANG="C.UTF-8")
    os.environ.update(PATH="/usr/bin:/bin", USER="nobody", TORCHINDUCTOR_CACHE_DIR=scratch)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)


def main() -> None:
    folder, library, scratch = sys.argv[1:4]
    with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
        request = json.load(file)
    os.closerange(3, 2**20)
    # What the model prints goes to the log; the answer has a channel of its own.
    answer = os.dup(1)
    os.dup2(2, 1)
    drop_privileges()
    lower_limits(request["limits"])
    clean_environment(scratch, request["limits"]["threads"])
    os.chdir(scratch)
    sys.path.insert(0, library)
    kernel = importlib.import_module("glassbench.submission.sandbox.kernel")
    request["landlock"] = kernel.restrict(writable=[scratch, "/dev/null", "/dev/shm"])
    request["system_calls"] = kernel.refuse()
    runner = importlib.import_module("glassbench.submission.sandbox.runner")
    runner.run(request, folder, scratch, answer)


if __name__ == "__main__":
    main()
