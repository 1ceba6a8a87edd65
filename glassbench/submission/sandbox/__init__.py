"""Running a submitted model that nobody trusts: walls, limits, and what passes between."""

from .engines import Engine, choose_engine, find_engines
from .launch import Outcome, run_cell
from .limits import Limits, SandboxError
from .walls import MEANING, Walls, try_engine

__all__ = [
    "MEANING",
    "Engine",
    "Limits",
    "Outcome",
    "SandboxError",
    "Walls",
    "choose_engine",
    "find_engines",
    "run_cell",
    "try_engine",
]
