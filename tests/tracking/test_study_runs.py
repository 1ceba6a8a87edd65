"""A study is one run of MLflow with a nested run for each trial, however often it is delivered."""

import contextlib
import json
import sqlite3

from glassbench.tracking.delivery import RequestDelivery, deliver

COST = {"wall_seconds": 4.0, "cpu_seconds": 3.0, "gpu_seconds": 0.0}


def rows(workspace, query):
    with contextlib.closing(sqlite3.connect(workspace.database)) as connection:
        return connection.execute(query).fetchall()


def delivery(workspace, trials):
    folder = workspace.home / "tuning" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    counts = {s: sum(t["state"] == s for t in trials) for s in ("finished", "stopped", "failed")}
    tuning = {
        "validation_score": 0.6, **counts, **COST, "search": "random", "scheduler": "asha",
        "metric": "pearson_a", "seed": 0,
    }  # fmt: skip
    report = {
        "task": "t", "dataset": "d", "model": "m", "space": {"rate": "rate: …"}, "tuning": tuning,
        "trials": [
            trial | {"trial": index, "key": f"{index}" * 64} for index, trial in enumerate(trials)
        ],
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "best.toml").write_text("x = 1\n")
    return RequestDelivery(
        digest="d" * 64,
        name="tuning m on t, d",
        experiment="glassbench/t",
        record="tuning/a/report.json",
        content=json.dumps(trials),
        trials=(),
        kind="study",
    )


def trial(state, score, reports, error=None):
    return {
        "state": state, "score": score, "reports": reports, "error": error, "cost": COST,
        "all_hyperparameters": {"rate": 0.1}, "began": 1000.0, "noted": 1010.0,
    }  # fmt: skip


def test_each_trial_is_a_run_under_one_parent_and_is_completed_later(with_store):
    workspace = with_store
    done = trial("finished", 0.6, {"1": 0.3, "2": 0.6})
    running = trial("running", None, {"1": 0.2})
    failed = trial("failed", None, {}, "ValueError: it broke")
    told = deliver(workspace, delivery(workspace, [done, running, failed]))
    assert told.delivered, told.message
    names = dict(rows(workspace, "select name, status from runs"))
    assert names == {
        "tuning m on t, d": "FINISHED", "m trial 0": "FINISHED", "m trial 1": "RUNNING",
        "m trial 2": "FAILED",
    }  # fmt: skip
    parents = rows(workspace, "select value from tags where key = 'mlflow.parentRunId'")
    assert parents == [(told.run_id,)] * 3
    query = "select step, value from metrics where key = 'validation_score' order by value"
    assert (2, 0.6) in rows(workspace, query) and (1, 0.2) in rows(workspace, query)
    assert rows(workspace, "select value from metrics where key = 'pearson_a'") == [(0.6,)]
    parameters = dict(rows(workspace, "select key, value from params"))
    assert parameters["model.rate"] == "0.1" and parameters["search"] == "random"
    assert {p.name for p in (workspace.home / "mlartifacts").rglob("*.*")} >= {
        "report.json",
        "best.toml",
    }
    stopped = trial("stopped", 0.2, {"1": 0.2})
    again = deliver(workspace, delivery(workspace, [done, stopped, failed]))
    assert again.run_id == told.run_id
    names = dict(rows(workspace, "select name, status from runs"))
    assert len(names) == 4 and names["m trial 1"] == "KILLED"
