"""Landlock: a wall that a process on Linux builds around itself, without any privilege.

It denies writing outside given folders and, from its fourth version on, TCP. It
does not hide files and does not stop UDP: it is a second wall, never the only one, and
asked for wherever the kernel has it.
Source: Linux kernel documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
SET_NO_NEW_PRIVS = 38
# Rights by bit: 0 execute, 1 write file, 2 read file, 3 read folder, 4 to 12 remove and make,
# 13 refer (version 2), 14 truncate (version 3), 15 device ioctl (version 5).
READ_RIGHTS = 0b1101
FILE_RIGHTS = 0b111 | 1 << 14
NETWORK_RIGHTS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """Return the version of Landlock in the running kernel, 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    answer = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return max(0, int(answer))


def restrict(writable: Iterable[str]) -> int:
    """Deny this process, and its children, writing outside `writable`, and TCP.

    Return the version of Landlock that holds, 0 where the kernel has none or refuses.
    """
    supported = version()
    if not supported:
        return 0
    rights = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14)):
        rights |= (1 << bit) if supported >= since else 0
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = _Ruleset(rights, NETWORK_RIGHTS if supported >= 4 else 0)
    size = ctypes.sizeof(ruleset) if supported >= 4 else 8
    descriptor = libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    if descriptor < 0:
        return 0
    try:
        _allow(libc, descriptor, "/", READ_RIGHTS & rights)
        for path in writable:
            _allow(libc, descriptor, path, rights)
        libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.syscall(RESTRICT_SELF, descriptor, 0):
            return 0
    finally:
        os.close(descriptor)
    return supported


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    if not os.path.exists(path):
        return
    if not os.path.isdir(path):
        rights &= FILE_RIGHTS
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, parent)
        libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
