"""The folder of a site on this machine's own address, as a host should serve it."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Pages(SimpleHTTPRequestHandler):
    """Pages that others may not frame, but for those in `embed/`, which are made for it.

    A page cannot forbid it by itself: browsers heed `frame-ancestors` in a header alone.
    """

    def end_headers(self) -> None:
        # `frame-ancestors *` would keep out pages that are opened as files.
        if not self.path.startswith("/embed/"):
            self.send_header("Content-Security-Policy", "frame-ancestors 'self'")
        super().end_headers()


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder at 127.0.0.1; OSError or OverflowError where it has no port."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Pages, directory=str(folder)))
