"""What a submission changes outside itself: when it is imported, and line by line when it runs."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from ...contract.model_card import read_model_card
from ...plugins.registry import load_model_class, show_to_children
from ...trial.restored import process_settings

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod")
NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
MOST = 20


class Audit:
    """Notes what the submission does itself or has a library do; it hinders nothing.

    Python cannot take an audit hook away, so that one belongs in a process of its own.
    """

    def __init__(self, model: Path, scratch: Path) -> None:
        self.model, self.scratch = str(model), str(scratch)
        self.effects: list[dict[str, str]] = []
        self.within = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.within or len(self.effects) >= MOST:
            return
        self.within = True
        try:
            what = self._what(event, arguments)
            where = self._where() if what else None
            if what and where and {"what": what, "where": where} not in self.effects:
                self.effects.append({"what": what, "where": where})
        finally:
            self.within = False

    def _what(self, event: str, arguments: tuple[Any, ...]) -> str | None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(path, str | bytes) and (flags or 0) & WRITING
            return f"writes {path!r}" if writes and not self._is_scratch(path) else None
        if event in CHANGES:
            paths = [p for p in arguments[:2] if isinstance(p, str | bytes | os.PathLike)]
            outside = [p for p in paths if not self._is_scratch(p)]
            return f"changes {os.fspath(outside[0])!r} ({event})" if outside else None
        if event in NETWORK:
            return f"opens a connection ({event})"
        return f"starts another program ({event})" if event in PROGRAMS else None

    def _is_scratch(self, path: Any) -> bool:
        full = os.path.abspath(os.fsdecode(path))
        return full == os.devnull or full.startswith((self.scratch, "/tmp/", "/dev/shm/"))

    def _where(self) -> str | None:
        """Return the line of the submission that called, unless another library comes between."""
        frame: FrameType | None = sys._getframe(2)
        library = os.path.dirname(os.__file__)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self.model):
                return f"{os.path.relpath(name, self.model)}:{frame.f_lineno}"
            standard = name.startswith((library, "<frozen")) and "site-packages" not in name
            if not standard and name != __file__:
                return None
            frame = frame.f_back
        return None


def import_effects(model: Path, scratch: Path) -> list[dict[str, str]]:
    """Import a model's folder and return what that changed, each with `what` and `where`.

    Listings, tests and workers import it: it may define, and nothing else.
    """
    # What a trial imports is there first, so that its replacement shows.
    for name in ("conformance", "trial.predictions", "trial.run", "trial.score", "trial.stages"):
        importlib.import_module(f"glassbench.{name}")
    # What the libraries of the submission change is not its doing.
    for path in sorted(model.rglob("*.py")):
        for name, _ in imported_modules(ast.parse(path.read_bytes())):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    card = read_model_card(model)
    show_to_children(card.folder, card.digest)
    before, attributes = _state(), _attributes()
    printed = io.StringIO()
    audit = Audit(model, scratch)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        load_model_class(card)
    after, replaced = _state(), _attributes().items() - attributes.items()
    changed = [f"changes {name}" for name, value in before.items() if value != after[name]]
    changed += [f"replaces {name}" for name, _ in sorted(replaced) if name in attributes]
    lines = printed.getvalue().strip().splitlines()
    changed += [f"prints `{line[:60]}`" for line in lines[:1]]
    return [*audit.effects, *({"what": what, "where": ""} for what in changed)]


def imported_modules(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the modules that a source imports from elsewhere, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module, node.lineno


def _state() -> dict[str, str]:
    """Return what a process shares among all that runs in it."""
    return {name: repr(get()) for name, (get, _) in process_settings().items()} | {
        "the running threads": repr({thread.name for thread in threading.enumerate()}),
        "the output streams": repr((sys.__stdout__, sys.__stderr__, sys.excepthook)),
    }


def _attributes() -> dict[str, int]:
    """Return the identity of what the modules of GlassBench hold, by dotted name."""
    return {
        f"{module}.{name}": id(value)
        for module, content in list(sys.modules.items())
        if module.startswith("glassbench.") and content is not None
        for name, value in list(vars(content).items())
        if callable(value)
    }
