"""Which files of the package `glassbench run task=ka_propensity model=botan` goes through.

    python benchmarks/path_of_a_run.py [KEY=VALUE …]

Runs the command in this process (`cluster=none`, the smallest fit) in a home of its own, and
prints the files in the order in which a function of them first runs, up to the written record.
What a module does while it is imported does not count, nor does what is delivered later.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from types import CodeType, FrameType

import glassbench

ROOT = Path(glassbench.__file__).resolve().parent
WORDS = ["task=ka_propensity", "model=botan", "time=16.5", "epochs=1", "floors=off"]
# The smallest network: the path is that of a large one.
WORDS += ["model.width=2", "model.recurrences=1", "model.pretrained=none"]
# Rooms that a run calls for what they compute, and not to find its way.
PHYSICS = ("datasets", "training", "metrics", "structure", "potentials", "regression")
LAST = ("record/file.py", "write_record")


class Written(BaseException):
    """The record is written: the end of the path."""


def path_of(words: list[str]) -> list[str]:
    """Return the files of the package, in the order of the first call into each."""
    files: dict[str, None] = {}
    seen: set[CodeType] = set()

    def watch(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code in seen:
            return
        ours = code.co_filename.startswith(f"{ROOT}/") and not code.co_name.startswith("<")
        if ours and _while_imported(frame):
            return
        seen.add(code)
        if ours:
            file = str(Path(code.co_filename).relative_to(ROOT))
            files.setdefault(file)
            if (file, code.co_name) == LAST:
                raise Written

    from glassbench.cli import run

    with tempfile.TemporaryDirectory() as home, contextlib.suppress(Written):
        # Called once for each function that begins, not for its lines.
        sys.settrace(watch)
        try:
            run.run(words=[*words, "cluster=none", f"home={home}"])
        finally:
            sys.settrace(None)
    return list(files)


def _while_imported(frame: FrameType) -> bool:
    """Return whether a frame runs because a module of the package is being imported."""
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(str(ROOT)):
            return True
    return False


def main() -> None:
    files = path_of(sys.argv[1:] or WORDS)
    harness = [file for file in files if file.split("/")[0] not in PHYSICS]
    for number, file in enumerate(harness, 1):
        print(f"{number:3d}  {file}")
    print(f"\nand {len(files) - len(harness)} files of data and physics:")
    for file in files:
        if file not in harness:
            print(f"     {file}")


if __name__ == "__main__":
    main()
