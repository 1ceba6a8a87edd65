"""Fuzz what strangers hand in, each kind as often as asked, and print times and memory.

    python benchmarks/fuzz.py [N] [KIND…]

The kinds are the tests of `tests/submission/test_fuzz.py`, such as `record`, `archive`, `store`
and `toml`: whatever is changed, one message comes or none, no traceback, and nothing is written.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("text_as_model_toml", "value_of_any_key", "text_as_source", "change_of_a_record",
         "text_as_record", "change_of_an_archive", "change_of_a_store")  # fmt: skip


def main(words: list[str]) -> int:
    count, kinds = int(words[0]) if words else 10_000, words[1:] or KINDS
    print("| kind | cases | outcome | CPU s | peak memory, MiB |\n| --- | --- | --- | --- | --- |")
    failed = False
    for kind in kinds:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        command += ["-W", "ignore", "-o", "timeout=0", "-k", kind, "tests/submission/test_fuzz.py"]
        environment = os.environ | {"GLASSBENCH_FUZZ": str(count)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        failed = failed or done.returncode != 0
        # Of all processes so far, the largest.
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        memory = after.ru_maxrss // 1024
        outcome = "no traceback" if done.returncode == 0 else "FAILED"
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"| {kind} | {count} | {outcome} | {seconds:.0f} | {memory} |", flush=True)
        if done.returncode:
            print(done.stdout[-3000:], file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
