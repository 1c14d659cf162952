"""What a unit senses with: buses, receiver, radio, sensors, and its own computer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station
from wayside_agent.ports.opened import Opened


class FrameSource(Opened, Protocol):
    """One CAN bus."""

    async def read(self) -> FrameBatch:
        """At least one frame, and every further one that is already there.

        Raises: DeviceError; SourceEndedError at the end of a recording.
        """

    def counters(self) -> BusCounters:
        """Counts since opening."""


class Gnss(Opened, Protocol):
    """One satellite receiver."""

    async def read(self) -> Fix:
        """The next epoch, with or without a position.

        Raises: DeviceError; SourceEndedError at the end of a recording.
        """

    def counters(self) -> GnssCounters:
        """Counts since opening."""


class Radio(Opened, Protocol):
    """One V2X radio."""

    async def read(self) -> ReceivedMessage:
        """The next message heard. What is not one is counted and passed over.

        Raises: DeviceError; SourceEndedError at the end of a recording.
        """

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """Sends one UPER MessageFrame under an AID.

        Raises: DeviceError.
        """

    def counters(self) -> RadioCounters:
        """Counts since opening."""


@runtime_checkable
class DescribedRadio(Protocol):
    """What a radio may have besides: it says how it works."""

    def station(self) -> Station:
        """Frequency and power now, open or not; never raises, what is not known is `None`."""


class SensorFeed(Opened, Protocol):
    """Local sensors that push values."""

    async def read(self) -> Sequence[Reading]:
        """The values of the next message. What is malformed is counted and passed over.

        Raises: DeviceError, UnavailableError.
        """

    def counters(self) -> tuple[int, int]:
        """Messages accepted and refused since opening."""


@dataclass(frozen=True, slots=True)
class HostReading:
    """State of the unit's computer. `None` means it could not be read, never zero."""

    cpu_ratio: float | None = None
    """0 to 1 over all cores, since the reading before."""
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_wear_ratio: float | None = None
    """0 to 1 of the flash memory's life."""
    temperature_celsius: float | None = None
    uptime_s: float | None = None
    clock_offset_s: float | None = None
    clock_source: str = ""
    time_quality: TimeQuality = TimeQuality.UNSYNCHRONIZED
    agent_memory_bytes: int | None = None
    on_battery: bool | None = None
    battery_ratio: float | None = None
    """Charge of the emptiest battery, 0 to 1."""
    fan_rpm: float | None = None
    """Of the slowest fan that has ever turned; one that is told to stand does not count."""


class Host(Protocol):
    """The unit's computer."""

    async def read(self) -> HostReading:
        """The present state; never raises for a sensor that is missing."""
