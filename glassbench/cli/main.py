"""The command `glassbench`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from ..contract.errors import printable
from . import (
    data,
    doctor,
    figure,
    leaderboard,
    lists,
    predict,
    record,
    run,
    score,
    study,
    submission,
    sweep,
    tune,
)
from .output import Asked, Result, command, new_group, reserve_stdout

app = new_group(
    name="glassbench",
    help="Benchmark of models that predict the dynamics of a glass from its structure.",
)


@app.command()
@command()
def version(asked: Asked) -> Result:
    """Show the version."""
    from .. import __version__

    return Result({"version": __version__}, [__version__])


for one in (
    run.run, sweep.sweep, study.study, study.studies, figure.figure, figure.figures, lists.tasks,
    lists.models, lists.show, tune.tune, lists.runs, lists.explain, score.score, predict.predict,
    doctor.doctor,
):  # fmt: skip
    app.command()(one)
for group in (leaderboard, submission, record, data):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
app.add_typer(doctor.cluster, name="cluster")


class _OneLine(logging.Formatter):
    """What is logged, cleaned as all text that leaves for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return printable(text, len(text))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_OneLine())
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter shows `?` in its place.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if "--json" in (sys.argv if arguments is None else arguments):
        reserve_stdout()
    app(args=arguments, prog_name="glassbench")
