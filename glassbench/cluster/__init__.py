"""Trials on Ray: sessions, retries, and the benchmark of one model as a whole."""

from .benchmark import BenchmarkRequest, RunReport, run_benchmark
from .events import ClusterError, Event, Outcome
from .execute import execute
from .resources import Capacity, Share, share_of
from .session import Session, open_session, ray_version

__all__ = [
    "BenchmarkRequest",
    "Capacity",
    "ClusterError",
    "Event",
    "Outcome",
    "RunReport",
    "Session",
    "Share",
    "execute",
    "open_session",
    "ray_version",
    "run_benchmark",
    "share_of",
]
