"""Where faults are injected: commands in processes of their own, and what they left behind."""

from __future__ import annotations

import collections
import contextlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glassbench.tracking.mlflow_store import ensure_store

from .injected import BEFORE, WISHES

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 5
STAGES = [*BEFORE, "fitting", "after recording"]
SECONDS = 600
CONTEXT = multiprocessing.get_context("forkserver")
IMPORTS = [
    "glassbench.cli.run",
    "glassbench.cluster",
    "glassbench.trial.run",
    "glassbench.training",
]
SETTINGS = {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    "OMP_NUM_THREADS": "1",
    # A store that nobody listens to, so that the scenarios need not make one each.
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
}


@dataclass(frozen=True)
class Row:
    """What a fault did.

    Attributes
    ----------
    how : how it was injected
    tried : trials, or commands, that it hit
    lost : finished work that was done again, or never came to a result
    duplicated : results, seeds of a record or runs in MLflow that are there twice
    equal : whether all scores and predictions are bit by bit those of an undisturbed run
    line : what the user read
    """

    fault: str
    how: str
    tried: int
    lost: int
    duplicated: int
    equal: bool
    line: str


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, and what it wrote for people."""

    returncode: int
    stderr: str


@dataclass(frozen=True)
class Command:
    """A command under way."""

    process: multiprocessing.Process
    errors: Path

    def wait(self) -> Ended:
        self.process.join(SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        words = self.errors.read_text() if self.errors.exists() else ""
        return Ended(self.process.exitcode, words)


def _command(words: list[str], environment: dict[str, str], errors: str) -> None:
    """Be the command of a user, in a process of its own."""
    os.environ.pop("GLASSBENCH_HOME", None)
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    from .driver import command

    command(words)


@dataclass
class Bench:
    """A folder for homes, the dataset, and the home of an undisturbed run."""

    folder: Path
    dataset: Path
    reference: Path | None = None
    empty_store: Path | None = None

    def home(self, name: str) -> Path:
        """Return a new folder of this name; repetitions have one each."""
        number = sum(path.name.startswith(f"{name}-") for path in self.folder.iterdir())
        home = self.folder / f"{name}-{number}"
        home.mkdir()
        return home

    def undisturbed(self) -> Path:
        """Return the home in which every seed came to its end without a fault."""
        if self.reference is None:
            self.reference = self.home("undisturbed")
            ended = self.command(self.reference, range(len(STAGES)))
            assert ended.returncode == 0, ended.stderr
        return self.reference

    def same_record(self, home: Path, seeds: Sequence[int]) -> bool:
        """Return whether a home's record says the same as one made without a fault."""
        ended = self.command(self.undisturbed(), seeds)
        assert ended.returncode == 0, ended.stderr
        return record(home, seeds) == record(self.undisturbed(), seeds)

    def store(self, home: Path) -> dict[str, str]:
        """Give a home an empty MLflow store, and return the environment that names it."""
        if self.empty_store is None:
            made = self.home("store")
            self.empty_store = made / "mlflow.db"
            ensure_store(self.empty_store)
        shutil.copy(self.empty_store, home)
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"}

    def start(self, home: Path, seeds: Sequence[int], *words: str, **environment: str):
        """Start the command of a user as a process, forked from one that has its imports."""
        CONTEXT.set_forkserver_preload(IMPORTS)
        arguments = [str(home), str(self.dataset), ",".join(map(str, seeds)), *words]
        errors = home.parent / f"{home.name}.{uuid.uuid4().hex}.txt"
        process = CONTEXT.Process(
            target=_command, args=(arguments, SETTINGS | environment, str(errors))
        )
        process.start()
        return Command(process, errors)

    def command(self, *arguments, **environment: str) -> Ended:
        """Run the command of a user to its end."""
        return self.start(*arguments, **environment).wait()

    def row(self, fault, how, home, seeds, line, tried=1, repeated=0, runs=0) -> Row:
        """Compare a home with what it should hold after its last command.

        `repeated` is how many epochs a fault in the middle of a fit may have thrown away,
        for each trial; `runs` the runs in MLflow that there must be, 0 to not look.
        """
        expected, found = outcomes(self.undisturbed()), outcomes(home)
        lost = sum(seed not in found for seed in seeds)
        lost += sum(epochs_again(home, seed) > repeated for seed in seeds)
        equal = all(found.get(seed) == expected[seed] for seed in seeds)
        twice = duplicates(home)
        if runs:
            twice += abs(len(runs_in(home)) - runs)
        return Row(fault, how, tried, lost, twice, equal, line)


def outcomes(home: Path) -> dict[int, tuple]:
    """Return scores by configuration, history and digest of the predictions, by seed."""
    found = {}
    for path in home.glob("trials/*/*/result.json"):
        result = json.loads(path.read_text())
        scores = json.dumps([result["conditions"], result["transfer"], result["history"]])
        found[result["trial"]["seed"]] = scores, result["predictions"]["sha256"]
    return found


def record(home: Path, seeds: Sequence[int]) -> dict:
    """Return what the record of some seeds says, but for clocks, costs and runs in MLflow."""
    for path in home.glob("records/*.json"):
        plain = json.loads(path.read_text())
        if plain["seeds"] == list(seeds):
            return {
                name: value
                for name, value in plain.items()
                if name not in ("cost", "created", "provenance", "tracking")
            }
    raise AssertionError(f"{home} has no record of the seeds {list(seeds)}")


def epochs_again(home: Path, seed: int) -> int:
    """Return how many epochs of a trial were computed more than once."""
    path = home / "epochs" / str(seed)
    lines = path.read_text().splitlines() if path.exists() else []
    return len(lines) - len({line.split()[0] for line in lines})


def duplicates(home: Path) -> int:
    """Return how much is in the records, or in the histories of results, more than once."""
    count = 0
    for path in home.glob("records/*.json"):
        for entry in json.loads(path.read_text())["conditions"]:
            for score in entry["scores"].values():
                seeds = [seed["seed"] for seed in score["seeds"]]
                count += len(seeds) - len(set(seeds))
    for path in home.glob("trials/*/*/result.json"):
        epochs = [entry["epoch"] for entry in json.loads(path.read_text())["history"]]
        count += epochs != list(range(1, EPOCHS + 1))
    return count


def runs_in(home: Path) -> list[str]:
    """Return the names of the runs in the MLflow store of a home."""
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return [name for (name,) in connection.execute("select name from runs")]


def wish(home: Path, **by_seed: dict) -> None:
    """Ask for faults, by seed as `s0`, `s1`, …"""
    plain = {seed[1:]: asked for seed, asked in by_seed.items()}
    (home / WISHES).write_text(json.dumps(plain))


def line_of(errors: str, sign: str) -> str:
    """Return the one line with a sign that the user read; more than one tell of more faults."""
    lines = [line for line in errors.splitlines() if sign in line]
    return lines[0] if lines else f"(no line with `{sign}`: {errors[-300:]})"


def total(rows: Sequence[Row]) -> list[Row]:
    """Return one row for each fault, of all the times that it was injected."""
    by_fault: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        by_fault[row.fault].append(row)
    return [
        Row(
            fault,
            same[0].how,
            sum(row.tried for row in same),
            sum(row.lost for row in same),
            sum(row.duplicated for row in same),
            all(row.equal for row in same),
            same[0].line,
        )
        for fault, same in by_fault.items()
    ]
