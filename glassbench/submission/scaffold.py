"""A small model to start from: four files that pass their test as they stand."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from pathlib import Path

from ..contract.errors import UserError, did_you_mean
from ..home.workspace import content_folder
from ..plugins.registry import list_models, load_task, whole_models

AUTHOR = "My Name"


def kinds_for(per: str) -> dict[str, Path]:
    """Return the templates of models that predict one value per `particle` or `pair`, by kind."""
    folders = sorted((content_folder("submissions") / "templates").glob("*/model.toml"))
    named = [(folder.parent.name.partition("_"), folder.parent) for folder in folders]
    return {kind: path for (kind, _, unit), path in named if {unit or "particle"} & {per, "any"}}


def write_scaffold(
    name: str,
    kind: str | None = None,
    task: str | None = None,
    parent: Path = Path("submissions"),
    author: str | None = None,
) -> Path:
    """Write the files of a new model and return their folder; nothing is overwritten.

    Parameters
    ----------
    kind : name of a template; the first of those that suit the task unless given
    task : the task that most models serve unless given
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or keyword.iskeyword(name):
        raise UserError(
            f"`{name[:80]}` is no name of a model: small letters, digits and `_` are wanted, a "
            "letter first, as my_model"
        )
    served = Counter(sorted(task for card in whole_models() for task in card.tasks))
    chosen = load_task(task or served.most_common(1)[0][0])
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
    for source in sorted(path for path in templates[kind].iterdir() if path.is_file()):
        text = source.read_text(encoding="utf-8")
        for word, meant in replacements.items():
            text = text.replace(word, meant)
        (folder / source.name.replace("my_model", name)).write_text(text, encoding="utf-8")
    return folder
