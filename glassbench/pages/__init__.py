"""Pages of the leaderboard: records, tasks and model cards as a static site."""

from .site import BuildReport, build_leaderboard, build_site
from .sources import Sources, read_sources

__all__ = ["BuildReport", "Sources", "build_leaderboard", "build_site", "read_sources"]
