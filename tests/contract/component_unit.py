"""A unit with a simulated radio, a map and a root file system beside its agent, that can be killed at any instant."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.contract.component_devices import image
from tests.contract.update_unit import DEAF, EndedError, Unit, target_of
from tests.releases import archive
from wayside.release_manifest import Component
from wayside_agent.core.components import Goal
from wayside_agent.core.gate import Vitals
from wayside_agent.core.update import Phase, ReleaseTarget, Update, UpdateStatus
from wayside_agent.drivers.component_file import FileComponent
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.sim_firmware import SimFirmware
from wayside_agent.ports.components import Activation, ComponentDriver, Payload, Progress
from wayside_agent.ports.errors import DeviceFaultError, RestartRequestedError

T = TypeVar("T")

DEAF_VERSION = "6.6.6"
"""Firmware of the radio that runs and hears nothing."""
MAX_LIVES = 40


class KilledError(Exception):
    """The process is killed, or the power fails."""


class RebootedError(Exception):
    """The machine starts again."""


class Fate:
    """Counts instants, and strikes at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.strikes_at = 0

    def instant(self) -> None:
        self.count += 1
        if self.count == self.strikes_at:
            raise KilledError


class WatchedStore(StateFile[Update]):
    """The update's memory; each write of a plan of components has an instant before it and one behind it."""

    def __init__(self, path: Path, fate: Fate, on_commit: Callable[[], None]) -> None:
        super().__init__(path, Update)
        self._fate = fate
        self._on_commit = on_commit

    def save(self, document: Update) -> None:
        plan = document.components
        if plan is None:  # what may happen before is held elsewhere
            super().save(document)
            return
        self._fate.instant()
        if plan.goal is Goal.CONFIRMED:
            self._on_commit()
        super().save(document)
        self._fate.instant()


class Watched:
    """A driver that writes down its deeds; each has an instant before it and one behind it."""

    def __init__(self, name: str, driver: ComponentDriver, deeds: list[str], fate: Fate) -> None:
        self._name, self._driver, self._deeds, self._fate = name, driver, deeds, fate

    @property
    def kind(self) -> str:
        return self._driver.kind

    @property
    def takes_effect(self) -> Activation:
        return self._driver.takes_effect

    async def version(self) -> str:
        return await self._driver.version()

    async def precheck(self, payload: Payload) -> None:
        await self._driver.precheck(payload)

    async def install(self, payload: Payload, progress: Progress) -> None:
        await self._done("install", self._driver.install(payload, progress))

    async def activate(self) -> Activation:
        return await self._done("activate", self._driver.activate())

    async def confirm(self) -> None:
        await self._done("confirm", self._driver.confirm())

    async def revert(self) -> Activation:
        return await self._done("revert", self._driver.revert())

    async def _done(self, deed: str, work: Coroutine[object, object, T]) -> T:
        try:
            self._fate.instant()
        except KilledError:
            work.close()
            raise
        result = await work
        self._deeds.append(f"{deed} {self._name}")
        self._fate.instant()
        return result


class _Disk(msgspec.Struct):
    """Two root file systems, and what a boot loader knows of them."""

    versions: list[str] = msgspec.field(default_factory=lambda: ["1.0.0", ""])
    booted: int = 0
    primary: int = 0
    """Starts next."""
    is_trial: bool = False
    """The one that was not booted then was written, and nobody has confirmed it or taken it back."""


class RootFs:
    """A root file system in two slots, with a boot loader that leaves what does not start."""

    kind = "rauc"
    takes_effect = Activation.AT_BOOT

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, _Disk)
        self.starts_badly = False

    @property
    def disk(self) -> _Disk:
        return self._file.load() or _Disk()

    def boot(self) -> None:
        """The machine starts."""
        disk = self.disk
        if self.starts_badly:
            disk.primary = disk.booted
        disk.booted = disk.primary
        self._file.save(disk)

    async def version(self) -> str:
        disk = self.disk
        return disk.versions[disk.booted]

    async def precheck(self, payload: Payload) -> None:
        payload.path.read_bytes()

    async def install(self, payload: Payload, progress: Progress) -> None:
        disk = self.disk
        disk.versions[1 - disk.booted], disk.is_trial = payload.path.read_text(), True
        self._file.save(disk)
        progress(1.0)

    async def activate(self) -> Activation:
        disk = self.disk
        if disk.booted:
            return Activation.AT_ONCE
        disk.primary = 1
        self._file.save(disk)
        return Activation.AT_BOOT

    async def confirm(self) -> None:
        disk = self.disk
        disk.is_trial = False
        self._file.save(disk)

    async def revert(self) -> Activation:
        disk = self.disk
        if disk.is_trial:
            disk.primary, disk.is_trial = 0, False
            self._file.save(disk)
        return Activation.AT_ONCE if disk.primary == disk.booted else Activation.AT_BOOT


class Machine:
    """The computer."""

    def __init__(self) -> None:
        self.can_restart = True
        self.starts = 1
        self.refusal = ""
        """Why it does not start again."""

    @property
    def boot_id(self) -> str:
        return f"start {self.starts}"

    async def restart(self) -> None:
        if self.refusal:
            raise DeviceFaultError(self.refusal)
        raise RebootedError


class ComponentUnit(Unit):
    """One unit; everything on it is of version 1.0.0, but for the agent, which comes with the factory."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.deeds: list[str] = []
        self.fate = Fate()
        self.on_commit: Callable[[], None] = lambda: None
        """When the slot is chosen for good, and components are to be confirmed."""
        self.on_trial: Callable[[], None] = lambda: None
        self.computer = Machine()
        self.machine = self.computer
        (root / "maps").mkdir(exist_ok=True)
        self.radio = SimFirmware(SimFirmware.Options(path=str(root / "banks"), bank_bytes=16_384))
        self.map = FileComponent(FileComponent.Options(folder=str(root / "maps"), file_name="town.map"))
        self.rootfs = RootFs(root / "rootfs.state")
        self.use(radio=self.radio, map=self.map)

    def use(self, **drivers: ComponentDriver) -> None:
        """What the settings name."""
        self.components = {name: Watched(name, each, self.deeds, self.fate) for name, each in drivers.items()}

    def store(self) -> WatchedStore:
        return WatchedStore(self.root / "update.state", self.fate, self.on_commit)

    def vitals(self) -> Vitals:
        self.on_trial()
        return DEAF if self.radio.device.state().version == DEAF_VERSION else self.vitals_on_trial

    async def has(self, **versions: str) -> None:
        """Puts components there, as a technician would."""
        for name, version in versions.items():
            path = self.root / f"{name}.first"
            path.write_bytes(content_of(name, version))
            driver: ComponentDriver = self.radio if name == "radio" else self.map
            await driver.install(Payload(path, version), lambda _: None)
            await driver.activate()
            await driver.confirm()

    async def versions(self) -> dict[str, str]:
        """What runs."""
        return {name: await driver.version() for name, driver in self.components.items()}

    def reboot(self) -> None:
        """The machine starts again; the radio, which has a supply of its own, does not."""
        self.computer.starts += 1
        self.rootfs.boot()

    async def rested(self, target: ReleaseTarget) -> UpdateStatus:
        """The status once the update has ended, through as many lives as it takes."""
        ends = {Phase.COMMITTED, Phase.ROLLED_BACK, Phase.FAILED}
        return await self.reached(target, lambda status: status.rollout == target.rollout and status.phase in ends)

    async def reached(self, target: ReleaseTarget | None, until: Callable[[UpdateStatus], bool]) -> UpdateStatus:
        """The first status that will do, through as many lives as it takes."""
        self.until = until
        for _ in range(MAX_LIVES):
            try:
                await self.start(target)
            except (RestartRequestedError, KilledError):
                continue
            except RebootedError:
                self.reboot()
            except EndedError:
                return self.said[-1]
        raise AssertionError([status.phase for status in self.said])


def content_of(name: str, version: str) -> bytes:
    """The payload of a component."""
    return image(version) if name == "radio" else f"map {version}".encode() if name == "map" else version.encode()


DRIVERS = {"radio": "firmware", "map": "file", "rootfs": "rauc"}


def release(version: str = "1.1.0", /, *, requires: str = "", **components: str) -> bytes:
    """A release with an agent and these components; `requires`: what the first does, if anything."""
    files = {f"payload/{name}": content_of(name, each) for name, each in components.items()}
    first = next(iter(components), "")
    parts = tuple(
        Component(
            name=name,
            version=each,
            driver=DRIVERS[name],
            file=f"payload/{name}",
            requires=(requires,) if requires and name == first else (),
        )
        for name, each in components.items()
    )
    agent = Component(name="agent", version=version, driver="slot")
    site = {"site/wayside_agent/__init__.py": f"V = {version!r}".encode()}
    return archive(version, files={**site, **files}, components=(agent, *parts))


def ordered(unit: Unit, content: bytes, version: str = "1.1.0", rollout: str = "rollouts/r1") -> ReleaseTarget:
    """An order for a release that the manager has."""
    unit.manager.contents[f"releases/{version}"] = content
    return target_of(content, version, rollout)


def again(target: ReleaseTarget, rollout: str) -> ReleaseTarget:
    """The same for another rollout."""
    return replace(target, rollout=rollout)
