"""A word in time when the head of a cluster falls silent: Ray soon ends the process then."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

SILENCE = 10.0
PERIOD = 2.0
CLIENT_PORT = 10001
logger = logging.getLogger("glassbench.cluster")


@contextlib.contextmanager
def head_watched(address: str, silence: float = SILENCE, period: float = PERIOD) -> Iterator[None]:
    """Warn, for the length of a `with` block, when nobody listens at a cluster's address.

    Ray waits a minute for its head, and then ends this process without a word of ours.

    Parameters
    ----------
    address : `host:port` or `ray://host:port`
    silence : seconds without an answer before the warning, which is given once
    period : seconds between looks
    """
    stop = threading.Event()

    def watch() -> None:
        heard, warned = time.monotonic(), False
        while not stop.wait(period):
            if _listens(address, period):
                heard, warned = time.monotonic(), False
            elif not warned and time.monotonic() - heard >= silence:
                warned = True
                logger.warning(
                    "the head of the cluster at %s is silent: if it does not come back within a "
                    "minute, start it again and repeat the command; what is finished is kept",
                    address,
                )

    thread = threading.Thread(target=watch, name="glassbench-head-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _listens(address: str, patience: float) -> bool:
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        socket.create_connection((parts.hostname, parts.port or CLIENT_PORT), patience).close()
    except OSError:
        return False
    return True
