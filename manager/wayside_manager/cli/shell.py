"""The operator's end of a shell on a unit: what is typed goes up, what the shell writes comes down.

Usage: `await talk(manager, "jobs/x")`; a terminal is put into raw mode meanwhile, Ctrl-] ends the talk.
"""

import asyncio
import os
import selectors
import shutil
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from wayside.errors import InvalidArgumentError
from wayside.v1 import job_service_pb2
from wayside_manager.cli.client import ManagerClient

LEAVE = b"\x1d"
"""Ctrl-], as telnet has it."""
_READ_BYTES = 4096


async def talk(manager: ManagerClient, name: str) -> None:
    """Talks to the shell of a job until it ends, or until the person leaves.

    Raises: WaysideError: what the manager answered; InvalidArgumentError: nothing can be typed.
    """
    descriptor = _typed_on()
    with _raw(descriptor):
        async for answer in manager.converse(manager.job.AttachShell, _requests(name, descriptor)):
            sys.stdout.buffer.write(answer.output)
            sys.stdout.buffer.flush()


def _typed_on() -> int:
    """The descriptor of standard input.

    Raises: InvalidArgumentError: it is neither a terminal nor a pipe, and cannot be waited for.
    """
    try:
        descriptor = sys.stdin.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
    except (OSError, ValueError) as exc:
        raise InvalidArgumentError("a shell needs a terminal, or a pipe, on standard input") from exc
    return descriptor


async def _requests(name: str, descriptor: int) -> AsyncIterator[job_service_pb2.AttachShellRequest]:
    size = shutil.get_terminal_size()
    yield job_service_pb2.AttachShellRequest(name=name, rows=size.lines, columns=size.columns)
    while True:
        content = await _typed(descriptor)
        before, sign, _ = content.partition(LEAVE)
        if before:
            yield job_service_pb2.AttachShellRequest(input=before)
        if sign or not content:
            return


async def _typed(descriptor: int) -> bytes:
    """What was typed, when something was: read no sooner than the shell takes it. Empty: the end."""
    loop, is_there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, is_there.set)
    try:
        await is_there.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, _READ_BYTES)


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
