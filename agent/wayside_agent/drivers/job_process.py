"""Runs a program for a job: an argument list, never a shell; its output bounded; ended with its process group.

The outcome is that of the program itself. What it leaves behind in its group is killed; what has made a session of its
own, as daemons do, lives on until the unit's systemd service ends, and holds nothing up.

Usage: `ended = await ran(("uptime",), max_bytes=65536)`.

**Tested with:** Debian 12.
**Source:** setsid(2), kill(2): a program gets a session of its own, and its process group is killed.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

_READ_BYTES = 65_536
_DRAIN_S = 1.0
"""For what is still in the pipe when the program has ended; somebody it left behind may hold the other end."""
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
    output = _Output(max_bytes)
    async with _pipe() as (reader, pipe):
        try:
            process = await started(
                argv, name=argv[0], stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT
            )
        finally:
            os.close(pipe)
        reading = asyncio.get_running_loop().create_task(output.read(reader), name=f"output-{argv[0]}")
        try:
            status = await process.wait()
            kill_group(process.pid)
            await asyncio.wait((reading,), timeout=_DRAIN_S)
            return Ended(status, bytes(output.kept), output.is_cut)
        finally:
            reading.cancel()
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


class _Output:
    """What a program writes, up to a bound; the rest is read and dropped, so that it can end."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.kept = bytearray()
        self.is_cut = False

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Reads to the end."""
        while content := await reader.read(_READ_BYTES):
            room = self._max_bytes - len(self.kept)
            self.kept += content[:room]
            self.is_cut = self.is_cut or len(content) > room


@contextlib.asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A pipe: a reader of one end, closed at the end; the other end is closed by who uses it."""
    source, target = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0)
    )
    try:
        yield reader, target
    finally:
        transport.close()
