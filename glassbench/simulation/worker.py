"""The process that makes one piece: a JSON request on standard input, one `.npz` file out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .generators import generator_of
from .pieces import write_whole


def main() -> None:
    request = json.loads(sys.stdin.read())
    work = generator_of(request["task"]).WORK
    write_whole(Path(request["path"]), work[request["kind"]](request))


if __name__ == "__main__":
    main()
