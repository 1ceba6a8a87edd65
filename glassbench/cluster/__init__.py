"""Trials on Ray: sessions, retries, and the benchmark of one model as a whole."""

from .benchmark import run_benchmark
from .conclude import RunReport
from .diagnosis import diagnose
from .events import ClusterError, Event, Outcome
from .execute import execute
from .node_questions import inspect_cluster
from .node_report import ClusterReport, NodeReport
from .request import BenchmarkRequest
from .resources import Capacity, Share, share_of
from .session import Session, open_session, ray_version

__all__ = [
    "BenchmarkRequest",
    "Capacity",
    "ClusterError",
    "ClusterReport",
    "Event",
    "NodeReport",
    "Outcome",
    "RunReport",
    "Session",
    "Share",
    "diagnose",
    "execute",
    "inspect_cluster",
    "open_session",
    "ray_version",
    "run_benchmark",
    "share_of",
]
