"""Units near each other, with certificates of one fleet: real keys, real TLS, real files."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from tests.link.manager_api.peer import csr
from wayside.errors import PermissionDeniedError, WaysideError
from wayside.neighbours import neighbour_url
from wayside_agent.core.download import Order
from wayside_agent.drivers.kept_artifacts import KeptArtifacts
from wayside_agent.link.neighbours import NeighbourPlace
from wayside_agent.link.serving import ArtifactServer, Bounds
from wayside_agent.ports.identity import Identity
from wayside_agent.ports.keeping import ArtifactShelf, NoKeeper
from wayside_manager.services.authority import Authority, key_pem, new_key

CONTENT = Random(6).randbytes(3_000_000)  # noqa: S311  # repeatable bytes, no secrets
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ORDER = Order("releases/1.1.0", SHA256, len(CONTENT))
START_S = 20.0


class Fleet:
    """An authority, and identities that it signed."""

    def __init__(self) -> None:
        self.authority = Authority.made(now=datetime.now(UTC))

    def identity(self, node_id: str, *, serves: bool = False, by: Authority | None = None) -> Identity:
        """A node's; `by` another fleet's authority, if it claims to be of this one."""
        key = new_key()
        now = datetime.now(UTC)
        signed = (by or self.authority).node_certificate(
            node_id, csr(key), now=now, life=timedelta(days=1), serves=serves
        )
        return Identity(node_id, key_pem(key).encode(), signed.pem.encode(), self.authority.certificate_pem.encode())


@dataclass
class Neighbour:
    """A roadside unit that keeps artifacts and serves them."""

    folder: Path
    identity: Identity
    answers: dict[str, WaysideError] = field(default_factory=dict)
    """What its manager says of certificates, by SHA-256; of others it says no word against them."""
    asked: list[str] = field(default_factory=list)
    question: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Those it asked about, to be waited for."""
    bounds: Bounds = field(default_factory=lambda: Bounds("127.0.0.1:0", max_count=4))
    mono_s: Callable[[], float] = time.monotonic
    is_saving: bool = False
    is_mute: bool = False
    """Its manager is behind a line that swallows everything."""
    shelf: ArtifactShelf | None = None
    """What it gives out instead of what it keeps."""

    @property
    def url(self) -> str:
        return neighbour_url(f"127.0.0.1:{self.server.port}", self.identity.node_id)

    async def kept(self, content: bytes = CONTENT, *, sha256: str = SHA256) -> Self:
        """Keeps an artifact as an update that was committed leaves it."""
        path = self.folder.parent / f"{self.identity.node_id}.part"
        path.write_bytes(content)
        async with KeptArtifacts(self.folder, max_count=2, reserve_bytes=0) as shelf:
            await shelf.take(path, sha256)
            await shelf.settle(sha256)
        return self

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        async with KeptArtifacts(self.folder, max_count=2, reserve_bytes=0) as shelf:
            self.server = ArtifactServer(
                self.shelf or shelf,
                self._check,
                lambda: self.identity,
                self.bounds,
                may_serve=lambda: not self.is_saving,
                mono_s=self.mono_s,
            )
            async with asyncio.TaskGroup() as group:
                self._running = group.create_task(self.server.run())
                try:
                    async with asyncio.timeout(START_S):
                        await self.server.listening.wait()
                    yield self
                finally:
                    self.vanish()

    def vanish(self) -> None:
        """Ends all connections."""
        self._running.cancel()

    async def _check(self, sha256: str) -> None:
        self.asked.append(sha256)
        self.question.put_nowait(sha256)
        if self.is_mute:
            await asyncio.Event().wait()
        if sha256 in self.answers:
            raise self.answers[sha256]
        if "" in self.answers:
            raise self.answers[""]


class RoughShelf(NoKeeper):
    """Gives out what a test tells it to, whatever is asked for; `stops_at`: there it sends nothing any more."""

    def __init__(self, content: bytes, *, stops_at: int = -1) -> None:
        self.content = content
        self.stops_at = stops_at
        self.stopped = asyncio.Event()
        self.offsets: list[int] = []
        self.size_bytes = len(content)

    @asynccontextmanager
    async def opened(self, _sha256: str) -> AsyncIterator[Self]:
        yield self

    async def chunks(self, offset_bytes: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        self.offsets.append(offset_bytes)
        end = self.size_bytes if self.stops_at < 0 else self.stops_at
        for begin in range(offset_bytes, end, chunk_bytes):
            yield self.content[begin : min(begin + chunk_bytes, end)]
        if self.stops_at >= 0:
            self.stopped.set()
            await asyncio.Event().wait()


async def fetched(url: str, identity: Identity, *, offset_bytes: int = 0, order: Order = ORDER) -> bytes:
    """What a unit gets from a neighbour."""
    found = NeighbourPlace(lambda: identity).fetch(url, order, offset_bytes=offset_bytes)
    return b"".join([chunk async for chunk in found])


REVOKED = PermissionDeniedError("that certificate opens nothing here", reason="PEER_REFUSED")
