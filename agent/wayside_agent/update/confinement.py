"""What the helper gives up before it reads a byte that came from outside.

New privileges, core files, the network where the kernel lets it, and more memory, time and space than a release takes.
A unit of systemd takes away more (`packaging/systemd/wayside-install@.service`).
**Tested with:** Linux 6, with and without user namespaces.
**Source:** prctl(2), unshare(2), user_namespaces(7), setrlimit(2).
"""

import ctypes
import logging
import os
import resource
import signal
from pathlib import Path

MAX_MEMORY_BYTES = 512 * 1024 * 1024
"""Addresses; it needs some 60 MB, and the dictionary of a delta."""
MAX_CPU_S = 3_600
MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
MAX_OPEN_FILES = 64
NICENESS = 10

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def confine(*, parent: int) -> None:
    """Gives up what is not needed, and ends with its parent; `parent`: 0: whoever started it may end.

    Raises: OSError: a limit cannot be set.
    """
    logging.disable(logging.CRITICAL)  # everything there is to say is in the answer
    libc = ctypes.CDLL(None, use_errno=True)
    if parent:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before this line
            os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_CPU_S),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    os.nice(NICENESS)
    _leave_network(libc)


def _leave_network(libc: ctypes.CDLL) -> None:
    """Enters a network of its own, which is empty, where the kernel lets a plain user do so."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return
    # without a map of itself the process could create no file
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
