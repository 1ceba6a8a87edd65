from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from glassbench.cli import lists

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = {
    "torch", "ray", "mlflow", "xarray", "zarr", "scipy", "sklearn", "matplotlib", "pydantic",
    "numpy", "rich", "torch_geometric",
}  # fmt: skip


def _python(code: str, *arguments: str, home: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "GLASSBENCH_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        timeout=60,
    )


COMMANDS = (
    "", "run", "tasks", "models", "show", "runs", "score", "doctor", "version", "data",
    "data list", "data info", "data import", "data verify", "data generate",
    "submission", "submission new", "submission check", "submission pack", "submission verify",
    "record", "record key", "record verify", "record add",
)  # fmt: skip
HELP = """
import sys
import glassbench.model, glassbench.contract.trial_plan
import glassbench.experiments.words, glassbench.plugins.registry, glassbench.cli
from glassbench import load_task
for command in sys.argv[1:]:
    try:
        glassbench.cli.main([*command.split(), "--help"])
    except SystemExit as left:
        assert left.code == 0, command
print(*sys.modules, file=sys.stderr)
"""
LISTING = """
import sys
import glassbench.plugins.registry
assert glassbench.plugins.registry.list_models() and glassbench.plugins.registry.list_tasks()
print(*sys.modules, file=sys.stderr)
"""


def _loaded(stderr: str) -> set[str]:
    return {name.partition(".")[0] for name in stderr.split()}


def test_imports_and_help_load_nothing_heavy(home):
    done = _python(HELP, *COMMANDS, home=home)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f"Usage: glassbench {command}".rstrip() in done.stdout
    assert not _loaded(done.stderr) & HEAVY
    assert not home.exists()


def test_listing_tasks_and_models_loads_what_checks_them_and_no_more(home):
    done = _python(LISTING, home=home)
    assert done.returncode == 0, done.stderr
    assert _loaded(done.stderr) & HEAVY == {"numpy", "pydantic"}
    assert not home.exists()


def test_a_wrong_command_names_the_right_one(glassbench):
    answer = glassbench("rnu")
    assert answer.code == 2
    assert "'run'" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "`task=` is missing"),
        (["run", "task=ka_propensty", "model=x"], "did you mean `ka_propensity`"),
        (["run", "task=ka_propensity", "modl=x"], "did you mean `model`?"),
        (["run", "task=ka_propensity", "model=no_such_model"], "there is no model"),
        (["show", "ka_propensty"], "did you mean `ka_propensity`"),
        (["runs", "modle=x"], "did you mean `model`?"),
        (["data", "info", "minni"], "there is no dataset `minni`"),
        (["data", "import", "botan", ".", "name=../x"], "is not a plain name"),
        (["data", "import", "botan", ".", "name=mini"], "names the embedded data"),
        (["data", "import", "botann", "."], "there is no reader `botann`"),
        (["data", "verify", "./nowhere"], "there is no dataset at"),
        (["score", "task=ka_propensity"], "one file of predictions is wanted"),
        (["doctor", "--json", "hme=x"], "did you mean `home`?"),
    ],
)
def test_a_wrong_request_is_one_message_and_exit_code_2(glassbench, words, message):
    answer = glassbench(*words)
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert answer.out == ""


def test_an_unexpected_error_leaves_its_traceback_in_a_log(glassbench, home, monkeypatch):
    def fail():
        raise ZeroDivisionError("something inside")

    monkeypatch.setattr(lists, "list_tasks", fail)
    answer = glassbench("tasks")
    assert answer.code == 1
    assert "ZeroDivisionError: something inside" in answer.err
    assert "Traceback" not in answer.err
    (log,) = (home / "logs").iterdir()
    assert str(log) in answer.err
    assert "Traceback" in log.read_text()
    assert "something inside" in log.read_text()


def test_ctrl_c_leaves_with_130_and_says_how_to_go_on(glassbench, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(lists, "list_tasks", interrupt)
    answer = glassbench("tasks")
    assert answer.code == 130
    assert "the same command goes on" in answer.err


def test_a_reader_that_leaves_early_is_no_error(home):
    code = "from glassbench.cli import main; main(['show', 'ka_propensity'])"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -u -c \"{code}\" | true"],
        capture_output=True, text=True, timeout=60, cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "GLASSBENCH_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_json_document_has_stdout_to_itself(home):
    late = "import atexit, os; atexit.register(os.system, 'echo late'); atexit.register(print, 1);"
    done = _python(
        f"{late} from glassbench.cli import main; main(['version', '--json'])", home=home
    )
    assert set(json.loads(done.stdout)) == {"version"}
    assert sorted(done.stderr.split()) == ["1", "late"]


def test_what_there_is(glassbench):
    assert "temperature × time" in glassbench("tasks").out
    tasks = {task["name"]: task for task in json.loads(glassbench("tasks", "--json").out)["tasks"]}
    assert [axis["name"] for axis in tasks["ka_propensity"]["axes"]] == ["temperature", "time"]
    assert {"cuzr_stiffness", "lj2d_plasticity", "cuzr_plasticity", "ka_pair_distance"} < set(tasks)
    models = json.loads(glassbench("models", "--json").out)
    assert all(set(model["tasks"]) <= set(tasks) for model in models["models"])
    shown = json.loads(glassbench("show", "ka_propensity", "--json").out)
    assert shown["task"]["protocol_version"] >= 1
    assert "targets" in glassbench("show", "ka_propensity").out


def test_a_model_is_shown_with_its_hyperparameters(glassbench, tmp_path):
    (tmp_path / "model.toml").write_text(
        'name = "mine"\ntitle = "Mine"\nauthors = ["A"]\nyear = 2020\nlicence = "MIT"\n'
        'entry = "model:Mine"\nreads = ["thermal"]\ntasks = ["ka_propensity"]\n'
        'conditions_per_fit = "all"\n[hyperparameters]\nwidth = 3\n'
    )
    answer = glassbench("show", str(tmp_path))
    assert answer.code == 0, answer.err
    assert "one fit serves   all conditions" in answer.out
    assert "width  3" in answer.out


def test_a_task_is_shown_by_its_path(glassbench):
    shown = json.loads(glassbench("show", str(REPOSITORY / "tasks/ka_propensity"), "--json").out)
    assert list(shown) == ["task"]


@pytest.mark.parametrize(
    ("below", "reason"),
    [("", "file exists"), ("/x", "not a directory")],
)
def test_a_file_in_the_place_of_a_folder_is_named_without_a_traceback(
    below, reason, glassbench, tmp_path
):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    out = f"{tmp_path}/taken{below}"
    answer = glassbench("leaderboard", "build", f"out={out}", f"records={tmp_path}")
    assert answer.code == 2
    assert answer.err.startswith(f"glassbench: {out} cannot be used: {reason}. Name another")
    assert "Traceback" not in answer.err and "error of glassbench" not in answer.err


def test_of_a_rename_that_fails_the_end_that_was_chosen_is_named(glassbench, monkeypatch, tmp_path):
    def fail():
        (tmp_path / "partial").write_text("", encoding="utf-8")
        (tmp_path / "chosen").mkdir()
        (tmp_path / "partial").replace(tmp_path / "chosen")

    monkeypatch.setattr(lists, "list_tasks", fail)
    answer = glassbench("tasks")
    assert answer.code == 2
    assert f"{tmp_path / 'chosen'} cannot be used: is a directory" in answer.err
