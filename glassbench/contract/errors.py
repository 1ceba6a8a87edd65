"""The errors that a user can mend: each is shown as its message alone, without a traceback."""

from __future__ import annotations


class UserError(ValueError):
    """What was asked for cannot be done; the message says why and what to do instead."""


class ClusterError(UserError):
    """A cluster cannot be reached or used; the message names its address and the next step."""


class TaskError(UserError):
    """A `task.toml` breaks the contract; the message names file, key and limit."""


class ModelCardError(UserError):
    """A `model.toml` breaks the contract; the message names file, key and limit."""


class HyperparameterError(UserError):
    """A hyperparameter does not exist, or has a value of the wrong type."""
