"""Root file systems by RAUC, over its D-Bus API.

RAUC checks the bundle's own signature, writes the slots that are not booted and tells the boot loader. Its
`system.conf` should say `activate-installed=false`: else RAUC makes a new slot primary as soon as it is written, and
this driver takes that back. Which slot is on trial is noted in a file that both root file systems share, for RAUC does
not remember it.

**Tested with:** RAUC 1.8 of Debian 12 with slots in image files and a custom boot loader backend.
**Source:** RAUC reference manual, D-Bus API `de.pengutronix.rauc.Installer`; dbus-fast 5 (extra `rauc`).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wayside.errors import FailedPreconditionError
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.rauc_bus import RaucBus
from wayside_agent.ports.components import Activation, Payload, Progress
from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError

LOOK_PERIOD_S = 0.5
GRACE_S = 10.0
"""Between the end of an installation and the signal that says so."""
IDLE = "idle"


class _Trial(msgspec.Struct, frozen=True):
    """Slots by RAUC's names."""

    target: str
    before: str


class RaucComponent:
    """`ports.components.ComponentDriver` for one class of RAUC's slots."""

    kind = "rauc"
    takes_effect = Activation.AT_BOOT

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Which slots, and where RAUC is."""

        state_file: Annotated[
            str, Meta(pattern="^/", description="Where the trial is noted; absolute, on no root file system.")
        ]
        slot_class: Annotated[str, Meta(min_length=1, max_length=64, description="Class of the slots.")] = "rootfs"
        bus_address: Annotated[
            str,
            Meta(description="D-Bus address, such as `unix:path=/run/dbus/system_bus_socket`. Empty: the system's."),
        ] = ""
        install_timeout_s: Annotated[float, Meta(ge=1, le=86_400, description="Time that writing may take [s].")] = (
            3_600.0
        )

    def __init__(self, options: Options) -> None:
        self._options = options
        self._notes = StateFile(Path(options.state_file), _Trial)

    async def version(self) -> str:
        """Version of the bundle that the booted slot came from; empty: none did.

        Raises: DeviceError.
        """
        async with self._bus() as bus:
            slots = await bus.slots()
            return str(slots[self._booted(slots)].get("bundle.version", ""))

    async def precheck(self, payload: Payload) -> None:
        """Has RAUC verify the bundle's signature, and compares what it is for.

        Raises: FailedPreconditionError: refused, for other hardware, or of another version. DeviceError.
        """
        async with self._bus() as bus:
            await self._checked(bus, payload)

    async def install(self, payload: Payload, progress: Progress) -> None:
        """Has RAUC write the slot that is not booted.

        Raises: FailedPreconditionError: as `precheck`. DeviceFaultError: RAUC failed, with what it says. DeviceError.
        """
        async with self._bus() as bus:
            await self._checked(bus, payload)
            slots = await bus.slots()
            trial = _Trial(self._spare(slots), self._booted(slots))
            earlier = await self._trial()
            if earlier is not None and earlier.target == trial.before:
                raise FailedPreconditionError(f"{trial.before} is booted on trial; confirm it or take it back first")
            try:
                async with asyncio.timeout(self._options.install_timeout_s):
                    await self._write(bus, payload, progress)
            except TimeoutError as exc:
                limit_s = self._options.install_timeout_s
                raise DeviceTimeoutError(f"RAUC did not end within {limit_s:g} s; restart its service") from exc
            if await bus.primary() != trial.before:  # system.conf does not say activate-installed=false
                await bus.mark("active", trial.before)
            await asyncio.to_thread(self._notes.save, trial)

    async def activate(self) -> Activation:
        """Makes the written slot primary; it runs once the machine starts again.

        Raises: FailedPreconditionError: nothing complete is installed. DeviceError.
        """
        async with self._bus() as bus:
            trial, slots = await self._trial(), await bus.slots()
            if trial is None or slots.get(trial.target, {}).get("status") != "ok":
                raise FailedPreconditionError(f"{self._options.slot_class}: nothing complete is installed; install it")
            if self._booted(slots) == trial.target:
                return Activation.AT_ONCE
            if await bus.primary() != trial.target:
                await bus.mark("active", trial.target)
            return Activation.AT_BOOT

    async def confirm(self) -> None:
        """Marks the booted slot good, if it is the one on trial.

        Raises: FailedPreconditionError: another slot is booted. DeviceError.
        """
        async with self._bus() as bus:
            trial, booted = await self._trial(), self._booted(await bus.slots())
            if trial is None:
                return
            if booted != trial.target:
                raise FailedPreconditionError(f"{booted} is booted, {trial.target} was to be; restart, or take it back")
            await bus.mark("good", trial.target)
            await asyncio.to_thread(self._notes.remove)

    async def revert(self) -> Activation:
        """Makes the slot before primary and marks the one on trial bad.

        Raises: DeviceError.
        """
        async with self._bus() as bus:
            trial, booted = await self._trial(), self._booted(await bus.slots())
            if trial is not None:
                await bus.mark("active", trial.before)
                await bus.mark("bad", trial.target)
                await asyncio.to_thread(self._notes.remove)
            return Activation.AT_ONCE if await bus.primary() == booted else Activation.AT_BOOT

    @asynccontextmanager
    async def _bus(self) -> AsyncIterator[RaucBus]:
        async with RaucBus(self._options.bus_address) as bus:
            yield bus

    async def _checked(self, bus: RaucBus, payload: Payload) -> None:
        compatible, version = await bus.info(payload.path)
        wanted = str(await bus.value("Compatible"))
        if compatible != wanted:
            raise FailedPreconditionError(
                f"{payload.path.name} is for {compatible!r}, this unit is {wanted!r}; choose another release"
            )
        if version != payload.version:
            raise FailedPreconditionError(
                f"{payload.path.name} says it is version {version!r}, the release {payload.version!r}; build it again"
            )

    async def _write(self, bus: RaucBus, payload: Payload, progress: Progress) -> None:
        while await bus.value("Operation") != IDLE:  # noqa: ASYNC110  # of another process: an agent before began it
            await asyncio.sleep(LOOK_PERIOD_S)
        done = await bus.install(payload.path)
        highest = 0.0
        while not await done.wait(LOOK_PERIOD_S):
            highest = max(highest, min(await bus.progress() / 100, 1.0))
            progress(highest)
            if await bus.value("Operation") == IDLE and not await done.wait(GRACE_S):
                raise DeviceFaultError("RAUC stopped in the midst of it; look into its log")
        if done.result:
            raise DeviceFaultError(f"RAUC: {await bus.value('LastError')}; build the bundle again, or free the slot")
        progress(1.0)

    async def _trial(self) -> _Trial | None:
        return await asyncio.to_thread(self._notes.load)

    def _booted(self, slots: Mapping[str, Mapping[str, Any]]) -> str:
        return self._slot(slots, is_booted=True)

    def _spare(self, slots: Mapping[str, Mapping[str, Any]]) -> str:
        return self._slot(slots, is_booted=False)

    def _slot(self, slots: Mapping[str, Mapping[str, Any]], *, is_booted: bool) -> str:
        name = self._options.slot_class
        for slot, status in slots.items():
            if status.get("class") == name and (status.get("state") == "booted") is is_booted:
                return slot
        which = "booted" if is_booted else "that is not booted"
        raise DeviceFaultError(f"RAUC: no slot of class {name!r} {which}; correct slot_class, or RAUC's system.conf")
