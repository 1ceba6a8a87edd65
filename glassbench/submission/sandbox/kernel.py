"""Walls that a process on Linux builds around itself and its children, without any privilege.

Landlock denies writing outside given folders and, from its fourth version on, TCP. It does not
hide files and does not stop UDP: it is a second wall, never the only one, and asked for wherever
the kernel has it. Source: Linux kernel documentation, userspace-api/landlock.

System calls that no model needs are refused. Each was, in some kernel, a way out of a sandbox, a
channel between two cells, or memory that no limit counts. A refused call fails as one that the
kernel lacks, which libraries can live with. Numbers: the kernel's
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; the filter: its
userspace-api/seccomp_filter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable

# By architecture: what the kernel calls it, and which column of the table counts.
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
REFUSED = {
    # Keys outlive a cell.
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # Namespaces; the flags of clone3 cannot be read, and without it clone is called.
    "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435), "chroot": (161, 51),
    "pivot_root": (155, 41), "mount": (165, 40), "umount2": (166, 39), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    # Other processes.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    # Large parts of the kernel, in which most faults were found.
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "fanotify_init": (300, 262), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "syslog": (103, 116), "quotactl": (179, 60),
    # Memory that belongs to no process.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    # What another cell has read of the files that all see.
    "mincore": (27, 232), "preadv2": (327, 286), "cachestat": (451, 451),
    # The machine itself.
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
# These are refused by their first argument: new namespaces, and sockets of other families than
# Unix and the internet's, such as those that lead out of a virtual machine.
CLONE, SOCKET = (56, 220), (41, 198)
NEW_NAMESPACES, FAMILIES = 0x7E020000, (1, 2, 10)
FIRST_OF_X32 = 0x40000000
# Instructions of the filter, what it can answer, and where it finds call and architecture.
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.ENOSYS, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16
SET_NO_NEW_PRIVS, SET_SECCOMP, MODE_FILTER, JOIN_SESSION_KEYRING = 38, 22, 2, 1

# Of Landlock.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
# Rights by bit: 0 execute, 1 write file, 2 read file, 3 read folder, 4 to 12 remove and make,
# 13 refer (version 2), 14 truncate (version 3), 15 device ioctl (version 5).
READ_RIGHTS = 0b1101
FILE_RIGHTS = 0b111 | 1 << 14
NETWORK_RIGHTS = 0b11


def numbers(machine: str | None = None) -> dict[str, int]:
    """Return the refused calls by name with their numbers, nothing on an unknown machine."""
    _, column = ARCHITECTURES.get(machine or platform.machine(), (0, None))
    return {name: n[column] for name, n in REFUSED.items()} if column is not None else {}


def filter_program(machine: str) -> bytes:
    """Return the filter's program for a machine; a call of any other architecture kills.

    An instruction is its code, how many to jump over where it holds and where not, a number.
    """
    architecture, column = ARCHITECTURES[machine]
    program = [(LOAD, 0, 0, ARCHITECTURE), (IF_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)]
    program += [(LOAD, 0, 0, NUMBER), (IF_AT_LEAST, 0, 1, FIRST_OF_X32), (RETURN, 0, 0, REFUSE)]
    for number in numbers(machine).values():
        program += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    program += [(IF_EQUAL, 0, 4, CLONE[column]), (LOAD, 0, 0, ARGUMENT)]
    program += [(IF_ANY, 0, 1, NEW_NAMESPACES), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    program += [(IF_EQUAL, 0, len(FAMILIES) + 2, SOCKET[column]), (LOAD, 0, 0, ARGUMENT)]
    program += [(IF_EQUAL, len(FAMILIES) - n, 0, f) for n, f in enumerate(FAMILIES)]
    program += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def refuse() -> bool:
    """Leave the session's keyring for an empty one, then refuse the calls for good.

    Return False where the machine is of no known kind or the kernel does not do it.
    """
    if not numbers():
        return False
    libc, program = ctypes.CDLL(None), filter_program(platform.machine())
    libc.syscall(numbers()["keyctl"], JOIN_SESSION_KEYRING, None)
    handed = _Program(len(program) // 8, program)
    libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(libc.prctl(SET_SECCOMP, MODE_FILTER, ctypes.byref(handed), 0, 0) == 0)


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def landlock_version() -> int:
    """Return the version of Landlock in the running kernel, 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    answer = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return max(0, int(answer))


def restrict(writable: Iterable[str]) -> int:
    """Deny this process, and its children, writing outside `writable`, and TCP.

    Return the version of Landlock that holds, 0 where the kernel has none or refuses.
    """
    supported = landlock_version()
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
