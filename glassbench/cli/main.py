"""The command `glassbench`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from ..contract.errors import printable
from . import (
    cluster,
    data,
    doctor,
    leaderboard,
    lists,
    record,
    run,
    runs,
    score,
    study,
    submission,
    sweep,
    tune,
)
from .output import Json, guarded, new_group, write_json, write_lines

app = new_group(
    name="glassbench",
    help="Benchmark of models that predict the dynamics of a glass from its structure.",
)


@app.command()
@guarded
def version(json_output: Json = False) -> None:
    """Show the version."""
    from .. import __version__

    if json_output:
        write_json({"version": __version__})
    else:
        write_lines([__version__])


app.command()(run.run)
app.command()(sweep.sweep)
app.command()(study.study)
app.command()(study.studies)
app.command()(lists.tasks)
app.command()(lists.models)
app.command()(lists.show)
app.command()(tune.tune)
app.command()(runs.runs)
app.command()(runs.explain)
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(submission.app, name="submission")
app.add_typer(record.app, name="record")
app.add_typer(cluster.app, name="cluster")
app.add_typer(data.app, name="data")
app.command()(score.score)
app.command()(doctor.doctor)


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
    app(args=arguments, prog_name="glassbench")
