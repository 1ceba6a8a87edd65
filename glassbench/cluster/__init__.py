"""Ray, and only Ray: sessions, trials as tasks, and the benchmark of one model as a whole."""

from ..contract.errors import ClusterError
from .benchmark import run_benchmark
from .execute import execute
from .session import Session, open_session, ray_version

__all__ = ["ClusterError", "Session", "execute", "open_session", "ray_version", "run_benchmark"]
