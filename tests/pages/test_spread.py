"""Work that copies of the process share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from glassbench.pages.spread import FEWEST, spread

# An item ends when both copies have taken one: a copy that starts late finds work left.
SHARED = """
import os, sys, time
from pathlib import Path
from glassbench.pages.spread import FEWEST, spread
base = 1000
seen = Path(sys.argv[1])

def act(k):
    (seen / str(os.getpid())).touch()
    while len(list(seen.iterdir())) < 2:
        time.sleep(0.01)
    return base + k, os.getpid()

os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
done = spread(act, range(2 * FEWEST))
assert [value for value, _ in done] == [base + k for k in range(2 * FEWEST)]
print(len({process for _, process in done} - {os.getpid()}))
try:
    spread(lambda k: 1 / (k - 7), range(2 * FEWEST))
except ZeroDivisionError:
    print("told")
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core")
def test_copies_share_the_work_keep_its_order_and_tell_of_errors(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", SHARED, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["2", "told"]


def test_a_process_with_threads_is_not_copied():
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert set(spread(lambda _: os.getpid(), range(2 * FEWEST))) == {os.getpid()}
    finally:
        stop.set()
        other.join()
