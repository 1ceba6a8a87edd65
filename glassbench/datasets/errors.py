"""What can be wrong with a dataset or with a file that one is made from."""

from __future__ import annotations

from ..contract.errors import UserError


class DatasetError(UserError):
    """A dataset lacks what was asked for, or cannot be read; the message says what to do."""


class SourceError(UserError):
    """A file of a published dataset is not what its format says; the message names both."""
