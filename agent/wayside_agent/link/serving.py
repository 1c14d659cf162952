"""Serves verified artifacts to units near this one: FetchArtifact by SHA-256 over mutual TLS, and nothing else.

Who calls must show a certificate of this fleet's authorities that names a node, and the manager must vouch for it. What
is sent is whole, hashed, and known by its hash alone. Bytes flow at one rate for all together, to few at a time and one
stream for each node; who reads too slowly is let go.
Usage: `await ArtifactServer(shelf, manager.check_peer, identity, Bounds(…)).run()`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc

from wayside.errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnavailableError,
    WaysideError,
)
from wayside.status import to_status
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.download import paced_until_s
from wayside_agent.core.serving import Standing, Vouchers, caller, is_server
from wayside_agent.ports.errors import DeviceError
from wayside_agent.ports.identity import Identity
from wayside_agent.ports.keeping import ArtifactShelf

CHUNK_BYTES = 256 * 1024
"""At most; at a low rate chunks are smaller, so that each flows within the patience of who reads it."""
CHUNKS_PER_S = 4
WRITE_TIMEOUT_S = 30.0
"""For one chunk."""
LOOK_S = 30.0
"""Between two looks at the disk and at what the unit shows."""
STOP_S = 1.0
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_idle_ms", 30_000),
    ("grpc.max_concurrent_streams", 2),
    ("grpc.max_receive_message_length", 4_096),
    ("grpc.max_metadata_size", 8_192),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)

logger = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Check = Callable[[str], Awaitable[None]]
"""Asks the manager whether the holder of a certificate, by its SHA-256, may be served."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where it listens, and how much it gives."""

    listen: str
    """`host:port`."""
    max_count: int
    """Transfers at a time."""
    max_bytes_per_s: int = 0
    """All together; 0: unlimited."""
    check_s: float = 5.0
    """For the manager's word on a certificate; less than a neighbour waits for the first byte."""

    @property
    def chunk_bytes(self) -> int:
        """Bytes that are sent at once."""
        share = self.max_bytes_per_s // CHUNKS_PER_S if self.max_bytes_per_s else CHUNK_BYTES
        return max(1, min(CHUNK_BYTES, share))


class ArtifactServer:
    """The door for units near this one."""

    def __init__(
        self,
        shelf: ArtifactShelf,
        check: Check,
        identity: Callable[[], Identity],
        bounds: Bounds,
        *,
        may_serve: Callable[[], bool] = lambda: True,
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stores values; `identity` is what the unit shows now, `may_serve` False while it must save power."""
        self._shelf = shelf
        self._check = check
        self._identity = identity
        self._bounds = bounds
        self._may_serve = may_serve
        self._mono_s = mono_s
        self._vouchers = Vouchers()
        self._served: set[str] = set()
        self._ready_s = 0.0
        self._is_failing = False
        self.listening = asyncio.Event()
        """Set while it serves."""
        self.port = 0
        """Port that it serves at; 0: none."""

    async def run(self) -> None:
        """Serves for ever, whenever the unit's certificate can serve and the port is to be had."""
        while True:
            identity = self._identity()
            if isinstance(identity.secret, bytes) and is_server(identity.certificate_pem):
                try:
                    await self._serve(identity)
                except UnavailableError as error:
                    (logger.debug if self._is_failing else logger.error)("neighbours: %s; tried again", error)
                    self._is_failing = True
            await self._look_after()

    async def _serve(self, identity: Identity) -> None:
        """Serves as long as the unit shows the same.

        Raises: UnavailableError: the port is not to be had.
        """
        server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=self._bounds.max_count)
        handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(
            self._fetch, request_deserializer=wire.FetchArtifactRequest.FromString
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("wayside.v1.NodeService", {"FetchArtifact": handler}),)
        )
        try:
            self.port = _bound(server, self._bounds.listen, identity)
            await server.start()
            self._is_failing = False
            self.listening.set()
            logger.info("neighbours: artifacts are served at %s", self._bounds.listen)
            while self._identity() is identity:
                await self._look_after()
        finally:
            self.port = 0
            self.listening.clear()
            await server.stop(STOP_S)

    async def _look_after(self) -> None:
        try:
            await self._shelf.make_room(0)
        except DeviceError as error:
            logger.warning("neighbours: %s", error)
        await asyncio.sleep(LOOK_S)

    async def _fetch(self, request: wire.FetchArtifactRequest, context: Context) -> None:
        try:
            shown = context.auth_context()
            name, sha256 = caller(shown.get("peer_uri", ()), shown.get("x509_pem_cert", ()))
            await self._admit(sha256)
            with self._alone(name):
                await self._send(request, context, name)
        except WaysideError as error:
            await context.abort_with_status(to_status(error))

    async def _admit(self, sha256: str) -> None:
        """Returns if the manager vouches for a certificate.

        Raises: PermissionDeniedError: it does not. UnavailableError: nobody can say, or the unit saves power.
        """
        if not self._may_serve():
            raise UnavailableError("this unit saves power and serves nobody now; ask the manager", reason="DERATED")
        standing = self._vouchers.standing(sha256, self._mono_s())
        if standing is Standing.ASK:
            standing = await self._asked(sha256)
        if standing is Standing.NO:
            raise PermissionDeniedError("the manager does not vouch for that certificate", reason="PEER_REFUSED")

    async def _asked(self, sha256: str) -> Standing:
        try:
            async with asyncio.timeout(self._bounds.check_s):
                await self._check(sha256)
        except (PermissionDeniedError, InvalidArgumentError):
            self._vouchers = self._vouchers.with_answer(sha256, self._mono_s(), is_yes=False)
            return Standing.NO
        except (WaysideError, TimeoutError) as error:
            if self._vouchers.is_known_good(sha256, self._mono_s()):
                return Standing.YES
            raise UnavailableError("nobody vouches for that certificate now; ask the manager") from error
        self._vouchers = self._vouchers.with_answer(sha256, self._mono_s(), is_yes=True)
        return Standing.YES

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One transfer for each node."""
        if name in self._served:
            raise ResourceExhaustedError(f"{name} is being served already", reason="PEER_BUSY")
        self._served.add(name)
        try:
            yield
        finally:
            self._served.discard(name)

    async def _send(self, request: wire.FetchArtifactRequest, context: Context, name: str) -> None:
        async with self._shelf.opened(request.sha256) as artifact:
            offset = request.offset_bytes
            if not 0 <= offset <= artifact.size_bytes:
                raise OutOfRangeError(f"offset_bytes: {offset} is not within 0 to {artifact.size_bytes}")
            logger.info("neighbours: %s fetches from byte %d", name, offset, extra={"sha256": request.sha256})
            async for content in artifact.chunks(offset, self._bounds.chunk_bytes):
                await self._paced(len(content))
                answer = wire.FetchArtifactResponse(offset_bytes=offset, content=content)
                await _written(context, answer.SerializeToString())
                offset += len(content)

    async def _paced(self, size_bytes: int) -> None:
        now_s = self._mono_s()
        self._ready_s = paced_until_s(self._ready_s, now_s, size_bytes, self._bounds.max_bytes_per_s)
        if self._ready_s > now_s:
            await asyncio.sleep(self._ready_s - now_s)


def _bound(server: grpc.aio.Server, listen: str, identity: Identity) -> int:
    if not isinstance(identity.secret, bytes):
        raise UnavailableError("the unit's key is in a token, with which gRPC cannot serve")
    credentials = grpc.ssl_server_credentials(
        [(identity.secret, identity.certificate_pem)], identity.authorities_pem, require_client_auth=True
    )
    try:
        return server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        raise UnavailableError(f"peer.listen: cannot listen on {listen}; is the port taken?") from error


async def _written(context: Context, answer: bytes) -> None:
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await context.write(answer)
    except TimeoutError as error:
        raise DeadlineExceededError("the artifact is read too slowly", reason="TOO_SLOW") from error
