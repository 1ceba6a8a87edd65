"""The filter of system calls: its numbers, what it refuses, and what goes on working."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from glassbench.submission.sandbox import kernel

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].is_file():
        pytest.skip(f"{HEADERS[machine]} is not on this machine")
    lines = re.finditer(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    stated = {line[1]: int(line[2]) for line in lines}
    named = kernel.numbers(machine)
    assert len(named) > 50
    for name, number in named.items():
        assert stated.get(name, number) == number, name


def answer(program: bytes, number: int, architecture: int, argument: int = 0) -> int:
    """Return what the kernel would: a machine of the five instructions that the filter has."""
    data = {0: number, 4: architecture, 16: argument}
    code = list(struct.iter_unpack("=HBBI", program))
    value = place = 0
    while True:
        kind, yes, no, k = code[place]
        place += 1
        if kind == kernel.LOAD:
            value = data[k]
        elif kind == kernel.RETURN:
            return k
        else:
            holds = {
                kernel.IF_EQUAL: value == k,
                kernel.IF_AT_LEAST: value >= k,
                kernel.IF_ANY: bool(value & k),
            }[kind]
            place += yes if holds else no


@pytest.mark.parametrize("machine", kernel.ARCHITECTURES)
def test_the_program_allows_all_but_the_table(machine):
    architecture, column = kernel.ARCHITECTURES[machine]
    program = kernel.filter_program(machine)
    refused = {*kernel.numbers(machine).values()}
    clone, socket = kernel.CLONE[column], kernel.SOCKET[column]
    for number in range(600):
        wanted = number in refused or number == socket  # of family 0
        expected = kernel.REFUSE if wanted else kernel.ALLOW
        assert answer(program, number, architecture) == expected, number
    for flags, allowed in ((17, True), (0x3D0F00, True), (0x10000011, False), (0x20000, False)):
        assert (answer(program, clone, architecture, flags) == kernel.ALLOW) == allowed
    for family in range(50):
        allowed = answer(program, socket, architecture, family) == kernel.ALLOW
        assert allowed == (family in (1, 2, 10))
    assert answer(program, 0x40000000, architecture) == kernel.REFUSE
    assert answer(program, 0, 0x40000003) == kernel.KILL  # i386


def test_threads_programs_and_libraries_work_behind_the_filter():
    code = """
import multiprocessing, subprocess, threading
from glassbench.submission.sandbox import kernel
assert kernel.refuse()
import numpy as np
thread = threading.Thread(target=lambda: np.linalg.svd(np.ones((9, 9)))); thread.start()
thread.join()
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, 2]) == [1, 2]
assert subprocess.run(["/bin/echo", "x"], capture_output=True).stdout == b"x\\n"
"""
    if not kernel.numbers():
        pytest.skip("this machine is of no kind that the filter knows")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_machine_has_no_filter_and_says_so(monkeypatch):
    monkeypatch.setattr(kernel.platform, "machine", lambda: "riscv64")
    assert not kernel.refuse()
