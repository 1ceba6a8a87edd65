"""Which files of the package `glassbench run task=ka_propensity model=botan` goes through.

    python benchmarks/path_of_a_run.py [KEY=VALUE …]

Runs the command in this process (`cluster=none`, the smallest fit) in a home of its own and
prints the files in the order in which a function of them first runs, up to the written record;
without further words it writes them into `docs/architecture.md` too. What a module does while it
is imported does not count, nor does what the physics calls in turn, nor what is delivered later.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from types import CodeType, FrameType

import glassbench

ROOT = Path(glassbench.__file__).resolve().parent
# The smallest network: the path is that of a large one.
WORDS = ["task=ka_propensity", "model=botan", "epochs=1", "model.width=2", "model.recurrences=1"]
WORDS += ["model.pretrained=none", "floors=off"]
# Rooms that a run calls for what they compute, and not to find its way.
PHYSICS = ("datasets", "training", "metrics", "structure", "potentials", "regression")
LAST = ("record/record.py", "write_record")
DOCUMENT = ROOT.parent / "docs" / "architecture.md"
START = "<!-- path: written by benchmarks/path_of_a_run.py -->\n"
END = "<!-- end of path -->"


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
        file = _file_of(code)
        if file and not code.co_name.startswith("<"):
            if _is_aside(frame):
                return
            files.setdefault(file)
            if (file, code.co_name) == LAST:
                raise Written
        seen.add(code)

    from glassbench.cli import run

    with tempfile.TemporaryDirectory() as home, contextlib.suppress(Written):
        # Called once for each function that begins, not for its lines.
        sys.settrace(watch)
        try:
            run.run(words=[*words, "cluster=none", f"home={home}"])
            raise RuntimeError(f"{' '.join(words)} wrote no record")
        finally:
            sys.settrace(None)
    return list(files)


def _file_of(code: CodeType) -> str:
    """Return the file of a function within the package, empty for another one."""
    within = code.co_filename.startswith(f"{ROOT}/")
    return str(Path(code.co_filename).relative_to(ROOT)) if within else ""


def _is_aside(frame: FrameType) -> bool:
    """Return whether harness code runs for an import, or because physics asked for it."""
    own = _file_of(frame.f_code).split("/")[0] in PHYSICS
    while frame.f_back is not None:
        frame = frame.f_back
        file = _file_of(frame.f_code)
        if file and frame.f_code.co_name == "<module>":
            return True
        if file.split("/")[0] in PHYSICS and not own:
            return True
    return False


def harness_of(files: list[str]) -> list[str]:
    """Return the files that lead through the run, without those that compute."""
    return [file for file in files if file.split("/")[0] not in PHYSICS]


def main() -> None:
    more = sys.argv[1:]
    files = path_of([*WORDS, *(more or ["time=16.5"])])
    harness = harness_of(files)
    physics = [file for file in files if file not in harness]
    lines = [f"{number}. `{file}`" for number, file in enumerate(harness, 1)]
    lines += ["", f"and {len(physics)} files of data and physics:", ""]
    lines += [", ".join(f"`{file}`" for file in physics) + "."]
    print(*lines, sep="\n")
    if not more:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(START)
        text = before + START + "\n".join(lines) + f"\n{END}" + rest.partition(END)[2]
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
