"""Running a submitted model that nobody trusts: walls, limits, and what passes between."""

from .engines import Engine, choose_engine
from .launch import run_cell
from .limits import Limits, SandboxError
from .walls import MEANING, Walls, try_engine

__all__ = [
    "MEANING",
    "Engine",
    "Limits",
    "SandboxError",
    "Walls",
    "choose_engine",
    "run_cell",
    "try_engine",
]
