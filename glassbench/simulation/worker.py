"""The process that makes one piece: a JSON request on standard input, one `.npz` file out.

Standard input stays open as long as the process that asked for the piece lives.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from threading import Thread

from .generator import import_generator
from .pieces import Piece, make_piece


def main() -> None:
    request = json.loads(sys.stdin.readline())
    Thread(target=_end_with_parent, daemon=True).start()
    piece = Piece(**request["piece"] | {"needs": tuple(request["piece"]["needs"])})
    make_piece(piece, Path(request["folder"]), import_generator(Path(request["generator"])).WORK)


def _end_with_parent() -> None:
    """Wait for the end of standard input, then leave at once."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
