"""Long calls that the manager may end itself: a newer session, a credential taken back, a manager that stops.

Every stream of somebody with a credential is one (`kept`); a handler that must end one asks for it (`endable`). Works
as `asyncio.timeout` does: the handler's task is cancelled, and on the way out the cancellation becomes the error.
Usage: `async with calls.endable(context) as call: ...`; elsewhere `call.end(ConflictError(...))`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import TracebackType
from typing import Self

from wayside.errors import ResourceExhaustedError, UnavailableError, WaysideError
from wayside_manager.api.identity import REQUEST_ID_HEADER, Admission, admission
from wayside_manager.api.scopes import Context
from wayside_manager.core.credentials import CredentialKind
from wayside_manager.core.policy import Caller
from wayside_manager.core.rights import Rights

OPEN_MAX_COUNTS: Mapping[Caller, int] = {Caller.NODE: 32, Caller.OPERATOR: 100}
"""Long calls that one holder may have open. Those of a lost connection last until keep-alive ends them, 140 s."""
STOPPING = "the manager is stopping; connect again in a while"


class EndableCall:
    """A part of a handler that `end` leaves with an error."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._error: WaysideError | None = None
        self._is_left = False

    @property
    def credential_sha256(self) -> str:
        """Hash of the credential it was opened with; empty: none of ours."""
        credential = self._admission.credential
        return "" if credential is None else credential.sha256

    @property
    def oidc_subject(self) -> str:
        """Who opened it with a token of an OpenID provider; empty: nobody."""
        return self._admission.oidc_subject

    @property
    def is_certified(self) -> bool:
        """It was opened with a client certificate."""
        credential = self._admission.credential
        return credential is not None and credential.kind is CredentialKind.CERTIFICATE

    @property
    def is_of_operator(self) -> bool:
        """An operator opened it, no node."""
        return self._admission.caller is Caller.OPERATOR

    @property
    def expire_time(self) -> datetime | None:
        """When its credential ends. `None`: never."""
        return self._admission.expire_time

    @property
    def rights(self) -> Rights:
        """With which rights it was let in."""
        return self._admission.rights

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


_PRESENT: ContextVar[EndableCall | None] = ContextVar("endable_call", default=None)


class Calls:
    """The long calls that are open."""

    def __init__(self) -> None:
        self._open: set[EndableCall] = set()
        self._counts: Counter[str] = Counter()
        self._is_stopping = False

    @asynccontextmanager
    async def kept(self, _method: str, context: Context, _request: object) -> AsyncIterator[None]:
        """The scope of a stream, inside the gate: whoever has shown a credential can lose it while the call is open.

        Raises: as `endable`.
        """
        if admission().caller is Caller.ANYONE:
            yield
            return
        async with self.endable(context):
            yield

    @asynccontextmanager
    async def endable(self, context: Context) -> AsyncIterator[EndableCall]:
        """A long call; within one, the same again.

        Raises: UnavailableError: the manager stops, now or while the call is open; whatever `end` was given.
        """
        present = _PRESENT.get()
        if present is not None:
            yield present
            return
        if self._is_stopping:
            raise UnavailableError(STOPPING, reason="STOPPING")
        current = admission()
        with self._counted(current):
            # Now: grpc cannot send a status while a first answer, interrupted, still has its headers under way.
            headers = ((REQUEST_ID_HEADER, current.request_id),) if current.request_id else ()
            await context.send_initial_metadata(headers)
            call = EndableCall(current)
            self._open.add(call)
            reset = _PRESENT.set(call)
            try:
                async with call:
                    yield call
            finally:
                _PRESENT.reset(reset)
                self._open.discard(call)

    @contextmanager
    def _counted(self, caller: Admission) -> Iterator[None]:
        """The time of one more long call: each holds a megabyte while its caller does not read.

        Raises: ResourceExhaustedError: its holder has too many.
        """
        holder, most = caller.holder, OPEN_MAX_COUNTS.get(caller.caller, 0)
        if most and self._counts[holder] >= most:
            raise ResourceExhaustedError(
                f"{holder} has {most} streams open; end some, or wait until those of lost connections have ended",
                reason="STREAMS_TOO_MANY",
            )
        self._counts[holder] += 1
        try:
            yield
        finally:
            self._counts[holder] -= 1
            if not self._counts[holder]:
                del self._counts[holder]

    def open_calls(self) -> tuple[EndableCall, ...]:
        """Those that are open now."""
        return tuple(self._open)

    def stop(self) -> None:
        """Ends every long call and lets none begin."""
        self._is_stopping = True
        for call in self.open_calls():
            call.end(UnavailableError(STOPPING, reason="STOPPING"))
