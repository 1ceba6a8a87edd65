"""What every command shares: its words and options, its result, what it does with errors."""

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
from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TextIO

import typer

from ..contract.errors import UserError, WordError, escaped, printable
from ..experiments.words import check_keys, parse_count, parse_switch, split_words
from ..home.workspace import Workspace, open_workspace

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
FAILED, WRONG_REQUEST, INTERRUPTED = 1, 2, 130
# Where a JSON document goes once stdout is kept for it.
_document: list[TextIO] = []
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# What is wrong with a path that a user named, and seldom with a program.
WRONG_PLACE = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
    errno.ENAMETOOLONG, errno.ELOOP,
)  # fmt: skip


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


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command was asked: its words without `=`, and the others by key."""

    plain: list[str]
    values: dict[str, str]
    json: bool

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.values.get("home"))

    def one(self, what: str, example: str) -> str:
        """Return the one word without `=`; messages name what it is and an example."""
        if len(self.plain) != 1:
            given = f"{len(self.plain)} were given"
            raise WordError(f"{what} is wanted, one word, as `{example}`; {given}")
        return self.plain[0]

    def count(self, key: str, otherwise: int | None = None, least: int = 1) -> Any:
        return parse_count(key, self.values[key], least) if key in self.values else otherwise

    def switch(self, key: str, otherwise: str = "off") -> bool:
        return parse_switch(key, self.values.get(key, otherwise))

    def path(self, key: str) -> Path | None:
        return absolute(self.values[key]) if key in self.values else None


class Result(NamedTuple):
    """What a command came to: for programs, for people, and what is said to people on stderr."""

    plain: Any
    lines: Iterable[str] = ()
    failed: bool = False
    notes: Iterable[str] = ()


def command(keys: str | None = "", plain: str = "") -> Callable[[Callable], Callable]:
    """Return a decorator: from a function `Asked -> Result | None` to a command.

    `keys` are those of its words, None where the function checks them itself; `plain` is what help
    calls its words without `=`, with `...` at the end where there may be any number.
    """
    metavar = f"{plain} KEY=VALUE ...".strip() if keys != "" else plain
    shown = typer.Argument(metavar=metavar, show_default=False, hidden=True)
    parameters = {"words": Annotated[list[str] | None, shown], "json_output": Json}
    if not metavar:
        del parameters["words"]
    shown_as = Parameter.KEYWORD_ONLY

    def decorate(function: Callable[[Asked], Result | None]) -> Callable[..., None]:
        def run(words=None, json_output=False):
            asked = read_words(words or [], bool(json_output), keys, plain)
            result = function(asked)
            if result is None:
                return
            write_json(result.plain) if json_output else write_lines(result.lines)
            for note in result.notes if not json_output else ():
                say(note)
            if result.failed:
                raise typer.Exit(FAILED)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__annotations__ = parameters
        run.__signature__ = Signature(  # type: ignore[attr-defined]
            [
                Parameter(name, shown_as, default=None, annotation=a)
                for name, a in parameters.items()
            ]
        )
        return guarded(run)

    return decorate


def read_words(words: list[str], json_output: bool, keys: str | None, plain: str) -> Asked:
    """Return what was asked; a word with `=` that is a file counts as one without."""
    alone = [w for w in words if plain and ("=" not in w or Path(w).is_file())]
    values = split_words([word for word in words if word not in alone])
    if keys is not None:
        check_keys(values, keys.split())
    most = len(plain.split())
    if plain.startswith("[") and len(alone) > most:
        raise WordError(f"`{alone[most]}` is one word too many: {plain.strip('[]')} is wanted")
    return Asked(alone, values, json_output)


def absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


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
            f"glassbench: {place} cannot be used: {os.strerror(error.errno).lower()}. Name another "
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
