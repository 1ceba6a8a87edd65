"""Structures in the files of the field: read whole, and written back with a column more."""

from .files import FORMATS, read_frames, read_structures, write_columns
from .frame import Frame, structure_of

__all__ = ["FORMATS", "Frame", "read_frames", "read_structures", "structure_of", "write_columns"]
