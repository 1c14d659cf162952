"""What is owed to the centre, and the broker that takes telemetry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wayside_agent.ports.opened import Opened


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
    append_s: float | None = field(default=None, compare=False)
    """Longest time of late that records took to become durable, also of those under way; `None`: there were none."""


class Spool(Protocol):
    """A durable, bounded queue. What `append` returned survives kill -9 and power loss."""

    @property
    def spool_id(self) -> str:
        """Identity the sequence numbers count in; a new spool has a new one."""

    async def append(self, payloads: Sequence[bytes]) -> int:
        """Makes the payloads durable and returns the sequence of the last; also when the caller is cancelled meanwhile.

        Raises: ResourceExhaustedError: the disk is full even after eviction; nothing was accepted.
        """

    async def read(self, after_sequence: int, *, max_count: int) -> Sequence[SpoolRecord]:
        """The oldest records behind a sequence; waits until there is one."""

    async def acknowledge(self, sequence: int) -> None:
        """Gives up every record up to a sequence: it is safe elsewhere."""

    def state(self) -> SpoolState:
        """The present fill."""


class BuiltSpool(Spool, Protocol):
    """A spool whose payloads may carry their own sequence."""

    async def append_built(self, build: Callable[[int], bytes]) -> int:
        """Makes one payload durable and returns its sequence; `build` gets the sequence and must not block or await.

        Raises: ResourceExhaustedError: as `append`.
        """


class TelemetrySink(Opened, Protocol):
    """One connection to the broker that takes telemetry. Opening raises UnavailableError or UnauthenticatedError."""

    async def publish(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Delivers payloads in their order, each at least once; returns when the broker holds them all.

        Raises: UnavailableError: any of them may or may not have arrived; open a new connection and send all again.
        """

    async def until_lost(self) -> None:
        """Waits until the connection is lost.

        Raises: UnavailableError: it is.
        """
