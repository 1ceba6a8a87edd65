"""A cluster whose head falls silent is named once, and once more when it has come back since."""

import socket
import time

from glassbench.cluster.session import head_watched


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


def test_a_silent_head_is_named_once_with_the_next_step(caplog):
    server = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{server.getsockname()[1]}"
    with head_watched(address, silence=0.2, period=0.05):
        time.sleep(0.4)
        assert not caplog.records
        server.close()
        wait_until(lambda: caplog.records)
        time.sleep(0.4)
    (record,) = caplog.records
    assert address in record.getMessage() and "repeat the command" in record.getMessage()
