"""Ray, and only Ray: sessions, trials as tasks, pieces of datasets as tasks, a cluster's health."""

from ..contract.errors import ClusterError
from .execute import execute
from .session import Session, open_session, ray_version

__all__ = ["ClusterError", "Session", "execute", "open_session", "ray_version"]
