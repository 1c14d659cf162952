"""What is said to a manager over one connection, a session or the proof of new credentials, and its errors in words.

Usage: `async with link.session(hello) as session: await session.send(…)`; `with translated(address): …` around a call.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import grpc

from wayside.errors import DeadlineExceededError, UnavailableError, WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import node_service_pb2 as wire
from wayside.v1 import node_service_pb2_grpc

T = TypeVar("T")

UNTRUSTED_PEER = "UNTRUSTED_PEER"  # reason of `wayside.status`
HUNG_UP = "HUNG_UP"
"""Reason of a connection that was there and is not any more: so a manager refuses a certificate, and networks fail."""
CUT_SHORT = "CUT_SHORT"
"""Reason of a call that was ended while we wrote: gRPC's client then speaks of itself, and has forgotten why."""
_HUNG_UP_WORDS = ("socket closed", "connection reset", "handshake", "broken pipe")
RPC_TIMEOUT_S = 20.0
WRITE_TIMEOUT_S = 30.0


class Session:
    """One open session: reports go up, desired state and acknowledgements come down."""

    def __init__(
        self, call: grpc.aio.StreamStreamCall[wire.SessionRequest, wire.SessionResponse], *, address: str
    ) -> None:
        self._call = call
        self._address = address

    def close(self) -> None:
        """Ends it, at once."""
        self._call.cancel()

    async def send(self, request: wire.SessionRequest) -> None:
        """Sends one message up.

        Raises: UnavailableError: the session has ended. Others: why the manager ended it, unless that crossed this
            message on its way (`CUT_SHORT`).
        """
        with translated(self._address):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                try:
                    await self._call.write(request)
                except asyncio.InvalidStateError:
                    await self._call.read()  # raises what the call ended with
                    raise
                except grpc.aio.AioRpcError as error:
                    if error.code() is grpc.StatusCode.INTERNAL:
                        raise UnavailableError("the manager ended the session unheard", reason=CUT_SHORT) from error
                    raise

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        """The next message down; `timeout_s=None` waits for ever (keep-alive ends a dead session).

        Raises: UnavailableError: the session has ended. Others: why the manager ended it.
        """
        with translated(self._address):
            async with asyncio.timeout(timeout_s):
                response = await self._call.read()
        if isinstance(response, wire.SessionResponse):
            return response
        # gRPC makes no difference between the two
        raise UnavailableError("the manager ended the session, or sent what is no message", reason="SESSION_ENDED")


class Trial:
    """A second connection, with credentials that are to be proven."""

    def __init__(self, stub: "node_service_pb2_grpc.NodeServiceAsyncStub", *, address: str) -> None:
        self._stub = stub
        self._address = address

    async def confirm(self) -> None:
        """Proves the certificate of this connection; it is then the node's only one.

        Raises: UnauthenticatedError, PermissionDeniedError: it is not taken. UnavailableError, DeadlineExceededError.
        """
        with translated(self._address):
            await self._stub.ConfirmCertificate(wire.ConfirmCertificateRequest(), timeout=RPC_TIMEOUT_S)

    async def authorities(self) -> str:
        """The authorities to trust, PEM.

        Raises: UnauthenticatedError, PermissionDeniedError, UnavailableError, DeadlineExceededError.
        """
        with translated(self._address):
            response = await self._stub.GetAuthorities(wire.GetAuthoritiesRequest(), timeout=RPC_TIMEOUT_S)
        return understood(response).authorities_pem


def understood(response: T | None) -> T:
    """An answer that could be read; gRPC hands over `None` for one that cannot, whatever its types say.

    Raises: UnavailableError: it is none.
    """
    if response is None:
        raise UnavailableError("the manager sent what is no message; look whether its address leads to it")
    return response


@contextmanager
def translated(address: str, peer: str = "the manager") -> Iterator[None]:
    """Turns everything gRPC raises into our errors; `peer` names who is at the address.

    Closing a channel throws a bare CancelledError into its readers, which a TaskGroup would take for a normal
    cancel (layout, fact 1); it is one only if somebody asked this task to stop. The other way round, a call that is
    cancelled while it is being opened swallows the cancel and speaks of a call that is done.
    """
    try:
        yield
    except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        if isinstance(error, grpc.aio.AioRpcError):
            raise _explained(from_rpc_error(error, peer=f"{peer} at {address}")) from error
        raise UnavailableError(f"the connection to {peer} has ended, or was closed") from error
    except TimeoutError as error:
        raise DeadlineExceededError(f"{peer} did not answer in time") from error


def _explained(error: WaysideError) -> WaysideError:
    """The same error; where TLS did not trust the manager, it says by which clock: gRPC has no other.

    A certificate that the manager does not take shows after our end of the handshake: as `Socket closed` in TLS 1.3.
    """
    is_unexplained = isinstance(error, UnavailableError) and error.reason == UnavailableError("").reason
    if is_unexplained and any(word in str(error).lower() for word in _HUNG_UP_WORDS):
        return UnavailableError(str(error), reason=HUNG_UP)
    if error.reason != UNTRUSTED_PEER:
        return error
    clock = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return UnavailableError(f"{error}, or set the system clock if it is wrong: it says {clock}", reason=error.reason)
