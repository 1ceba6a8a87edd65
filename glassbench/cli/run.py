"""`glassbench run`: from words to a table."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import WordError
from ..contract.folder_digest import uncounted_imports
from ..experiments.request import BenchmarkRequest, make_requests, model_trials, task_of
from ..experiments.words import RunRequest, parse_run
from ..home.workspace import Workspace
from .data_made import download_first
from .output import Asked, Result, command, say, write_lines
from .progress import Display
from .tables import (
    place_lines,
    result_table,
    summary_lines,
    terminal_width,
    transfer_table,
    whole_words,
)

CONDITIONS_NAMED = 4

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..experiments.conclude import RunReport


@command(None)
def run(asked: Asked) -> Result:
    """Run a model on a task and score it.

    task=NAME model=NAME[,NAME] [target=NAME] [dataset=NAME|PATH]
    [temperature=…] [time=…] [train.temperature=…] [train.time=…]
    [seed=0,1,2|0..4] [epochs=N] [model.HYPERPARAMETER=…]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [workers=N]
    [floors=on|off] [force=on] [config=FILE] [failed_checks=allow] [download=yes] [home=FOLDER]

    target= is another target of the task in place of its own; train.temperature= trains at another
    temperature than the one that is tested, at the time that is most alike in units of the
    relaxation time unless train.time= names one: a board of its own holds such records.

    threads= is the cores of one trial, workers= the processes that train one trial together,
    config= a file with task, model and hyperparameters, as `glassbench tune` writes one (words
    given here win), force=on forgets what earlier runs of the same request left, and
    failed_checks=allow takes a dataset whose physics failed; download=yes fetches a published
    dataset that is not here (`glassbench data download` lists them).

    The scores are compared with trivial floors and with the best that the data allow.

    Lists are written with commas, ranges as 0..4, words in any order. What is finished is not
    computed again, and what was stopped goes on: give the same words once more.
    """
    task, request, workspace = _understand(asked)
    requests = make_requests(task, request, workspace)
    from ..cluster import execute
    from ..experiments.conclude import hand_over, run_to_record

    reports = []
    for each in requests:
        if request.force:
            forget_trials(each, workspace)
        if not asked.json:
            say(announcement(each))
            for name, place in uncounted_imports(each.model.folder).items():
                say(
                    f"note: {each.model.name} imports {name} from {place}; when that changes, "
                    "results are kept all the same: give force=on, or move it into the folder"
                )
        with Display(quiet=asked.json) as display:
            report = run_to_record(each, workspace, execute, display)
        if not asked.json:
            write_lines(score_lines(task, report))
            sys.stdout.flush()
        (report,) = hand_over([report], workspace)
        reports.append(report)
        if not asked.json:
            write_lines(end_lines(report, workspace))
    failed = any(outcome.error for report in reports for outcome in report.outcomes + report.floors)
    return Result({"runs": [report_plain(report, workspace) for report in reports]}, (), failed)


def _understand(asked: Asked) -> tuple[Task, RunRequest, Workspace]:
    """Return what is asked for; a configuration file names task and model where no word does."""
    from ..experiments.tuning.configuration import read_configuration

    values = asked.values
    file = read_configuration(Path(values["config"])) if "config" in values else None
    for key in ("task", "model") if file is not None else ():
        own = getattr(file, key)
        given = values.setdefault(key, own)
        # A model may be given as the folder it lies in.
        if Path(own).name != Path(given).name:
            raise WordError(
                f"`{key}={given}` contradicts {values['config']}, which is for {own}: "
                f"leave `{key}=` out, or take another file"
            )
    task = task_of(values)
    axes = [axis.name for axis in task.axes]
    request = parse_run(values, axes, ["download", *(f"train.{axis}" for axis in axes)])
    download_first(values, task, asked.json, asked.workspace)
    return task, request, asked.workspace


def announcement(request: BenchmarkRequest) -> str:
    conditions = ", ".join(condition.name for condition in request.conditions[:CONDITIONS_NAMED])
    if len(request.conditions) > CONDITIONS_NAMED:
        conditions += f" and {len(request.conditions) - CONDITIONS_NAMED} more"
    seeds = ",".join(map(str, request.seeds))
    whole = request.view.dataset.whole
    dataset = request.dataset.name + (whole_words(whole) if whole else "")
    defaults = ", ".join(
        ["general", *request.model.sections(request.task.name, request.dataset.name)]
    )
    target = request.task.other_target and f", target {request.task.target}"
    there = ", ".join(condition.name for condition in dict.fromkeys(request.trained_at))
    trained = there and f", trained at {there}"
    return (
        f"{request.model.name} on {request.task.name}{target}, dataset {dataset}, "
        f"at {conditions}{trained}; seed {seeds}; defaults {defaults}"
    )


def forget_trials(request: BenchmarkRequest, workspace: Workspace) -> None:
    """Remove what earlier runs left of a request's trials, but not of its floors."""
    from ..home.files import Storage

    for trial in model_trials(request):
        folder = workspace.trial_folder(trial.key)
        if folder.exists():
            shutil.rmtree(folder)
            if workspace.checkpoints:
                Storage(workspace.trial_checkpoints(trial.key)).remove()
            say(f"force: forgot {trial.name}")


def score_lines(task: Task, report: RunReport) -> list[str]:
    if report.record is None:
        return []
    lines = [*summary_lines(report.record), ""]
    lines += [*result_table(report.record, task.primary_metric, terminal_width()), ""]
    elsewhere = transfer_table(report.record, task, terminal_width())
    return [*lines, *elsewhere, ""] if elsewhere else lines


def end_lines(report: RunReport, workspace: Workspace) -> list[str]:
    lines: list[str] = []
    if report.record is not None:
        predictions = _predictions(report, workspace)
        lines = place_lines(report.record_path, report.tracking, predictions, report.figures or ())
    for outcome in (*report.outcomes, *report.floors):
        if outcome.error:
            log = f"; log: {outcome.log}" if outcome.log else ""
            lines.append(f"failed  {outcome.trial.name}: {outcome.error}{log}")
    return lines


def report_plain(report: RunReport, workspace: Workspace) -> dict[str, Any]:
    return {
        "record": report.record,
        "record_path": report.record_path and str(report.record_path),
        "predictions": [str(path) for path in _predictions(report, workspace)],
        "tracking": report.tracking,
        "figures": [str(path) for path in report.figures or ()],
        "failed": [
            {
                "trial": outcome.trial.name,
                "key": outcome.trial.key,
                "error": outcome.error,
                "log": outcome.log and str(outcome.log),
            }
            for outcome in (*report.outcomes, *report.floors)
            if outcome.error
        ],
    }


def _predictions(report: RunReport, workspace: Workspace) -> list[Path]:
    return [
        workspace.trial_folder(outcome.trial.key) / outcome.result.predictions["path"]
        for outcome in report.outcomes
        if outcome.result is not None
    ]
