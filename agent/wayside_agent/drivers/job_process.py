"""Runs a program for a job: an argument list, never a shell; its output bounded; ended with all it started.

Usage: `ended = await ran(("uptime",), max_bytes=65536)`.

**Tested with:** Debian 12.
**Source:** setsid(2), kill(2): a program gets a session of its own, and its process group is killed.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

_READ_BYTES = 65_536
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
"""What a program sees. The agent's own environment may hold what is nobody's business."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int
    """Exit status; below 0: the signal it was killed by."""
    output: bytes
    """What it wrote, both ways in one, from its beginning."""
    is_cut: bool
    """It wrote more."""

    @property
    def text(self) -> str:
        """The output as text."""
        return self.output.decode(errors="replace")


async def ran(argv: Sequence[str], *, max_bytes: int) -> Ended:
    """Runs a program to its end. Cancelled, it kills the program and all of its process group.

    Raises: DeviceAbsentError: there is no such program. DeviceFaultError: it cannot be started.
    """
    process = await started(
        argv,
        name=argv[0],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, is_cut = await _output(process, max_bytes)
        return Ended(await process.wait(), output, is_cut)
    finally:
        kill_group(process.pid)
        if process.returncode is None:
            await process.wait()


async def started(
    argv: Sequence[str], *, name: str, stdin: int, stdout: int, stderr: int, cwd: str = "/", **environment: str
) -> asyncio.subprocess.Process:
    """A program that leads a session of its own. Cancelled, it leaves nothing that runs.

    Raises: DeviceAbsentError: there is no such program. DeviceFaultError: it cannot be started.
    """
    variables = ENVIRONMENT | {"PATH": os.environ.get("PATH", ENVIRONMENT["PATH"])} | environment
    start = asyncio.get_running_loop().create_task(
        asyncio.create_subprocess_exec(
            *argv, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=variables, start_new_session=True
        ),
        name=f"start-{name}",
    )
    try:
        return await asyncio.shield(start)
    except asyncio.CancelledError:  # asyncio would kill the program only, not what it has started meanwhile
        with contextlib.suppress(OSError):
            process = await start
            kill_group(process.pid)
            await process.wait()
        raise
    except FileNotFoundError as error:
        raise DeviceAbsentError(f"{name}: there is no such program on the unit; install it or name another") from error
    except OSError as error:
        raise DeviceFaultError(f"{name}: cannot be started ({error.strerror}); check its mode") from error


def kill_group(pid: int) -> None:
    """Kills a process group, if anybody of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


async def _output(process: asyncio.subprocess.Process, max_bytes: int) -> tuple[bytes, bool]:
    """What it writes, up to a bound; the rest is read and dropped, so that it can end."""
    kept, is_cut = bytearray(), False
    while process.stdout is not None and (content := await process.stdout.read(_READ_BYTES)):
        room = max_bytes - len(kept)
        kept += content[:room]
        is_cut = is_cut or len(content) > room
    return bytes(kept), is_cut
