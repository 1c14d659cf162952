"""A blocking conversation with a receiver, in a thread that its end lets go of.

Python's clients for HTTP and SMTP block. A time-out of each read is not enough: a receiver that sends a byte now and
then would hold a thread for ever, so the socket is shut from outside when the time is over.
Usage: `await held(lambda conversation: ..., turn_s=15.0, limit_s=30.0)`.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable

from wayside_manager.core.event_sinks import Attempt


class Conversation:
    """One conversation, shared by its thread and by who waits for it."""

    def __init__(self, *, turn_s: float) -> None:
        self.taken_count = 0
        """Events that were taken so far."""
        self._turn_end_s = time.monotonic() + turn_s
        self._socket: socket.socket | None = None
        self._is_over = False

    @property
    def is_late(self) -> bool:
        """Whether the turn is over: what is left comes with the next one."""
        return time.monotonic() >= self._turn_end_s

    def hold(self, connected: socket.socket | None) -> None:
        """Notes the socket that is in use from now on."""
        self._socket = connected
        if self._is_over:
            self.end()

    def end(self) -> None:
        """Lets the thread go, wherever it waits. May be called again."""
        self._is_over = True
        connected = self._socket
        if connected is not None:
            with contextlib.suppress(OSError):
                # of the plain socket: TLS's own would take its state from under the thread
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


async def held(talk: Callable[[Conversation], Attempt], *, turn_s: float, limit_s: float) -> Attempt:
    """What came of a conversation. After `turn_s` it begins with no further event, after `limit_s` it is cut off."""
    loop, conversation = asyncio.get_running_loop(), Conversation(turn_s=turn_s)
    answer: asyncio.Future[Attempt] = loop.create_future()

    def answered(attempt: Attempt | None, error: BaseException | None) -> None:
        if answer.done():
            return  # nobody waits for it any more
        if error is not None:
            answer.set_exception(error)
        elif attempt is not None:
            answer.set_result(attempt)

    def run() -> None:
        attempt, error = None, None
        try:
            attempt = talk(conversation)
        except BaseException as exc:  # noqa: BLE001  # a bug: it belongs to who waits
            error = exc
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(answered, attempt, error)

    # of its own, and no part of a pool: what waits for a name or a connection holds up neither others nor the end
    threading.Thread(target=run, name="sink", daemon=True).start()
    try:
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError:
        return Attempt(conversation.taken_count, f"it did not answer within {limit_s:g} s")
    finally:
        conversation.end()
