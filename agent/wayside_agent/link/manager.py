"""The manager over gRPC. gRPC's errors end here: whatever fails comes out as one of `wayside.errors`.

One channel with mutual TLS carries the session, configurations and artifacts (architecture, decision 10). A second one
is opened to prove new credentials before the unit changes over to them. Which address they lead to, the configuration
may change at any time.
Usage: `async with ManagerLink(address, identity) as link, link.session(hello) as session: …`
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import grpc

from wayside.errors import InvalidArgumentError, ResourceExhaustedError, UnavailableError, WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside.v1 import node_service_pb2_grpc
from wayside_agent.link.artifact_stream import CHUNK_BYTES, MEBIBYTE, Sender, artifact_stream
from wayside_agent.link.credentials import channel_credentials
from wayside_agent.link.session import CUT_SHORT, RPC_TIMEOUT_S, Session, Trial, translated, understood
from wayside_agent.ports.identity import Identity
from wayside_agent.ports.installer import Metadata

if TYPE_CHECKING:
    from wayside_agent.core.job import Artifact
    from wayside_agent.ports.jobs import Terminal

TOO_LARGE = "larger than max"
"""What gRPC says itself of a message beyond our bounds."""
CHUNK_TIMEOUT_S = 300.0
"""For 1 MiB: a line of 30 kbit/s gets on. That it is dead, keepalive finds within 30 s."""
DRAIN_TIMEOUT_S = 30.0  # a download on the old channel may end; the manager ends what is left after 60 s
CHANNEL_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # a second channel is a second connection, whatever gRPC shares by default
    ("grpc.keepalive_time_ms", 20_000),  # finds a dead back-haul within 30 s; the manager permits it
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 8 * MEBIBYTE),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # our own back-off decides; gRPC's must not outlast it
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 512 * 1024),  # a fetch takes 20 MiB less; 5 MB/s where a round trip takes 0.1 s
    ("grpc.enable_http_proxy", 0),  # a proxy variable of the machine is no business of the device plane
)


class ManagerLink:
    """The device plane of one manager."""

    def __init__(self, address: str, identity: Identity) -> None:
        """Stores values.

        Raises: FailedPreconditionError: the key is in a token and this grpc cannot use it.
        """
        self._address = address
        self._credentials = channel_credentials(identity)
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Makes the channel; nothing connects before the first call."""
        self._channel, self._stub = self._opened(self._credentials)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the channel and everything on it."""
        await self._channel.close(grace=None)
        for closing in tuple(self._closing):
            await closing

    @property
    def address(self) -> str:
        """`host:port` of the device plane in use."""
        return self._address

    def use_address(self, address: str) -> bool:
        """Uses another address for every call from now on; what is under way on the connection before ends at once.

        Returns: whether it is another one.
        """
        if address == self._address:
            return False
        before = self._channel
        self._address = address
        self._channel, self._stub = self._opened(self._credentials)
        closing = asyncio.get_running_loop().create_task(before.close(grace=None), name="link-close")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return True

    def _opened(
        self, credentials: grpc.ChannelCredentials
    ) -> "tuple[grpc.aio.Channel, node_service_pb2_grpc.NodeServiceAsyncStub]":
        channel = grpc.aio.secure_channel(self._address, credentials, options=CHANNEL_OPTIONS)
        return channel, node_service_pb2_grpc.NodeServiceStub(channel)

    @asynccontextmanager
    async def trial(self, identity: Identity) -> AsyncIterator[Trial]:
        """A second connection with other credentials. What uses the present one goes on.

        Raises: FailedPreconditionError: as the constructor.
        """
        channel, stub = self._opened(channel_credentials(identity))
        try:
            yield Trial(stub, address=self._address)
        finally:
            await channel.close(grace=None)

    def change_over(self, identity: Identity) -> Callable[[], Awaitable[None]]:
        """Uses other credentials for every call from now on.

        Returns: what closes the connection before: call it when its session has ended. Calls under way on it may end
        within 30 s.
        Raises: FailedPreconditionError: as the constructor.
        """
        before = self._channel
        self._credentials = channel_credentials(identity)
        self._channel, self._stub = self._opened(self._credentials)
        return partial(before.close, grace=DRAIN_TIMEOUT_S)

    async def renew(self, request_pem: str) -> wire.RenewCertificateResponse:
        """The next certificate, for a new key, and the authorities to trust with it.

        Raises: InvalidArgumentError: it was used before. ResourceExhaustedError: too often. UnauthenticatedError,
            PermissionDeniedError, UnavailableError, DeadlineExceededError.
        """
        request = wire.RenewCertificateRequest(certificate_request_pem=request_pem)
        with translated(self._address):
            return understood(await self._stub.RenewCertificate(request, timeout=RPC_TIMEOUT_S))

    async def authorities(self) -> str:
        """The authorities to trust, PEM.

        Raises: UnauthenticatedError, PermissionDeniedError, UnavailableError, DeadlineExceededError.
        """
        return await Trial(self._stub, address=self._address).authorities()

    @asynccontextmanager
    async def session(self, hello: wire.SessionHello) -> AsyncIterator[Session]:
        """Opens a session and says hello.

        Raises: UnavailableError: the manager is not reachable.
        """
        try:
            session = await self._greeted(hello)
        except UnavailableError as error:
            if error.reason != CUT_SHORT:
                raise
            session = await self._greeted(hello)  # a refusal crossed our hello on its way: hear it this time
        try:
            yield session
        finally:
            session.close()

    async def _greeted(self, hello: wire.SessionHello) -> Session:
        session = Session(self._stub.Session(None), address=self._address)
        try:
            await session.send(wire.SessionRequest(hello=hello))
        except BaseException:
            session.close()
            raise
        return session

    async def fetch_config(self, revision: int) -> bytes:
        """A configuration of this unit, canonical JSON.

        Raises: NotFoundError, UnavailableError, DeadlineExceededError.
        """
        with translated(self._address):
            response = await self._stub.FetchConfig(wire.FetchConfigRequest(revision=revision), timeout=RPC_TIMEOUT_S)
        return understood(response).config

    async def metadata(self, *, image_root_version: int, director_root_version: int) -> Metadata:
        """What both repositories say now; see `ports.installer.TrustSource`.

        Raises: FailedPreconditionError: the manager has no roots of trust yet. UnavailableError,
            DeadlineExceededError. InvalidArgumentError: TRUST_TOO_LARGE, the manager does not keep to the contract.
        """
        request = wire.FetchTrustRequest(
            image_root_version=image_root_version, director_root_version=director_root_version
        )
        try:
            with translated(self._address):
                response = understood(await self._stub.FetchTrust(request, timeout=RPC_TIMEOUT_S))
        except ResourceExhaustedError as error:
            raise _exhausted(error) from error
        sent = {"image": response.image, "director": response.director}
        return {name: {file.name: file.content for file in files} for name, files in sent.items()}

    async def fetch(self, release: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:
        """The bytes of a release, or of a delta to it, from an offset, in chunks of at most 1 MiB.

        Raises: NotFoundError, PermissionDeniedError, OutOfRangeError, UnavailableError, DeadlineExceededError.
            InvalidArgumentError: the manager does not keep to the contract.
        """
        request = wire.FetchArtifactRequest(
            release=release, offset_bytes=offset_bytes, delta_sha256=delta_sha256, max_chunk_bytes=CHUNK_BYTES
        )
        manager = Sender("the manager", self._address, CHUNK_TIMEOUT_S, CHUNK_TIMEOUT_S)
        stream = artifact_stream(self._stub.FetchArtifact(request), manager, release, offset_bytes)
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk

    async def check_peer(self, certificate_sha256: str) -> None:
        """Returns if the manager vouches for the holder of a certificate, who wants artifacts of this unit.

        Raises: PermissionDeniedError: it does not. InvalidArgumentError, UnavailableError, DeadlineExceededError.
        """
        request = wire.CheckPeerRequest(certificate_sha256=certificate_sha256)
        with translated(self._address):
            understood(await self._stub.CheckPeer(request, timeout=RPC_TIMEOUT_S))

    async def upload(
        self, job: str, artifact: "Artifact", path: Path, *, max_bytes_per_s: int, progress: Callable[[int], None]
    ) -> None:
        """Brings a file of a job; see `ports.jobs.Uploads` and `link.uploads`."""
        from wayside_agent.link import uploads  # few units ever need it

        await uploads.upload(
            lambda: self._stub.UploadJobArtifact(None),
            self._address,
            begin=uploads.beginning(job, artifact),
            path=path,
            max_bytes_per_s=max_bytes_per_s,
            progress=progress,
        )

    def terminal(self, job: str) -> "AbstractAsyncContextManager[Terminal]":
        """The operator's end of a shell; see `ports.jobs.Terminals`."""
        from wayside_agent.link.shell import opened_terminal  # as above

        return opened_terminal(self._stub.OpenShell(None), self._address, job)


def _exhausted(error: ResourceExhaustedError) -> WaysideError:
    """What a call that was too large or came too often is to an update: too large is refused, too often tried again."""
    if TOO_LARGE in str(error):
        return InvalidArgumentError(
            "the manager sends more metadata than a unit takes (8 MiB); look after its releases",
            reason="TRUST_TOO_LARGE",
        )
    return UnavailableError(str(error), reason=error.reason)
