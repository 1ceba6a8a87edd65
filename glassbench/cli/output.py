"""What every command shares: its options, and how it writes results."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

Words = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE ...", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]


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


def write_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def write_json(plain: Any) -> None:
    """Write one JSON document; numbers that are not finite are a fault, not a value."""
    ascii_only = "utf" not in (sys.stdout.encoding or "utf-8").lower()
    print(json.dumps(plain, indent=1, ensure_ascii=ascii_only, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    """Return what JSON takes in place of a record, a path, or another value."""
    return value.to_json() if hasattr(value, "to_json") else str(value)
