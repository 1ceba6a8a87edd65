"""A small model to start from: four files that pass their test as they stand."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from pathlib import Path

from ..contract.errors import UserError
from ..contract.suggest import did_you_mean
from ..plugins.registry import list_models, load_task, whole_models

TEMPLATES = Path(__file__).parent / "templates"
AUTHOR = "My Name"


def kinds_for(per: str) -> dict[str, Path]:
    """Return the templates of models that predict one value per `particle` or `pair`, by kind."""
    templates = {}
    for folder in sorted(path for path in TEMPLATES.iterdir() if (path / "model.toml").is_file()):
        kind, _, unit = folder.name.partition("_")
        if (unit or "particle") == per:
            templates[kind] = folder
    return templates


def write_scaffold(
    name: str,
    kind: str | None = None,
    task: str | None = None,
    parent: Path = Path("submissions"),
    author: str | None = None,
) -> Path:
    """Write the files of a new model and return their folder.

    Parameters
    ----------
    kind : name of a template; the first of those that suit the task unless given
    task : the task that most models serve unless given

    Raises
    ------
    UserError
        If name or kind cannot be used, or the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or keyword.iskeyword(name):
        raise UserError(
            f"`{name[:80]}` is no name of a model: small letters, digits and `_` are wanted, a "
            "letter first, as my_model"
        )
    chosen = load_task(task or _most_served_task())
    per = chosen.targets[chosen.target].per
    templates = kinds_for(per)
    kind = kind or next(iter(templates), "")
    if kind not in templates:
        wanted = f"`kind={kind}` for {chosen.name}, which asks for one value per {per}"
        raise UserError(f"{wanted}{did_you_mean(kind, templates)}")
    if name in {model.name for model in list_models()}:
        raise UserError(f"there is a model `{name}` already: choose another name")
    folder = parent.expanduser().absolute() / name
    if folder.exists():
        raise UserError(f"{folder} exists already: choose another name or folder=")
    folder.mkdir(parents=True)
    replacements = {
        "MyModel": "".join(part.capitalize() for part in name.split("_")),
        "my_model": name,
        "my_task": chosen.name,
        AUTHOR: (author or AUTHOR).replace('"', "'").replace("\\", "/"),
        "PATH": f"{parent}/{name}",
    }
    for source in sorted(templates[kind].iterdir()):
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            for word, meant in replacements.items():
                text = text.replace(word, meant)
            (folder / source.name.replace("my_model", name)).write_text(text, encoding="utf-8")
    return folder


def _most_served_task() -> str:
    """Return the name of the task that the most models serve."""
    count = Counter(task for card in whole_models() for task in card.tasks)
    return max(sorted(count), key=count.__getitem__)
