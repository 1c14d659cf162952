"""What services may know of the world. Every driver and link satisfies one of these and raises only the errors below.

    DeviceError
     +-- DeviceAbsentError     it is not there: no such interface, file, port
     +-- DeviceTimeoutError    it is there and silent
     +-- DeviceFaultError      it is there and broken, or speaks nonsense
     +-- SourceEndedError      a recording has been played to its end

Ports with `__aenter__` are opened by `app.py`; constructors only store values. No method blocks the loop.
"""

import errno
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

from wayside.errors import WaysideError
from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.update import ReleaseTarget, Running, Update
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


DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room: disk, quota, file size limit."""


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


class TelemetrySink(Opened, Protocol):
    """One connection to the broker that takes telemetry. Opening raises UnavailableError or UnauthenticatedError."""

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Delivers payloads in their order, each at least once; returns when the broker holds them all.

        Raises: UnavailableError: any of them may or may not have arrived; open a new connection and send all again.
        """


class RestartRequestedError(Exception):
    """The process must end and be started again by its supervisor; state is durable. `app.py` makes it an exit code."""


class ArtifactSource(Protocol):
    """Where the bytes of a release come from. Trust never comes from here."""

    def fetch(self, release: str, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of a release from an offset to the end, in chunks of at most 1 MiB.

        Raises: UnavailableError, DeadlineExceededError: try again later. NotFoundError: there is no such release.
        """


class Downloads(Protocol):
    """Partly and wholly fetched artifacts, one at a time. What `append` returned survives kill -9, not power loss."""

    async def size(self, sha256: str) -> int:
        """Bytes on the device of the artifact with this hash; those of any other are deleted."""

    async def append(self, sha256: str, content: bytes) -> None:
        """Adds bytes at the end.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError.
        """

    async def finish(self, sha256: str) -> tuple[Path, str]:
        """Makes all bytes durable; where they are, and the hash they have (empty: there are none).

        Raises: DeviceFaultError.
        """

    async def discard(self) -> None:
        """Deletes everything."""

    async def free_bytes(self) -> int:
        """Space left."""


class UpdateStore(Protocol):
    """Where the update under way is kept. Both methods block for about a millisecond: call them in a thread."""

    def load(self) -> Update | None:
        """What was saved; `None`: nothing, or it was damaged.

        Raises: DeviceFaultError.
        """

    def save(self, document: Update) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError. What was saved before stands.
        """


class Slots(Opened, Protocol):
    """Two places for releases beside the factory software, and which of them starts."""

    async def running(self) -> Running:
        """What runs now and what the slots hold."""

    async def install(self, artifact: Path, target: ReleaseTarget) -> str:
        """Writes a release into the slot that neither runs nor is chosen, and returns its name.

        A power cut at any instant leaves the running release chosen and the slot either complete or unbootable.
        Raises: InvalidArgumentError: not this artifact, or hostile. ResourceExhaustedError. DeviceFaultError.
        """

    async def choose(self, slot: str, *, gate_timeout_s: float) -> None:
        """Makes the next start a trial of this slot.

        Raises: FailedPreconditionError: the slot holds no complete release. DeviceError.
        """

    async def commit(self) -> None:
        """Makes the slot that runs the chosen one, and ends its trial.

        Raises: DeviceError.
        """

    async def go_back(self, reason: str) -> None:
        """Ends any trial: the next start is the chosen release. The reason is kept.

        Raises: DeviceError.
        """


class BuiltSpool(Spool, Protocol):
    """A spool whose payloads may carry their own sequence."""

    async def append_built(self, build: Callable[[int], bytes]) -> int:
        """Makes one payload durable and returns its sequence; `build` gets the sequence and must not block or await.

        Raises: ResourceExhaustedError: as `append`.
        """
