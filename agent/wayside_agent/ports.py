"""What services may know of the world. Every driver and link satisfies one of these and raises only the errors below.

    DeviceError
     +-- DeviceAbsentError     it is not there: no such interface, file, port
     +-- DeviceTimeoutError    it is there and silent
     +-- DeviceFaultError      it is there and broken, or speaks nonsense
     +-- SourceEndedError      a recording has been played to its end

Ports with `__aenter__` are opened by `app.py`; constructors only store values. No method blocks the loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Protocol, Self

from wayside.errors import WaysideError
from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage


class DeviceError(WaysideError):
    """A device cannot do its work; the message names it and the remedy."""

    default_reason: ClassVar[str] = "DEVICE"


class DeviceAbsentError(DeviceError):
    """It is not there."""

    default_reason = "DEVICE_ABSENT"


class DeviceTimeoutError(DeviceError):
    """It is there and silent."""

    default_reason = "DEVICE_TIMEOUT"


class DeviceFaultError(DeviceError):
    """It is there and broken."""

    default_reason = "DEVICE_FAULT"


class SourceEndedError(DeviceError):
    """A recording has been played to its end. Normal, not a fault."""

    default_reason = "SOURCE_ENDED"


class Opened(Protocol):
    """An async context manager; opening raises DeviceError."""

    async def __aenter__(self) -> Self:
        """Opens it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it; never raises for a device that is gone."""


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


class Host(Protocol):
    """The unit's computer."""

    async def read(self) -> HostReading:
        """The present state; never raises for a sensor that is missing."""


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """One record owed upstream."""

    sequence: int
    """From 1, rising; gaps are evicted records."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What a spool holds and what it gave up."""

    record_count: int
    size_bytes: int
    evicted_count: int
    torn_bytes: int


class Spool(Protocol):
    """A durable, bounded queue. What `append` returned survives kill -9 and power loss."""

    @property
    def spool_id(self) -> str:
        """Identity the sequence numbers count in; a new spool has a new one."""

    async def append(self, payloads: Sequence[bytes]) -> int:
        """Makes the payloads durable and returns the sequence of the last.

        Raises: ResourceExhaustedError: the disk is full even after eviction; nothing was accepted.
        """

    async def read(self, after_sequence: int, *, max_count: int) -> Sequence[SpoolRecord]:
        """The oldest records behind a sequence; waits until there is one."""

    async def acknowledge(self, sequence: int) -> None:
        """Gives up every record up to a sequence: it is safe elsewhere."""

    def state(self) -> SpoolState:
        """The present fill."""
