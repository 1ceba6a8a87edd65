"""Trials on Ray: sessions, retries, and the benchmark of one model as a whole."""

from ..contract.errors import ClusterError
from ..experiments.conclude import RunReport
from ..experiments.events import Event, Outcome
from ..experiments.request import BenchmarkRequest
from ..experiments.resources import Capacity, Share, share_of
from .benchmark import run_benchmark
from .doctor.diagnosis import diagnose
from .doctor.node_questions import inspect_cluster
from .doctor.node_report import ClusterReport, NodeReport
from .execute import execute
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
