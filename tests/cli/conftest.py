from __future__ import annotations

from dataclasses import dataclass

import pytest

from glassbench.cli import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workspace of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("GLASSBENCH_HOME", str(folder))
    return folder


@pytest.fixture
def glassbench(home, capsys):
    """Run the command line in this process and return its exit code and output."""

    def call(*words: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(words))
        output = capsys.readouterr()
        return Answer(left.value.code or 0, output.out, output.err)

    return call


FLOORS = {"local_energy": 0.2, "number_of_neighbours": 0.3, "local_density": None}


def condition(time: float = 16.5, value: float | None = 0.5, **changes) -> dict:
    """One condition of a record, with what a test wants to differ."""
    return {
        "condition": {"temperature": 0.64, "time": time},
        "tau_alpha": 16.5,
        "configurations": list("abcde"),
        "parents": list("pqrst"),
        "scores": {
            "pearson_a": {
                "value": value,
                "interval": None if value is None else [value - 0.05, value + 0.05],
                "seeds": [{"seed": 0, "value": value, "by_configuration": [value] * 5}],
            }
        },
        "ceiling": {"pearson_a": {"value": 0.8, "by_configuration": [0.8] * 5}},
        "floors": [
            {"model": name, "value": score, "interval": None, "by_configuration": [score] * 5}
            for name, score in FLOORS.items()
        ],
        "above_floor": {
            "floor": "number_of_neighbours",
            "difference": 0.2,
            "interval": [0.1, 0.3],
        },
        "reported": [],
    } | changes


@pytest.fixture
def make_condition():
    return condition


@pytest.fixture
def make_record():
    """Return a function that makes a record as the schema describes it."""

    def make(*conditions: dict, model: str = "botan", created: str = "2026-01-02T03:04:05Z"):
        return {
            "schema_version": 1,
            "status": "measured",
            "task": {
                "name": "ka_propensity",
                "protocol_version": 1,
                "primary_metric": "pearson_a",
            },
            "dataset": {"name": "mini", "digest": "sha256:0123456789abcdef"},
            "model": {
                "name": model,
                "title": "A model",
                "digest": "a" * 64,
                "reads": ["thermal"],
                "parameters": 52417,
            },
            "hyperparameters": {},
            "seeds": [0],
            "conditions": list(conditions) or [condition()],
            "failed": [],
            "cost": {
                "wall_seconds": 61.0,
                "cpu_seconds": 120.0,
                "gpu_seconds": 0.0,
                "peak_memory_bytes": 2**30,
            },
            "provenance": {
                "environments": [],
                "dataset_digest": "sha256:0123456789abcdef",
                "model_digest": "a" * 64,
            },
            "tracking": None,
            "predictions": [],
            "created": created,
        }

    return make
