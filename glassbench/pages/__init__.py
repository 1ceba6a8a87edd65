"""Pages of the leaderboard: records, tasks and model cards as a static site."""

from .site import BuildReport, build_site, make_server, write_manifest
from .sources import Sources, read_sources

__all__ = [
    "BuildReport",
    "Sources",
    "build_site",
    "make_server",
    "read_sources",
    "write_manifest",
]
