"""An interactive shell on a pseudo-terminal, for the operator at the other end. Off unless the settings say otherwise.

It runs as the agent's user, with an environment of its own. Nothing is queued: while the operator's side is slow the
shell waits, and the other way round. When the time is over or anybody leaves, every process of its session is killed;
one that has made a session of its own stays until the unit's systemd service ends.

**Tested with:** dash and bash on Debian 12.
**Source:** pty(7), ioctl_tty(2) (TIOCSCTTY, TIOCSWINSZ), proc_pid_stat(5).
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import sys
import termios
import time
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path

from wayside.errors import WaysideError
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import Shell
from wayside_agent.drivers.job_process import started
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.jobs import Assignment, Terminal, Terminals, Typed, Yield

_READ_BYTES = 32 * 1024
_SIDES = struct.Struct("HHHH")
_USUAL_SIDES = (24, 80)
_SESSION_FIELD = 3  # of /proc/PID/stat, behind the name in brackets
# A process that leads its session takes the terminal as its own, then becomes the shell: job control works, Ctrl-C too,
# also where the agent was started by something that ignores the signals of the keyboard.
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class ShellWorker:
    """Opens a shell."""

    def __init__(self, terminals: Terminals, *, is_allowed: bool, command: Sequence[str], home: Path) -> None:
        self._terminals = terminals
        self._is_allowed = is_allowed
        self._command = tuple(command)
        self._home = home

    async def work(self, assignment: Assignment[Shell]) -> Yield:
        """See `ports.jobs.Worker`. It ends with the shell, with the operator, or with its time."""
        if not self._is_allowed or not self._command:
            raise RefusedError("the unit's settings switch shells off (jobs.allow_shell)")
        duration_s = assignment.work.duration_s
        begin_s = time.monotonic()
        async with self._terminals.terminal(assignment.job) as terminal:
            with _pty() as (master, slave):
                try:
                    process = await self._started(slave)
                finally:
                    os.close(slave)
                try:
                    ended_by = await _talked(master, terminal, duration_s)
                finally:
                    _kill_session(process.pid)
                    await process.wait()
        lasted_s = round(time.monotonic() - begin_s, 1)
        return Yield(f"ended by {ended_by} after {lasted_s:g} s", {"ended_by": ended_by, "lasted_seconds": lasted_s})

    async def _started(self, slave: int) -> asyncio.subprocess.Process:
        home = str(self._home) if self._home.is_dir() else "/"
        return await started(
            (sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *self._command),
            name="shell",
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home,
            TERM="xterm-256color",
            HOME=home,
            PS1="$ ",
        )


async def _talked(master: int, terminal: Terminal, duration_s: float) -> str:
    """Carries bytes both ways; who ended it."""
    ended: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration_s), asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(_until_broken(_show(master, terminal, ended), ended), name="shell-output"),
                group.create_task(_until_broken(_type(master, terminal, ended), ended), name="shell-input"),
            )
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
    return ended[0] if ended else "time"


async def _until_broken(carrying: Coroutine[None, None, None], ended: list[str]) -> None:
    try:
        await carrying
    except WaysideError as error:
        ended.append(f"a broken connection ({error})")


async def _show(master: int, terminal: Terminal, ended: list[str]) -> None:
    while True:
        await _ready(master, to_write=False)
        try:
            content = os.read(master, _READ_BYTES)
        except BlockingIOError:
            continue
        except OSError:  # EIO: nobody holds the other end any more
            content = b""
        if not content:
            ended.append("the shell")
            return
        await terminal.show(content)


async def _type(master: int, terminal: Terminal, ended: list[str]) -> None:
    while True:
        typed = await terminal.typed()
        if typed is None:
            ended.append("the operator")
            return
        _resize(master, typed)
        rest = typed.content
        while rest:
            await _ready(master, to_write=True)
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(master, rest) :]


async def _ready(descriptor: int, *, to_write: bool) -> None:
    """Until a descriptor can be read from, or written to."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        remove(descriptor)


def _resize(master: int, typed: Typed) -> None:
    if typed.rows and typed.columns:
        fcntl.ioctl(master, termios.TIOCSWINSZ, _SIDES.pack(typed.rows, typed.columns, 0, 0))


@contextlib.contextmanager
def _pty() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal; the second one is closed by who uses it."""
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise DeviceFaultError(f"there is no pseudo-terminal ({error.strerror})") from error
    try:
        os.set_blocking(master, False)
        fcntl.ioctl(master, termios.TIOCSWINSZ, _SIDES.pack(*_USUAL_SIDES, 0, 0))
        yield master, slave
    finally:
        os.close(master)


def _kill_session(leader: int) -> None:
    """Kills every process of a session, the leader too, and those that were being made meanwhile."""
    killed: set[int] = set()
    while found := _members(leader) - killed:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found


def _members(leader: int) -> set[int]:
    """Processes of a session."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[_SESSION_FIELD]) == leader:
                found.add(int(path.parent.name))
    return found
