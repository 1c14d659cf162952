"""RAUC's service on D-Bus, one connection for one errand.

**Tested with:** RAUC 1.8 of Debian 12 on a bus of its own.
**Source:** RAUC reference manual, D-Bus API `de.pengutronix.rauc.Installer`; dbus-fast 5.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from wayside.errors import FailedPreconditionError
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, DeviceTimeoutError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

NAME = "de.pengutronix.rauc"
INTERFACE = "de.pengutronix.rauc.Installer"
PROPERTIES = "org.freedesktop.DBus.Properties"
NOBODY = frozenset({"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"})
CALL_TIMEOUT_S = 60.0
"""RAUC verifies a whole bundle before `Info` answers."""


class Completion:
    """The end of an installation, once RAUC says it."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()
        self.result = 0
        """0: it succeeded."""

    def hear(self, message: "Message") -> None:
        """Takes every message of the bus."""
        if message.member == "Completed" and message.interface == INTERFACE and message.body:
            self.result = int(message.body[0])
            self._ended.set()

    async def wait(self, timeout_s: float) -> bool:
        """Whether it has ended; waits a while for it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True


class RaucBus:
    """An async context manager.

    All of it raises DeviceAbsentError: no bus, or no RAUC on it; DeviceTimeoutError; DeviceFaultError.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._bus: MessageBus | None = None

    async def __aenter__(self) -> Self:
        """Connects."""
        # imported here: an agent without RAUC does not pay for it
        try:
            from dbus_fast import BusType, errors
            from dbus_fast.aio import MessageBus
        except ImportError as exc:
            raise DeviceAbsentError("RAUC needs dbus-fast; install the agent with its extra `rauc`") from exc

        bus = MessageBus(bus_address=self._address or None, bus_type=BusType.SYSTEM)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                self._bus = await bus.connect()
        except (OSError, TimeoutError, errors.DBusError, errors.InvalidAddressError, errors.AuthError) as exc:
            bus.disconnect()
            raise DeviceAbsentError(f"D-Bus {self._address or 'of the system'}: {exc}; start it") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnects."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()

    async def slots(self) -> Mapping[str, Mapping[str, Any]]:
        """Status of every slot by name: `class`, `state`, `status`, `bundle.version` and more."""
        (found,) = await self._call("GetSlotStatus")
        return {name: {key: value.value for key, value in status.items()} for name, status in found}

    async def primary(self) -> str:
        """Slot that starts next."""
        (name,) = await self._call("GetPrimary")
        return str(name)

    async def mark(self, state: str, slot: str) -> None:
        """Marks a slot `active`, `good` or `bad`."""
        await self._call("Mark", "ss", [state, slot])

    async def info(self, bundle: Path) -> tuple[str, str]:
        """Compatible and version of a bundle whose signature RAUC has verified.

        Raises: FailedPreconditionError: RAUC refuses it.
        """
        try:
            compatible, version = await self._call("Info", "s", [str(bundle)])
        except DeviceFaultError as exc:
            raise FailedPreconditionError(f"{bundle.name}: {exc}") from exc
        return str(compatible), str(version)

    async def value(self, name: str) -> object:
        """One of RAUC's properties."""
        (variant,) = await self._call("Get", "ss", [INTERFACE, name], interface=PROPERTIES)
        return variant.value

    async def progress(self) -> int:
        """How far an installation is [%]."""
        found = await self.value("Progress")
        return int(found[0]) if isinstance(found, list | tuple) and found else 0

    async def install(self, bundle: Path) -> Completion:
        """Begins to install a bundle."""
        done = Completion()
        rule = f"type='signal',interface='{INTERFACE}',member='Completed'"
        await self._call("AddMatch", "s", [rule], interface="org.freedesktop.DBus", name="org.freedesktop.DBus")
        self._opened().add_message_handler(done.hear)
        await self._call("InstallBundle", "sa{sv}", [str(bundle), {}])
        return done

    async def _call(
        self,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        *,
        interface: str = INTERFACE,
        name: str = NAME,
    ) -> list[Any]:
        from dbus_fast import Message, MessageType

        path = "/" if name == NAME else "/org/freedesktop/DBus"
        question = Message(
            destination=name, path=path, interface=interface, member=member, signature=signature, body=body or []
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                answer = await self._opened().call(question)
        except TimeoutError as exc:
            raise DeviceTimeoutError(f"RAUC does not answer {member}; restart its service") from exc
        except (OSError, EOFError) as exc:
            raise DeviceAbsentError(f"D-Bus went away while RAUC was asked for {member}; start both") from exc
        if answer.message_type is MessageType.ERROR:
            text = str(answer.body[0]) if answer.body else str(answer.error_name)
            if answer.error_name in NOBODY:
                raise DeviceAbsentError(f"RAUC is not there ({text}); start its service")
            raise DeviceFaultError(f"RAUC refuses {member}: {text}")
        return list(answer.body)

    def _opened(self) -> "MessageBus":
        if self._bus is None:
            raise DeviceFaultError("D-Bus is not connected; open it first")
        return self._bus
