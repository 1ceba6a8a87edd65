"""Connecting: what is refused, how soon, and in which words."""

import contextlib
import os
import socket
import threading
import time

import pytest

from glassbench.cluster import ClusterError, open_session
from glassbench.cluster.session import address_of, quiet_stdout
from glassbench.home.machine import available_cores
from glassbench.trial.process import limited_threads


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def deaf_server():
    """Yield the port of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        for connection in accepted:
            connection.close()


@pytest.mark.parametrize("scheme", ["ray://", ""])
def test_a_dead_address_is_named_with_the_next_step(scheme):
    address = f"{scheme}127.0.0.1:{free_port()}"
    with pytest.raises(ClusterError, match=rf"{address} does not answer.*cluster=local"):
        with open_session(address):
            pass


def test_a_cluster_that_accepts_and_never_answers_is_given_up():
    with deaf_server() as port:
        started = time.monotonic()
        with pytest.raises(ClusterError, match="no answer within 1 s"):
            with open_session(f"127.0.0.1:{port}", patience=1.0):
                pass
        assert time.monotonic() - started < 60


def test_auto_takes_the_cluster_of_the_environment_then_the_one_left_running(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_ADDRESS", "ray://somewhere:10001")
    assert address_of("auto") == "ray://somewhere:10001"
    monkeypatch.setenv("RAY_ADDRESS", "")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert address_of("auto") == ""
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{free_port()}")
    assert address_of("auto") == "", "the cluster has gone since"


@pytest.mark.parametrize("word", ["locl", "here"])
def test_a_word_that_is_no_address_is_refused(word):
    with pytest.raises(ClusterError, match=f"cluster={word} is none of"):
        with open_session(word):
            pass


def test_without_ray_the_capacity_is_that_of_this_process():
    with open_session("none") as session:
        assert session.kind == "none"
        assert 1 <= session.capacity.cpus == available_cores() <= os.cpu_count()


def test_an_open_connection_serves_and_stays(two_cores):
    import ray

    with open_session("auto") as session:
        assert (session.kind, session.capacity.cpus) == ("local", 2)
    assert ray.is_initialized()


def test_workers_have_the_priority_of_who_started_them(two_cores):
    import ray

    niceness = ray.remote(lambda: os.nice(0)).remote()
    assert ray.get(niceness) == os.nice(0)


def test_what_ray_prints_from_its_own_threads_stays_off_standard_output(capsys, caplog):
    def chatter():
        print("a worker died")

    thread = threading.Thread(target=chatter, name="ray_listen_error_messages")
    with caplog.at_level("INFO", "glassbench.cluster"), quiet_stdout():
        thread.start()
        thread.join()
        print("mine")
    assert capsys.readouterr().out == "mine\n"
    assert "a worker died" in caplog.text


def test_threads_are_limited_for_libraries_loaded_before_and_after(monkeypatch):
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with limited_threads(1):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_a_proxy_of_the_environment_does_not_stand_before_the_cluster(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    from glassbench.cluster.session import _answers

    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    try:
        assert _answers(f"127.0.0.1:{port}", 5.0) is None
    finally:
        server.stop(None)
