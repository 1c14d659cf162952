"""Long calls that the manager may end itself: a node's newer session, a retired node, a manager that stops.

Works as `asyncio.timeout` does: the handler's task is cancelled, and on the way out the cancellation becomes the error.
Usage: `async with calls.endable(context) as call: ...`; elsewhere `call.end(ConflictError(...))`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from wayside.errors import UnavailableError, WaysideError
from wayside_manager.api.scopes import Context

STOPPING = "the manager is stopping; connect again in a while"


class EndableCall:
    """A part of a handler that `end` leaves with an error."""

    def __init__(self) -> None:
        self._error: WaysideError | None = None
        self._is_left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call runs in a task")
        self._task = task
        self._cancelling_count = task.cancelling()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_left = True
        if self._error is None:
            return
        if self._task.uncancel() <= self._cancelling_count and kind in {asyncio.CancelledError, None}:
            raise self._error from None

    def end(self, error: WaysideError) -> None:
        """Leaves the call with an error; the first one counts, and a call that is over stays as it is."""
        if self._error is None and not self._is_left:
            self._error = error
            self._task.cancel()


class Calls:
    """The long calls that are open."""

    def __init__(self) -> None:
        self._open: set[EndableCall] = set()
        self._is_stopping = False

    @asynccontextmanager
    async def endable(self, context: Context) -> AsyncIterator[EndableCall]:
        """A long call.

        Raises: UnavailableError: the manager stops, now or while the call is open.
        """
        if self._is_stopping:
            raise UnavailableError(STOPPING, reason="STOPPING")
        # Now, because grpc cannot send a status while a first answer, interrupted, still has its headers under way.
        await context.send_initial_metadata(())
        call = EndableCall()
        self._open.add(call)
        try:
            async with call:
                yield call
        finally:
            self._open.discard(call)

    def stop(self) -> None:
        """Ends every long call and lets none begin."""
        self._is_stopping = True
        for call in tuple(self._open):
            call.end(UnavailableError(STOPPING, reason="STOPPING"))
