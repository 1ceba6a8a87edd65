"""Delivery to a real MLflow store, and to stores that are dead, hang, or die in the middle."""

import contextlib
import importlib.util
import shutil
import socket
import sqlite3
import threading
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from glassbench.home.workspace import Workspace
from glassbench.tracking import delivery
from glassbench.tracking.delivery import (
    begin_delivery,
    deliver,
    deliver_all,
    pending,
    tracking_uri,
    without_credentials,
)
from glassbench.tracking.mlflow_store import database_of, ensure_store

spec = importlib.util.spec_from_file_location(
    "tracking_helpers", Path(__file__).with_name("conftest.py")
)
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)
finish, make_request, make_trial = helpers.finish, helpers.make_request, helpers.make_trial


def rows(workspace, query):
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        return connection.execute(query).fetchall()


def contents(workspace):
    """Return everything countable in the store."""
    return {
        table: sorted(rows(workspace, f"select * from {table}"))
        for table in ("runs", "metrics", "params", "tags")
    }


def test_a_request_is_one_parent_with_a_nested_run_for_each_trial_and_only_once(with_store):
    workspace = with_store
    good, bad = make_trial(0), make_trial(1)
    finish(workspace, good)
    log = workspace.trial_folder(bad.key) / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback")
    request = make_request(workspace, [good, bad], {bad.key: "ValueError: the loss is infinite"})
    told = deliver(workspace, request)
    assert told.delivered, told.message
    names = dict(rows(workspace, "select name, status from runs"))
    assert names == {"botan on mini": "FAILED", good.name: "FINISHED", bad.name: "FAILED"}
    parents = rows(workspace, "select value from tags where key = 'mlflow.parentRunId'")
    assert parents == [(told.run_id,), (told.run_id,)]
    losses = rows(workspace, "select step, value from metrics where key = 'loss' order by step")
    assert losses == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert rows(workspace, "select value from metrics where key = 'pearson_a'") == [(0.5,)]
    assert not rows(workspace, "select * from metrics where key = 'pearson_b'")
    parameters = dict(rows(workspace, "select key, value from params"))
    assert parameters["model.width"] == "64" and parameters["time"] == "16.5"
    system = dict(rows(workspace, "select key, value from metrics where key like 'system/%'"))
    assert system["system/cpu_utilization_percentage"] == 180.0
    artifacts = sorted(path.name for path in (workspace.home / "mlartifacts").rglob("*.*"))
    assert artifacts.count("predictions.npz") == 1 and artifacts.count("parity.png") == 1

    before = contents(workspace)
    again = deliver(workspace, request)
    assert again == told and contents(workspace) == before

    # What failed has finished since: its run is completed, none is added.
    finish(workspace, bad)
    later = deliver(workspace, make_request(workspace, [good, bad], content="2"))
    assert later.delivered and later.run_id == told.run_id
    assert dict(rows(workspace, "select name, status from runs")) == {
        "botan on mini": "FINISHED", good.name: "FINISHED", bad.name: "FINISHED",
    }  # fmt: skip
    assert len(rows(workspace, "select * from runs")) == 3


@contextlib.contextmanager
def deaf_server():
    """Yield the address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://user:password@127.0.0.1:{server.getsockname()[1]}"
        for connection in accepted:
            connection.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_dead_store_is_left_alone_and_served_by_a_later_command(with_store, monkeypatch):
    workspace, trial = with_store, make_trial()
    finish(workspace, trial)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    request = make_request(workspace, [trial])
    told = deliver(workspace, request)
    assert not told.delivered and told.run_id is None and "refused" in told.message
    deliver_all(workspace, [])
    assert len(pending(workspace)) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    # The same request, with a store that lives.
    assert deliver(workspace, request).delivered
    deliver_all(workspace, [])
    assert not pending(workspace)
    assert len(rows(workspace, "select * from runs")) == 2


def test_a_later_request_takes_an_earlier_one_along(with_store, monkeypatch):
    workspace, first, second = with_store, make_trial(0), make_trial(1)
    finish(workspace, first)
    finish(workspace, second)
    earlier = make_request(workspace, [first])
    later = replace(make_request(workspace, [second]), digest="f" * 64)
    with monkeypatch.context() as dead:
        dead.setattr(delivery, "_deliver", lambda *_: "nobody answers")
        assert not deliver(workspace, earlier).delivered
    assert deliver(workspace, later).delivered
    deliver_all(workspace, [])
    assert not pending(workspace)
    assert len(rows(workspace, "select * from runs where status = 'FINISHED'")) == 4


def test_a_store_that_hangs_costs_its_time_limit_alone(workspace, monkeypatch):
    trial = make_trial()
    finish(workspace, trial)
    with deaf_server() as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3600")
        started = time.monotonic()
        told = deliver(workspace, make_request(workspace, [trial]), patience=5)
        assert time.monotonic() - started < 120
    assert not told.delivered and "within 5 s" in told.message
    (waiting,) = pending(workspace)
    written = waiting.read_text()
    assert "password" not in written and "password" not in told.uri


def test_a_store_that_dies_in_the_middle_gets_the_rest_later(with_store):
    workspace, trials = with_store, [make_trial(seed) for seed in range(3)]
    for trial in trials:
        finish(workspace, trial)
    (workspace.home / "mlartifacts").write_text("a file where the folder should be")
    request = make_request(workspace, trials)
    told = deliver(workspace, request)
    assert not told.delivered and told.run_id is not None and told.message
    assert len(rows(workspace, "select * from runs")) == 2
    (workspace.home / "mlartifacts").unlink()
    deliver_all(workspace, [])
    assert not pending(workspace)
    assert deliver(workspace, request).run_id == told.run_id
    assert len(rows(workspace, "select * from runs where status = 'FINISHED'")) == 4
    losses = rows(workspace, "select run_uuid, step from metrics where key = 'loss'")
    assert len(losses) == len(set(losses)) == 9


def test_what_was_begun_is_delivered_when_the_command_is_gone(with_store):
    finish(with_store, make_trial())
    request = make_request(with_store, [make_trial()])
    assert begin_delivery(with_store, []) is None, "there is nothing to deliver"
    begun = begin_delivery(with_store, [request])
    assert begun.poll() is None and not rows(with_store, "select * from runs")
    begun.stdin.close()  # as the end of the command does
    assert begun.wait(60) == 0, begun.stderr.read()
    assert not pending(with_store)
    assert len(rows(with_store, "select * from runs")) == 2
    drawn = replace(request, figures=())
    assert deliver(with_store, drawn).delivered and len(rows(with_store, "select * from runs")) == 2


def test_a_new_home_copies_the_empty_store_that_this_user_has(workspace, empty_store, monkeypatch):
    cache = workspace.home.with_name("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    kept = cache / "glassbench" / f"mlflow-{metadata.version('mlflow')}.db"
    kept.parent.mkdir(parents=True)
    shutil.copy(empty_store, kept)
    with contextlib.closing(sqlite3.connect(kept)) as connection, connection:
        connection.execute("insert into experiment_tags values ('from', 'the template', 0)")
    before = kept.read_bytes()
    ensure_store(workspace.database)
    assert rows(workspace, "select key, value from experiment_tags") == [("from", "the template")]
    assert rows(workspace, "PRAGMA journal_mode") == [("wal",)]
    (where,) = rows(workspace, "select artifact_location from experiments")
    assert where == (str(workspace.home / "mlruns" / "0"),)
    assert kept.read_bytes() == before


def test_a_new_store_gets_everything_again(with_store):
    workspace, trial = with_store, make_trial()
    finish(workspace, trial)
    request = make_request(workspace, [trial])
    first = deliver(workspace, request)
    workspace.database.unlink()
    second = deliver(workspace, request)
    assert second.delivered and second.run_id != first.run_id
    assert len(rows(workspace, "select * from runs")) == 2


@pytest.mark.quick
def test_what_is_kept_holds_no_credentials():
    assert without_credentials("https://me:secret@host:5000/x?token=1") == "https://host:5000/x"


def test_a_home_may_have_any_name(tmp_path, empty_store):
    name = "ho#me, what? 100%20percent ü"
    workspace = Workspace(tmp_path / name / "home")
    workspace.home.mkdir(parents=True)
    shutil.copy(empty_store, workspace.database)
    finish(workspace, make_trial())
    told = deliver(workspace, make_request(workspace, [make_trial()]))
    assert told.delivered, told.message
    assert len(rows(workspace, "select * from runs")) == 2
    assert list((workspace.home / "mlartifacts").rglob("predictions.npz"))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert database_of(told.uri) == workspace.database


@pytest.mark.quick
def test_a_store_named_by_a_relative_path_is_the_same_from_every_folder(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///own.db")
    monkeypatch.chdir("/tmp")
    assert tracking_uri(workspace) == "sqlite:////tmp/own.db"


def test_a_run_that_was_begun_is_completed_and_another_result_is_another_run(with_store):
    workspace, trial = with_store, make_trial()
    finish(workspace, trial)
    request = make_request(workspace, [trial])
    told = deliver(workspace, request)
    shutil.rmtree(workspace.home / "tracking" / "delivered")
    assert deliver(workspace, request) == told
    assert len(rows(workspace, "select * from runs")) == 2
    finish(workspace, trial, value=0.6)
    assert deliver(workspace, replace(request, content="2")).run_id == told.run_id
    assert rows(workspace, "select value from metrics where key = 'pearson_a'") == [(0.5,), (0.6,)]
    assert len(rows(workspace, "select * from runs")) == 3


def test_a_user_without_a_home_directory_is_served(with_store, monkeypatch):
    finish(with_store, make_trial())
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert deliver(with_store, make_request(with_store, [make_trial()])).delivered


def test_the_store_of_a_workspace_can_be_read_while_it_is_written(empty_store):
    with contextlib.closing(sqlite3.connect(empty_store)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
