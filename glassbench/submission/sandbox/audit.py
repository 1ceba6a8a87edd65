"""Which lines of a submission reach outside its scratch folder: told by Python's audit events."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

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
        self.findings: list[dict[str, str]] = []
        self.within = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.within or len(self.findings) >= MOST:
            return
        self.within = True
        try:
            what = self._what(event, arguments)
            where = self._where() if what else None
            if what and where and {"what": what, "where": where} not in self.findings:
                self.findings.append({"what": what, "where": where})
        finally:
            self.within = False

    def _what(self, event: str, arguments: tuple[Any, ...]) -> str | None:
        if event == "open":
            path, _, flags = arguments
            outside = isinstance(path, str | bytes) and not self._is_scratch(path)
            return f"writes {path!r}" if outside and (flags or 0) & WRITING else None
        if event in CHANGES:
            paths = [p for p in arguments[:2] if isinstance(p, str | bytes | os.PathLike)]
            outside = [p for p in paths if not self._is_scratch(p)]
            return f"changes {os.fspath(outside[0])!r} ({event})" if outside else None
        if event in NETWORK:
            return f"opens a connection ({event})"
        return f"starts another program ({event})" if event in PROGRAMS else None

    def _is_scratch(self, path) -> bool:
        full = os.path.abspath(os.fsdecode(path))
        return full == os.devnull or full.startswith((self.scratch, "/tmp/", "/dev/shm/"))

    def _where(self) -> str | None:
        """Return the line of the submission that called, unless another library comes between."""
        frame = sys._getframe(2)
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
