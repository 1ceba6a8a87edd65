"""The process that makes one piece: a JSON request on standard input, one `.npz` file out.

Standard input stays open as long as whoever asked for the piece lives.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from threading import Thread

from .generators import generator_of
from .pieces import write_whole


def main() -> None:
    request = json.loads(sys.stdin.readline())
    Thread(target=_end_with_the_asker, daemon=True).start()
    work = generator_of(request["task"]).WORK
    write_whole(Path(request["path"]), work[request["kind"]](request))


def _end_with_the_asker() -> None:
    """Wait for the end of standard input, then leave at once."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
