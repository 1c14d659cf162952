"""Cuts the power at every file-system step of a renewal and looks at what the unit can still show.

Runs as a process of its own, forks once per cut. The manager lives in a file outside the unit's disk: it remembers
what it issued and confirmed, whatever becomes of the unit. Prints one JSON line.
Usage: python -m tests.e2e.renewal_power_cut_child WORK_DIR
"""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.power_cut_child import PowerCut, in_child
from tests.link.agent_authority import Authority
from tests.link.agent_unit import Even
from wayside.errors import UnauthenticatedError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.ports.identity import Identity
from wayside_agent.services.renewal import Renewal, Surroundings
from wayside_agent.services.trust_link import Trial

AUTHORITY = Authority("authority")


class RenewedError(Exception):
    """The unit works with its successor."""


class Manager:
    """What the manager knows, in a file that no power cut of the unit touches."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> dict[str, str]:
        state: dict[str, str] = json.loads(self.path.read_text())
        return state

    def set(self, **values: str) -> None:
        self.path.write_text(json.dumps(self.state() | values))


class Link:
    """The manager as a unit reaches it."""

    def __init__(self, manager: Manager, identity: Identity) -> None:
        self.manager = manager
        self.identity = identity

    @property
    def is_accepted(self) -> bool:
        return self.identity.certificate_pem.decode() == self.manager.state()["accepted"]

    @asynccontextmanager
    async def trial(self, identity: Identity) -> AsyncIterator[Trial]:
        yield Second(self.manager, identity.certificate_pem.decode())

    def change_over(self, identity: Identity) -> Callable[[], Awaitable[None]]:
        self.identity = identity

        async def close() -> None:
            pass

        return close

    async def renew(self, request_pem: str) -> wire.RenewCertificateResponse:
        if not self.is_accepted:
            raise UnauthenticatedError("this certificate is not the node's")
        issued = AUTHORITY.for_request(request_pem)
        self.manager.set(next=issued)
        return wire.RenewCertificateResponse(certificate_pem=issued, authorities_pem=AUTHORITY.pem)

    async def authorities(self) -> str:
        return AUTHORITY.pem


class Second:
    """A second connection."""

    def __init__(self, manager: Manager, shown: str) -> None:
        self.manager = manager
        self.shown = shown

    async def confirm(self) -> None:
        if self.shown not in self.manager.state().values():
            raise UnauthenticatedError("this certificate is not the node's")
        self.manager.set(accepted=self.shown)

    async def authorities(self) -> str:
        return AUTHORITY.pem


def files_in(root: Path) -> IdentityFiles:
    return IdentityFiles(root / "identity", KeyFile(KeyFile.Options()))


async def live(root: Path, manager: Manager) -> None:
    """One life of the unit: it wants to renew unless a successor waits, and ends when it is renewed."""
    files = files_in(root)
    link = Link(manager, files.load())
    is_successor = files.load_next() is not None

    async def request_pem() -> str:
        return files.next.request_pem("rsu-1")

    async def reopen(_timeout_s: float) -> bool:
        return True

    def changed() -> None:
        raise RenewedError

    surroundings = Surroundings(
        request_pem=request_pem,
        is_connected=lambda: link.is_accepted,
        reopen=reopen,
        changed=changed,
        utc_s=lambda: 0.0,
        mono_s=lambda: 0.0,
        rng=Even(0.0),
    )
    renewal = Renewal(link.identity, files, link, surroundings)
    renewal.notice(wire.TrustNotice(should_renew=not is_successor))
    async with asyncio.timeout(10):
        await renewal.run()


def renewed(root: Path, manager: Manager) -> None:
    try:
        asyncio.run(live(root, manager))
    except RenewedError:
        return


def check_way_in(root: Path, manager: Manager) -> None:
    """Whatever the power did, the unit has a whole identity, and one that the manager takes."""
    files = files_in(root)
    held = [files.load(), files.load_next()]
    shown = {identity.certificate_pem.decode() for identity in held if identity}
    assert manager.state()["accepted"] in shown, "the unit has lost its way in"


def main() -> None:
    work = Path(sys.argv[1])
    start = work / "start"
    make_private_directory(start / "identity")
    files = files_in(start)
    first = AUTHORITY.for_request(files.request_pem("rsu-1"))
    files.store(node_id="rsu-1", certificate_pem=first, authorities_pem=AUTHORITY.pem)
    problems, cut_at, status = [], 0, 9
    while status == 9:
        cut_at += 1
        root = work / f"unit-{cut_at}"
        shutil.copytree(start, root)
        manager = Manager(work / f"manager-{cut_at}.json")
        manager.path.write_text(json.dumps({"accepted": first}))

        def cut(root: Path = root, cut_at: int = cut_at, manager: Manager = manager) -> None:
            power = PowerCut(root, cut_at)
            sys.addaudithook(power.hook)
            renewed(root, manager)

        def go_on(root: Path = root, manager: Manager = manager) -> None:
            check_way_in(root, manager)
            if manager.state()["accepted"] == first or files_in(root).load_next() is not None:
                renewed(root, manager)
            files = files_in(root)
            assert files.load().certificate_pem.decode() == manager.state()["accepted"] != first
            assert not list(files.next.directory.glob("*")), "something was left behind"

        status = in_child(cut)
        if in_child(go_on) != 0 or status not in {0, 9}:
            problems.append(cut_at)
        shutil.rmtree(root)
    print(json.dumps({"cuts": cut_at - 1, "problems": problems}))  # noqa: T201  # its one word to the test


if __name__ == "__main__":
    main()
