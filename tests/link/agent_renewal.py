"""One unit with its identity on the disk, its uplink and its renewal, joined as the agent joins them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from tests.link.agent_unit import Even
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.keys import KeyStore
from wayside_agent.services.exchange import Ears
from wayside_agent.services.newest import Newest
from wayside_agent.services.renewal import Renewal, Surroundings
from wayside_agent.services.returning import Ask, Returning
from wayside_agent.services.uplink import Hello, Uplink

TIMEOUT_S = 30.0


class Reachable(Protocol):
    """A manager of any kind."""

    @property
    def address(self) -> str:
        """Its device port."""


class RenewingUnit:
    """A unit whose credentials are renewed while it reports."""

    def __init__(self, folder: Path, keys: KeyStore | None = None) -> None:
        self.folder = folder
        self.files = IdentityFiles(folder / "identity", keys or KeyFile(KeyFile.Options()))
        self.change_count = 0
        self.is_held: Callable[[], bool] = lambda: False
        self.utc_s: Callable[[], float] = time.time
        self.ask: Ask | None = None
        """How the unit asks for a new certificate when the one before has ended; `None`: not at all."""
        self._changed = asyncio.Event()

    async def request_pem(self) -> str:
        return await asyncio.to_thread(self.files.next.request_pem, "rsu-1")

    def changed(self) -> None:
        self.change_count += 1
        self._changed.set()

    async def until_changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    @asynccontextmanager
    async def running(self, manager: Reachable) -> AsyncIterator["RenewingUnit"]:
        """The unit at work inside the block."""
        async with asyncio.timeout(TIMEOUT_S), FileSpool(self.folder / "reports") as spool:
            self.spool = spool
            async with ManagerLink(manager.address, await asyncio.to_thread(self.files.load)) as link:
                self._join(link)
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self.uplink.run()), group.create_task(self.renewal.run())]
                    yield self
                    for task in tasks:
                        task.cancel()

    def _join(self, link: ManagerLink) -> None:
        async def follow(_state: wire.DesiredState) -> None:
            pass

        async def reopen(timeout_s: float) -> bool:
            return await self.uplink.reopen(timeout_s)

        surroundings = Surroundings(
            request_pem=self.request_pem,
            is_connected=lambda: self.uplink.is_connected,
            reopen=reopen,
            changed=self.changed,
            utc_s=self.utc_s,
            mono_s=time.monotonic,
            rng=Even(0.0),
            is_held=lambda: self.is_held(),  # noqa: PLW0108  # a test may change it
        )
        self.returning = self._returning(self.ask) if self.ask is not None else None
        self.renewal = Renewal(self.files.load(), self.files, link, surroundings, returning=self.returning)
        self.uplink = Uplink(
            link.session,
            self.spool,
            hello=lambda: Hello("1.0", 0, "instance", self.renewal.identity.authorities_sha256),
            ears=Ears(follow=follow, trust=self.renewal.notice, time=lambda _: None, shut=self.renewal.shut_out),
            rng=Even(0.0),
            reconnect_cap_s=1.0,
            newest=Newest(),
        )

    def _returning(self, ask: Ask) -> Returning:
        return Returning(
            self.files, ask, address="manager:7444", utc_s=self.utc_s, mono_s=time.monotonic, rng=Even(0.0)
        )

    async def report(self, message: str) -> None:
        report = wire.Report(config=node_pb2.ConfigReport(message=message))
        await self.spool.append((report.SerializeToString(),))
