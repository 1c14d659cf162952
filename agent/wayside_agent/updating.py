"""How a unit comes to its releases, joined: slots, downloads, the helper, what must hold first, and the service.

Usage: `async with updating:`, then run each of `updating.services()`.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from wayside.errors import InvalidArgumentError
from wayside.names import node_name
from wayside.neighbours import SCHEME
from wayside.node_config import UpdateConfig
from wayside_agent.core.gate import Vitals
from wayside_agent.core.health_samples import Sample
from wayside_agent.core.serving import is_server
from wayside_agent.core.update import AT_REST, Consent, Update, UpdateStatus
from wayside_agent.drivers import update_lock
from wayside_agent.drivers.downloads import DownloadDir
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.installer_process import Helper, InstallerProcess
from wayside_agent.drivers.kept_artifacts import KeptArtifacts
from wayside_agent.drivers.machine import CommandMachine
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.drivers.update_hooks import HookCommands
from wayside_agent.drivers.update_notice import NoticeFile
from wayside_agent.link.https import HttpsPlace
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.neighbours import NeighbourPlace
from wayside_agent.ports.components import ComponentDriver
from wayside_agent.ports.identity import Identity
from wayside_agent.services.ota import Ota
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.timekeeping import Timekeeping
from wayside_agent.services.update_door import UpdateDoor
from wayside_agent.services.update_situation import Surroundings as Situations
from wayside_agent.services.update_situation import limits_of
from wayside_agent.services.update_world import World
from wayside_agent.settings import Settings, trust_dir

if TYPE_CHECKING:
    from wayside_agent.link.serving import ArtifactServer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the update asks of the running agent."""

    node_id: str
    running_slot: str
    """Empty: the factory software runs."""
    components: Mapping[str, ComponentDriver]
    sensing: Sensing
    link: ManagerLink
    identity: Callable[[], Identity]
    """What the unit shows now."""
    report: Callable[[UpdateStatus], Awaitable[None]]
    vitals: Callable[[], Vitals]
    sample: Callable[[], Sample]
    config: Callable[[], UpdateConfig]
    is_config_on_trial: Callable[[], bool]
    may_download: Callable[[], bool]
    may_upload: Callable[[], bool]
    time: Callable[[], Timekeeping]
    broadcast: Callable[[], str]
    """Road event on air; empty: none."""


class Updating:
    """The update of one unit."""

    def __init__(self, unit: Settings, around: Surroundings) -> None:
        state = Path(unit.state_dir)
        self._unit = unit
        self._around = around
        self.slots = SlotDir(SlotDir.Options(directory=str(state / "slots"), running_slot=around.running_slot))
        self._downloads = DownloadDir(state / "downloads")
        self._shelf = KeptArtifacts(state / "peer", max_count=unit.peer.kept_artifacts if unit.peer.listen else 0)
        self._installer = InstallerProcess(
            Helper(state, trust_dir(unit), unit.node.hardware_id, unit.update.installer_socket),
            around.link,
            self.slots,
            node=node_name(around.node_id),
            now_s=lambda: around.time().known_s(),
        )
        self.ota = Ota(self._world(state))
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Opens slots, downloads and what is kept.

        Raises: DeviceFaultError. InvalidArgumentError: the unit's key cannot serve what its settings say it serves.
        """
        if self._unit.peer.listen and not isinstance(self._around.identity().secret, bytes):
            raise InvalidArgumentError(
                "field peer.listen: gRPC cannot serve with a key in a token; leave it out, or use the driver 'key-file'"
            )
        await self._held.enter_async_context(self.slots)
        await self._held.enter_async_context(self._downloads)
        await self._held.enter_async_context(self._shelf)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._held.aclose()

    def metadata_end_s(self) -> float | None:
        """Until when a release that waits may be installed, seconds since 1970; `None`: none waits, or nobody knows."""
        return None if self.ota.status().phase in AT_REST else self._installer.metadata_end_s

    def services(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What must run, by name."""
        found = {"ota": self.ota.run, "update-door": UpdateDoor(Path(self._unit.runtime_dir), self._answer).run}
        return found | ({"neighbours": self._server().run} if self._unit.peer.listen else {})

    def peer_address(self) -> str:
        """Where units near this one reach what it serves; empty: it does not, or its certificate cannot yet."""
        peer = self._unit.peer
        return peer.advertise if peer.listen and is_server(self._around.identity().certificate_pem) else ""

    def _server(self) -> "ArtifactServer":
        from wayside_agent.link.serving import ArtifactServer, Bounds  # few units serve

        peer, around = self._unit.peer, self._around
        return ArtifactServer(
            self._shelf,
            around.link.check_peer,
            around.identity,
            Bounds(peer.listen, max_count=peer.max_connections, max_bytes_per_s=peer.max_bytes_per_s),
            may_serve=around.may_upload,
        )

    def _world(self, state: Path) -> World:
        unit, around = self._unit, self._around
        return World(
            slots=self.slots,
            installer=self._installer,
            source=around.link,
            places={"https": HttpsPlace(unit.update.https_ca_file), SCHEME: NeighbourPlace(around.identity)},
            downloads=self._downloads,
            keeper=self._shelf,
            components=around.components,
            machine=CommandMachine(unit.update.reboot_command),
            store=StateFile(state / "update.state", Update),
            consents=StateFile(state / "consent.state", Consent),
            report=around.report,
            vitals=around.vitals,
            max_download_bytes_per_s=lambda: around.config().max_download_bytes_per_s,
            gate_timeout_s=lambda: around.config().health_gate_timeout_s,
            is_config_on_trial=around.is_config_on_trial,
            may_download=around.may_download,
            is_metered=lambda: unit.update.metered,
            situation=lambda: self._situations().now(),
            limits=lambda: limits_of(around.config()),
            hooks=HookCommands(
                {str(phase): each for phase, each in unit.update.hooks.items()}, timeout_s=unit.update.hook_timeout_s
            ),
            utc_s=lambda: around.time().utc_s(),
            notice=NoticeFile(Path(unit.runtime_dir)).show,
        )

    def _situations(self) -> Situations:
        """What must hold before a release is installed is looked at here."""
        return Situations(
            sensing=self._around.sensing,
            sample=self._around.sample,
            config=self._around.config,
            moves=self._unit.node.kind == "obu",
            utc_s=self._around.time().known_s,
            clock_s=time.time,
            mono_s=time.monotonic,
            broadcast=self._around.broadcast,
            lock=partial(update_lock.held, self._unit.update.lock_file),
        )

    async def _answer(self, is_given: bool, who: str) -> str:
        return await self.ota.answer(is_given=is_given, who=who)
