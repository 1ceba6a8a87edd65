"""Where the folders of plain files lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from ..contract.errors import UserError

KINDS = ("tasks", "baselines", "submissions", "leaderboard")


def content_folder(kind: str, package: Path | None = None) -> Path:
    """Return the folder of one of `KINDS` that belongs to a `glassbench` package, this one's."""
    if kind not in KINDS:
        raise ValueError(f"content `{kind}` is not one of {KINDS}")
    package = package or Path(__file__).resolve().parents[1]
    installed = package / "_content"
    if installed.is_dir():
        return installed / kind
    # Only a checkout has this file: beside an installed package lie strangers' folders.
    if (package.parent / "pyproject.toml").is_file():
        return package.parent / kind
    raise UserError(
        f"{package} has neither `_content` inside nor `pyproject.toml` beside it: "
        "install glassbench again"
    )
