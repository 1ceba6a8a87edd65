"""A process after a trial as it was before, whatever its model set, or did to leave it."""

from __future__ import annotations

import contextlib
import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

# What reads a setting, and what sets it.
Setting = tuple[Callable[[], Any], Callable[[Any], Any]]
# Type (float32), device, gradients, determinism and random state of torch that nobody changed.
TORCH_DEFAULTS = (None, None, True, False, None)
TORCH_SEED = 67280421310721
END = os._exit


@contextlib.contextmanager
def settings_restored() -> Iterator[None]:
    """Undo what a model changed in its process: folder, environment, path of modules, warnings,
    recursion limit, random states, error states, umask, locale, signals, settings of torch.
    """
    torch_at_first = "torch" in sys.modules
    settings = (*process_settings().values(), *(_torch_settings() if torch_at_first else ()))
    kept = [(put, get()) for get, put in settings]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        if "torch" in sys.modules and not torch_at_first:
            kept += [(put, value) for (_, put), value in zip(_torch_settings(), TORCH_DEFAULTS)]
        for put, value in kept:
            # Such as a folder that is no more.
            with contextlib.suppress(OSError, ValueError):
                put(value)


def process_settings() -> dict[str, Setting]:
    """Return, of each setting of the process by its name, what reads and what sets it."""
    import numpy as np

    def get_locale() -> str:
        return locale.setlocale(locale.LC_ALL)

    in_main = threading.current_thread() is threading.main_thread()
    return ({"the handling of signals": (_signals, _set_signals)} if in_main else {}) | {
        "the mask of new files": (_umask, os.umask),
        "the locale": (get_locale, lambda name: locale.setlocale(locale.LC_ALL, name)),
        "the working folder": (_folder, os.chdir),
        "the environment variables": (os.environ.copy, _set_environment),
        "the search path of modules": (
            sys.path.copy,
            lambda path: sys.path.__setitem__(slice(None), path),
        ),
        "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "the global random numbers of Python": (random.getstate, random.setstate),
        "the global random numbers of numpy": (np.random.get_state, np.random.set_state),
        "the handling of numerical errors": (np.geterr, lambda errors: np.seterr(**errors)),
    }


def _folder() -> str:
    with contextlib.suppress(FileNotFoundError):
        return os.getcwd()
    return "/"


def _umask() -> int:
    os.umask(mask := os.umask(0))
    return mask


def _signals() -> tuple[dict[Any, Any], set[Any], bool]:
    """Return handlers by number, which signals wait, and whether an alarm is set."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    alarm = signal.getitimer(signal.ITIMER_REAL)[0] > 0
    return handlers, signal.pthread_sigmask(signal.SIG_BLOCK, ()), alarm


def _set_signals(kept: tuple[dict[Any, Any], set[Any], bool]) -> None:
    handlers, mask, alarm = kept
    if not alarm:
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        # One that another language installed can be asked for and not be set.
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class LeftError(RuntimeError):
    """A model tried to end the process of its trial."""


@contextlib.contextmanager
def kept_running() -> Iterator[None]:
    """Make an error of what a model does to end its process, or to seem interrupted.

    An interruption by the user, or by who runs the process, stays one.
    """
    process, interruptions = os.getpid(), [0]

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process:
            END(status)
        raise LeftError(f"the model called os._exit({status})")

    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if main else None

    def interrupt(number: int, frame: Any) -> None:
        interruptions[0] += 1
        if callable(handler):
            handler(number, frame)

    if callable(handler):
        signal.signal(signal.SIGINT, interrupt)
    os._exit = refuse
    try:
        yield
    except SystemExit as left:
        raise LeftError(f"the model called sys.exit({left.code!r})") from left
    except KeyboardInterrupt as error:
        # Where the signal is ignored, as in the background of a script, only the model interrupts.
        if handler is not None and not interruptions[0]:
            raise LeftError(f"the model raised {type(error).__name__}") from error
        raise
    finally:
        # Trials of other threads may have replaced it too: not what was there before is put back.
        os._exit = END
        if callable(handler):
            signal.signal(signal.SIGINT, handler)


def _torch_settings() -> tuple[Setting, ...]:
    """Return the settings of torch, in the order of `TORCH_DEFAULTS`, then its threads."""
    import torch

    def set_determinism(wanted: bool) -> None:
        # Setting it loads the compiler, which takes a second.
        if torch.are_deterministic_algorithms_enabled() != wanted:
            torch.use_deterministic_algorithms(wanted)

    def set_random_state(state: Any) -> None:
        torch.manual_seed(TORCH_SEED) if state is None else torch.set_rng_state(state)

    return (
        (torch.get_default_dtype, lambda dtype: torch.set_default_dtype(dtype or torch.float32)),
        (lambda: None, torch.set_default_device),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.are_deterministic_algorithms_enabled, set_determinism),
        (torch.get_rng_state, set_random_state),
        (torch.get_num_threads, torch.set_num_threads),
    )


def _set_environment(variables: dict[str, str]) -> None:
    if os.environ != variables:
        os.environ.clear()
        os.environ.update(variables)
