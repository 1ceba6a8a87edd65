"""Random seeds drawn from the names of what they are for, and from a secret where there is one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from ..contract.errors import UserError

SECRET_VARIABLE = "GLASSBENCH_SEED_SECRET"
FEWEST_BYTES = 16


def choose_secret(path: str) -> None:
    """Draw all seeds from the bytes of a file too, in this process and in those that it starts.

    Nobody without the file can make the dataset again: its labels can stay hidden.
    """
    try:
        secret = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise UserError(
            f"secret={path} cannot be read ({error.strerror}): make one with "
            f"`head -c 32 /dev/urandom > FILE`"
        ) from None
    if len(secret) < FEWEST_BYTES:
        raise UserError(
            f"secret={path} has {len(secret)} bytes, which can be guessed: {FEWEST_BYTES} at "
            "least, such as `head -c 32 /dev/urandom > FILE` gives"
        )
    os.environ[SECRET_VARIABLE] = hashlib.sha256(secret).hexdigest()


def secret_tag() -> str:
    """Return letters that tell secrets apart and do not give them away, empty without one."""
    secret = os.environ.get(SECRET_VARIABLE, "")
    return hashlib.sha256(f"tag of {secret}".encode()).hexdigest()[:8] if secret else ""


def describe_seeds(names: str) -> str:
    """Return, for provenance, what the seeds of a dataset are drawn from."""
    tag = secret_tag()
    return f"sha256 of the names of {names}" + (f", after a secret ({tag})" if tag else "")


def seed_from_names(*names: object) -> int:
    """Return a seed in [1, 2^31 - 1) that depends on the names alone, and on a chosen secret.

    The same names give the same seed on every machine, so that a piece of a
    dataset can be made anywhere and in any order.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    text = "\x1f".join(str(name) for name in ([secret] if secret else []) + list(names))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % (2**31 - 2) + 1


def generator_from_names(*names: object) -> np.random.Generator:
    """Return a numpy generator seeded by the names."""
    return np.random.default_rng(seed_from_names(*names))
