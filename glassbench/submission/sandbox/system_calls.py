"""System calls that no model needs, refused by the kernel for a process and all its children.

Each was, in some kernel, a way out of a sandbox, a channel between two cells, or memory that
no limit counts. A refused call fails as one that the kernel lacks, which libraries can live
with. Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h; the filter: its userspace-api/seccomp_filter.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

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
