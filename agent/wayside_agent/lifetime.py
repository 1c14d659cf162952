"""The life of the process: it runs until somebody stops it, wants to be started again, or ends by a fault or a bug.

A fault that stands in the way is one sentence; a bug is a traceback in the log and one sentence. Nobody ever sees a
group of exceptions.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType

from wayside.errors import WaysideError, leaves
from wayside.sd_notify import notify
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.services.endless import endless

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 4.0


class BugError(WaysideError):
    """Something failed that never should; the process ends and systemd starts it again."""

    default_reason = "BUG"


class _Stop(Exception):  # noqa: N818  # not an error: SIGTERM
    """Somebody asked the agent to stop."""


async def until_stopped(serve: Callable[[], Awaitable[None]]) -> bool:
    """Serves until SIGTERM or SIGINT; True: the process wants to be started again.

    Raises: WaysideError: what stands in the way; BugError: see the log.
    """
    wants_restart = False
    failures: list[BaseException] = []
    try:
        async with asyncio.TaskGroup() as group:
            # the signals are ours before anything is opened
            group.create_task(_stop(_stop_event()), name="stop")
            group.create_task(endless("agent", serve), name="agent")
    except* _Stop:
        logger.info("stopped")
    except* RestartRequestedError as request:
        logger.info("%s", leaves(request)[0])
        wants_restart = True
    except* WaysideError as faults:
        failures += leaves(faults)
    except* Exception as bugs:
        logger.critical("a bug ended the agent", exc_info=bugs)
        failures.insert(0, BugError(f"a bug ended the agent: {leaves(bugs)[0]!r}; its traceback is in the log"))
    for failure in failures:
        raise failure from None
    return wants_restart


def _stop_event() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def _stop(stopped: asyncio.Event) -> None:
    await stopped.wait()
    notify("STOPPING=1")
    # A device or a disk that hangs must not hold up the stop: whatever matters is on disk already.
    signal.signal(signal.SIGALRM, _leave)
    signal.setitimer(signal.ITIMER_REAL, STOP_TIMEOUT_S)
    raise _Stop


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), b"wayside-agent: something held up the stop; left without it\n")
    os._exit(0)
