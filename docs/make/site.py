"""Hooks of the documentation site: pages from the registries, equations as MathML."""

from __future__ import annotations

import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.structure.files import File

from glassbench.plugins.registry import list_models, list_tasks, load_model_card, load_task

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.M | re.S)
EQUATION = re.compile(r"\$\$(.+?)\$\$|(?<![\w\\$])\$([^$\n]+?)\$(?!\d)", re.S)


def on_files(files, config):
    """Add the front page, made from the README, and a page for every task and model."""
    pages = {"index.md": front_page(), "tasks.md": "", "models.md": ""}
    pages["tasks.md"] = "# Tasks\n\n"
    for entry in list_tasks():
        task = load_task(entry.name)
        pages["tasks.md"] += f"- [{task.title}](tasks/{task.name}.md): `{task.name}`\n"
        pages[f"tasks/{task.name}.md"] = card(task.folder)
    pages["models.md"] = "# Models\n\n| model | title | tasks | year |\n| --- | --- | --- | --- |\n"
    for entry in list_models():
        model = load_model_card(entry.name)
        tasks = ", ".join(f"`{name}`" for name in model.tasks)
        link = f"[`{model.name}`](models/{model.name}.md)"
        pages["models.md"] += f"| {link} | {model.title} | {tasks} | {model.year} |\n"
        pages[f"models/{model.name}.md"] = card(model.folder)
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for picture in sorted((ROOT / "tasks").glob("*/*.png")):
        name = f"tasks/{picture.parent.name}-{picture.name}"
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def front_page() -> str:
    """Return the README with links that hold inside the site."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    text = re.sub(r"\]\(tasks/(\w+)/README\.md\)", r"](tasks/\1.md)", text)
    return re.sub(r"\[([^\]]+)\]\((CONTRIBUTING|CHANGELOG|CITATION)[.\w]*\)", r"\1", text)


def card(folder: Path) -> str:
    """Return the card of a task or a model; pictures of a task lie beside its page."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\((\w+\.png)\)", rf"]({folder.name}-\1)", text)
    return re.sub(r"\[([^\]]+)\]\(\.\.[^)]*\)", r"\1", text)


def on_page_markdown(markdown, **_):
    """Replace $…$ and $$…$$ outside code by MathML, which browsers set without a script."""
    parts = CODE.split(markdown)
    parts[::2] = [EQUATION.sub(_equation, part) for part in parts[::2]]
    return "".join(parts)


def _equation(match: re.Match[str]) -> str:
    display, inline = match.groups()
    if display:
        return convert(display.strip(), display="block")
    # A line that begins with <math> would be taken for a block of its own.
    return f"<span>{convert(inline.strip())}</span>"
