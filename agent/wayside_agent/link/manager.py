"""The manager over gRPC. gRPC's errors end here: whatever fails comes out as one of `wayside.errors`.

One channel with mutual TLS carries the session, configurations and artifacts (architecture, decision 10).
Usage: `async with ManagerLink(address, key_pem=…) as link, link.session(hello) as session: …`
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

import grpc

from wayside.errors import DeadlineExceededError, InvalidArgumentError, UnavailableError
from wayside.status import from_rpc_error
from wayside.v1 import enrollment_service_pb2 as enrollment
from wayside.v1 import enrollment_service_pb2_grpc, node_service_pb2_grpc
from wayside.v1 import node_service_pb2 as wire

MEBIBYTE = 1024 * 1024
RPC_TIMEOUT_S = 20.0
WRITE_TIMEOUT_S = 30.0
CHUNK_TIMEOUT_S = 60.0
CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),  # finds a dead back-haul within 30 s; the manager permits it
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 8 * MEBIBYTE),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # our own back-off decides; gRPC's must not outlast it
    ("grpc.enable_http_proxy", 0),  # a proxy variable of the machine is no business of the device plane
)


class Session:
    """One open session: reports go up, desired state and acknowledgements come down."""

    def __init__(
        self, call: grpc.aio.StreamStreamCall[wire.SessionRequest, wire.SessionResponse], *, address: str
    ) -> None:
        self._call = call
        self._address = address

    async def send(self, request: wire.SessionRequest) -> None:
        """Sends one message up.

        Raises: UnavailableError: the session has ended.
        """
        with _translated(self._address):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._call.write(request)

    async def receive(self, timeout_s: float | None = None) -> wire.SessionResponse:
        """The next message down; `timeout_s=None` waits for ever (keep-alive ends a dead session).

        Raises: UnavailableError: the session has ended. Others: why the manager ended it.
        """
        with _translated(self._address):
            async with asyncio.timeout(timeout_s):
                response = await self._call.read()
        if isinstance(response, wire.SessionResponse):
            return response
        # gRPC makes no difference between the two
        raise UnavailableError("the manager ended the session, or sent what is no message", reason="SESSION_ENDED")


class ManagerLink:
    """The device plane of one manager."""

    def __init__(self, address: str, *, key_pem: bytes, certificate_pem: bytes, authorities_pem: bytes) -> None:
        self._address = address
        self._credentials = grpc.ssl_channel_credentials(authorities_pem, key_pem, certificate_pem)

    async def __aenter__(self) -> Self:
        """Makes the channel; nothing connects before the first call."""
        self._channel = grpc.aio.secure_channel(self._address, self._credentials, options=CHANNEL_OPTIONS)
        self._stub = node_service_pb2_grpc.NodeServiceStub(self._channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the channel and everything on it."""
        await self._channel.close(grace=None)

    @asynccontextmanager
    async def session(self, hello: wire.SessionHello) -> AsyncIterator[Session]:
        """Opens a session and says hello.

        Raises: UnavailableError: the manager is not reachable.
        """
        call = self._stub.Session(None)
        try:
            session = Session(call, address=self._address)
            await session.send(wire.SessionRequest(hello=hello))
            yield session
        finally:
            call.cancel()

    async def fetch_config(self, revision: int) -> bytes:
        """A serialized NodeConfig.

        Raises: NotFoundError, UnavailableError, DeadlineExceededError.
        """
        with _translated(self._address):
            response = await self._stub.FetchConfig(wire.FetchConfigRequest(revision=revision), timeout=RPC_TIMEOUT_S)
        return response.config

    async def fetch(self, release: str, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of a release from an offset, in chunks of at most 1 MiB.

        Raises: NotFoundError, PermissionDeniedError, OutOfRangeError, UnavailableError, DeadlineExceededError.
            InvalidArgumentError: the manager does not keep to the contract.
        """
        call = self._stub.FetchArtifact(wire.FetchArtifactRequest(release=release, offset_bytes=offset_bytes))
        try:
            position = offset_bytes
            while True:
                with _translated(self._address):
                    async with asyncio.timeout(CHUNK_TIMEOUT_S):
                        response = await call.read()
                if not isinstance(response, wire.FetchArtifactResponse):
                    return
                _check_chunk(response, release, position)
                position += len(response.content)
                yield response.content
        finally:
            call.cancel()


def _check_chunk(response: wire.FetchArtifactResponse, release: str, position: int) -> None:
    """Refuses what the contract forbids: the wrong place, more than 1 MiB, or nothing (it could go on for ever)."""
    size_bytes = len(response.content)
    if response.offset_bytes == position and 0 < size_bytes <= MEBIBYTE:
        return
    raise InvalidArgumentError(
        f"the manager sent {size_bytes} bytes of {release} from byte {response.offset_bytes} where 1 to {MEBIBYTE} "
        f"from byte {position} were due; the download goes on from what is on the disk"
    )


async def enroll(address: str, authorities_pem: bytes, request: enrollment.EnrollRequest) -> enrollment.EnrollResponse:
    """Trades a token and a certificate request for a certificate.

    Raises: as `EnrollmentService.Enroll` states; UnavailableError: no manager there, or not ours.
    """
    credentials = grpc.ssl_channel_credentials(authorities_pem)
    async with grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        with _translated(address):
            return await stub.Enroll(request, timeout=RPC_TIMEOUT_S)


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """Turns everything gRPC raises into our errors.

    Closing a channel throws a bare CancelledError into its readers, which a TaskGroup would take for a normal
    cancel (layout, fact 1); it is one only if somebody asked this task to stop.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, peer=f"the manager at {address}") from error
    except grpc.aio.UsageError as error:
        raise UnavailableError(f"the connection to the manager has ended: {error}") from error
    except asyncio.InvalidStateError as error:  # write or read on a call that is done
        raise UnavailableError("the connection to the manager has ended") from error
    except TimeoutError as error:
        raise DeadlineExceededError("the manager did not answer in time") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise UnavailableError("the connection to the manager was closed") from error
