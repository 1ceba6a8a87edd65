"""What every command shares: its options, how it writes results, what it does with errors."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from ..contract.errors import UserError, escaped, printable
from ..experiments.words import check_keys, split_words
from ..home.workspace import Workspace, open_workspace

Words = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE ...", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
FAILED, WRONG_REQUEST, INTERRUPTED = 1, 2, 130
# Where a JSON document goes once stdout is kept for it.
_document: list[TextIO] = []
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# What is wrong with a path that a user named, and seldom with a program.
WRONG_PLACE = {
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "it can only be read",
    errno.EEXIST: "it is there already, and no folder",
    errno.ENOTDIR: "a part of it is a file, not a folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links lead in a circle",
}


def new_group(**options: Any) -> typer.Typer:
    """Return a group of commands whose `--help` is fast.

    The help and completion options that typer makes for a group have no default,
    and reading their absence imports pydantic before any command is known.
    """
    group = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        add_help_option=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **options,
    )

    @group.callback()
    def with_help(
        show_help: Annotated[
            bool,
            typer.Option(
                "--help", is_eager=True, callback=_show_help, help="Show this message and exit."
            ),
        ] = False,
    ) -> None:
        """Take `--help` alone."""

    return group


def _show_help(context: typer.Context, asked: bool) -> None:
    if asked:
        print(context.get_help())
        raise typer.Exit


def get_words(words: Sequence[str] | None, *keys: str) -> tuple[dict[str, str], Workspace]:
    """Return the values of KEY=VALUE words, of which `home=` names the workspace."""
    values = split_words(words or [])
    check_keys(values, (*keys, "home"))
    return values, open_workspace(values.get("home"))


def write_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line, len(line)))


def reserve_stdout() -> None:
    """Keep stdout for a JSON document: what plugins, threads and children print goes to stderr."""
    real = sys.__stdout__
    if real is not None and sys.stdout is real:
        real.flush()
        _document.append(os.fdopen(os.dup(1), "w", encoding=real.encoding))
        os.dup2(2, 1)


def write_json(plain: Any) -> None:
    """Write one JSON document; numbers that are not finite are a fault, not a value."""
    out = _document[0] if _document else sys.stdout
    ascii_only = "utf" not in (out.encoding or "utf-8").lower()
    text = json.dumps(plain, indent=1, ensure_ascii=ascii_only, allow_nan=False, default=_plain)
    print(escaped(text), file=out, flush=True)


def write_result(json_output: bool, plain: Any, lines: Iterable[str]) -> None:
    """Write what a command came to: as one JSON document, or as lines for people."""
    write_json(plain) if json_output else write_lines(lines)


def _plain(value: Any) -> Any:
    """Return what JSON takes in place of a record, a dataclass, a path, or another value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value.to_json() if hasattr(value, "to_json") else str(value)


def guarded(command: Callable) -> Callable:
    """Return the command with its exit codes: 2 for user errors, 1 for others, 130 for Ctrl-C."""

    @functools.wraps(command)
    def run(*arguments, **options):
        try:
            return command(*arguments, **options)
        except UserError as error:
            say(f"glassbench: {error}")
            code = WRONG_REQUEST
        except KeyboardInterrupt:
            say(
                "glassbench: stopped. What is finished is kept; the same command goes on from here."
            )
            code = INTERRUPTED
        except BrokenPipeError:
            # The reader left, as `head` does; keep the interpreter from flushing once more.
            for stream in (*_document, sys.stdout):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            code = FAILED
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            code = _say_unexpected(error)
        raise typer.Exit(code)

    return run


def _say_unexpected(error: Exception) -> int:
    """Say what went wrong and what to do next; return the exit code."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        say(
            f"glassbench: no room is left on the disk of {error.filename or 'the home'}: free "
            "some. What is finished is kept; the same command goes on from here."
        )
    elif isinstance(error, OSError) and error.errno in WRONG_PLACE and error.filename:
        # A rename that fails names both ends; the second is what a user chose.
        place = error.filename2 or error.filename
        say(
            f"glassbench: {place} cannot be used: {WRONG_PLACE[error.errno]}. Name another "
            "place, or mend this one; what is finished is kept."
        )
        return WRONG_REQUEST
    else:
        say(f"glassbench: {type(error).__name__}: {error}")
        say("This is an error of glassbench or of a plugin.", *_write_log())
    return FAILED


def say(*messages: str) -> None:
    """Write messages for people to stderr, a line each, since they may quote a stranger's text."""
    lines = [printable(message, len(message)) for message in messages]
    with contextlib.suppress(BrokenPipeError):
        print(*lines, sep="\n", file=sys.stderr, flush=True)


def _write_log() -> list[str]:
    """Write the traceback that is being handled, and return where it is."""
    # Indented, no line of an error's text is taken for one of ours.
    trace = [f"  {printable(line, len(line))}" for line in traceback.format_exc().splitlines()]
    words = [word.partition("=")[2] for word in sys.argv if word.startswith("home=")]
    folder = open_workspace(words[0] if words else None).home / "logs"
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        about = [printable(" ".join(sys.argv), 10_000), printable(Path.cwd(), 10_000), ""]
        path.write_text("\n".join([*about, *trace]) + "\n", encoding="utf-8")
    except OSError as error:
        return [f"Its log cannot be written ({error}):", *trace]
    return [f"The traceback is in {path}"]
