"""The operator's end of a shell on a unit: what is typed goes up, what the shell writes comes down.

Usage: `await talk(manager, "jobs/x")`; a terminal is put into raw mode meanwhile, Ctrl-] ends the talk.
"""

import asyncio
import os
import shutil
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from wayside.v1 import job_service_pb2
from wayside_manager.cli.client import ManagerClient

LEAVE = b"\x1d"
"""Ctrl-], as telnet has it."""
_READ_BYTES = 4096


async def talk(manager: ManagerClient, name: str) -> None:
    """Talks to the shell of a job until it ends, or until the person leaves.

    Raises: WaysideError: what the manager answered.
    """
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    loop.add_reader(descriptor, lambda: typed.put_nowait(_read(descriptor)))
    try:
        with _raw(descriptor):
            async for answer in manager.converse(manager.job.AttachShell, _requests(name, typed)):
                sys.stdout.buffer.write(answer.output)
                sys.stdout.buffer.flush()
    finally:
        loop.remove_reader(descriptor)


async def _requests(name: str, typed: "asyncio.Queue[bytes]") -> AsyncIterator[job_service_pb2.AttachShellRequest]:
    size = shutil.get_terminal_size()
    yield job_service_pb2.AttachShellRequest(name=name, rows=size.lines, columns=size.columns)
    while True:
        content = await typed.get()
        before, sign, _ = content.partition(LEAVE)
        if before:
            yield job_service_pb2.AttachShellRequest(input=before)
        if sign or not content:
            return


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ_BYTES)
    except BlockingIOError:
        return b""


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """A terminal that passes every key on; anything else is left alone."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
