"""What of the machine a cell shows, read-only: Python, its libraries, and no data."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SYSTEM_LINKS = ("bin", "sbin", "lib", "lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
INPUT, LIBRARY, SCRATCH = "/input", "/library", "/scratch"


@dataclass(frozen=True)
class View:
    """What is to be seen, by place inside; what is `hidden` holds data and is shown empty."""

    places: dict[str, Path]
    links: dict[str, str]
    hidden: tuple[str, ...]

    def is_folder(self, place: str) -> bool:
        for shown, source in self.places.items():
            if Path(place).is_relative_to(shown):
                return (source / Path(place).relative_to(shown)).is_dir()
        raise KeyError(place)


def machine_view(request: Path, secret: Iterable[Path] = ()) -> View:
    """Return what a cell shows: the system's libraries, Python, GlassBench, and the request.

    What is `secret` is covered wherever it lies.
    """
    package = Path(__file__).resolve().parents[2]
    places = {"/usr": Path("/usr")}
    links = {}
    for name in SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            links[str(path)] = os.readlink(path)
        elif path.is_dir():
            places[str(path)] = path
    places |= {name: Path(name) for name in SYSTEM_FILES if Path(name).exists()}
    for root in _python_roots():
        if not any(root.is_relative_to(shown) for shown in places.values()):
            places[str(root)] = root
    places |= {f"{LIBRARY}/glassbench": package, INPUT: request}
    return View(places, links, tuple(_hidden(places, package, secret)))


def private_files(shown: Collection[Path]) -> list[Path]:
    """Return what lies in the user's home, but for what leads to a place that is shown."""
    home = Path(os.path.expanduser("~"))
    with suppress(OSError):
        entries = sorted(home.iterdir()) if home != Path("/") else []
        return [p for p in entries if not any(s.is_relative_to(p) for s in shown)]
    return []


def _python_roots() -> list[Path]:
    """Return the folders of Python and of its libraries, outermost first."""
    executable = Path(sys.executable)
    roots = {Path(sys.prefix), Path(sys.base_prefix), executable.resolve().parents[1]}
    paths = sysconfig.get_paths()
    roots |= {Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    roots |= {root.resolve() for root in roots}
    kept: list[Path] = []
    for root in sorted(roots, key=lambda r: len(r.parts)):
        if (
            root.is_dir()
            and root != Path("/")
            and not any(root.is_relative_to(outer) for outer in kept)
        ):
            kept.append(root)
    return kept


def _hidden(places: dict[str, Path], package: Path, secret: Iterable[Path]) -> list[str]:
    """Return the places inside at which data would be seen, were they not covered."""
    from ...home.workspace import KINDS, content_folder

    data = [package / "_content", *(content_folder(kind) for kind in KINDS), *secret]
    data += private_files(places.values())
    sites = {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}
    data += [Path(site, "glassbench", "_content") for site in sites]
    hidden = []
    for path in data:
        for place, source in places.items():
            for candidate in {path, path.resolve()}:
                if candidate.exists() and candidate.is_relative_to(source) and place != INPUT:
                    hidden.append(str(Path(place) / candidate.relative_to(source)))
    # What lies beneath a covered place is covered with it.
    return sorted(p for p in set(hidden) if not {str(q) for q in Path(p).parents} & set(hidden))
