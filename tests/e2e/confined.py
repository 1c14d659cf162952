"""Runs a program inside the system call filters of a unit file, as systemd would, where no systemd runs.

Applies SystemCallFilter=, RestrictAddressFamilies= and MemoryDenyWriteExecute=; needs libseccomp and `systemd-analyze`.
Usage: `python confined.py packaging/systemd/wayside-agent.service PROGRAM [ARGUMENT]...`
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARY = "libseccomp.so.2"
ALLOW = 0x7FFF0000  # seccomp.h
REFUSE = 0x00050000
MASKED_EQUAL = 7
EQUAL = 4
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
FAMILY_COUNT = 46  # of linux/socket.h


class Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def directives(unit: Path, name: str) -> list[str]:
    """The values of a directive, in order."""
    return [line.partition("=")[2] for line in unit.read_text().splitlines() if line.startswith(f"{name}=")]


def allowed_calls(unit: Path) -> set[str]:
    """The names of the system calls a unit leaves."""
    names: set[str] = set()
    for value in directives(unit, "SystemCallFilter"):
        found = {call for word in value.removeprefix("~").split() for call in _expanded(word)}
        names = names - found if value.startswith("~") else names | found
    # systemd adds what it needs itself to start the program
    return names | {"execve", "exit", "exit_group", "rt_sigreturn"}


def _expanded(word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    command = ["systemd-analyze", "syscall-filter", word]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    for line in map(str.strip, listed):
        if line and not line.startswith("#"):
            yield from _expanded(line)


class Filter:
    """One seccomp filter."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, *comparisons: Comparison) -> None:
        """A rule; calls this machine does not have are passed over."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            return
        rules = (Comparison * len(comparisons))(*comparisons)
        done = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(comparisons), rules
        )
        if done:
            raise OSError(-done, f"{call}: {os.strerror(-done)}")

    def load(self) -> None:
        """From now on, for this process and its children."""
        done = self._library.seccomp_load(self._context)
        if done:
            raise OSError(-done, os.strerror(-done))


def confine(unit: Path) -> None:
    """Applies the filters of a unit to this process."""
    arguments = Filter(ALLOW)
    if directives(unit, "MemoryDenyWriteExecute") == ["yes"]:
        both = PROT_WRITE | PROT_EXEC
        arguments.add(REFUSE | errno.EPERM, "mmap", Comparison(2, MASKED_EQUAL, both, both))
        for call in ("mprotect", "pkey_mprotect"):
            arguments.add(REFUSE | errno.EPERM, call, Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
        arguments.add(REFUSE | errno.EPERM, "shmat", Comparison(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
    families = {int(getattr(socket, word)) for word in " ".join(directives(unit, "RestrictAddressFamilies")).split()}
    for family in sorted(set(range(FAMILY_COUNT)) - families):
        arguments.add(REFUSE | errno.EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    calls = Filter(REFUSE | errno.EPERM)
    for call in sorted(allowed_calls(unit)):
        calls.add(ALLOW, call)
    arguments.load()
    calls.load()


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the program becomes this process, as under systemd
