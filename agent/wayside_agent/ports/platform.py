"""What the bridge to a platform needs: a wire, somebody who broadcasts, lines of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wayside.v2x.peek import MessageKind


@dataclass(frozen=True, slots=True)
class Packet:
    """One publication that came."""

    topic: str
    payload: bytes
    is_retained: bool = False
    """The broker kept it; nobody says when it was meant."""


class PlatformWire(Protocol):
    """An open connection to a platform's broker."""

    async def publish(self, packets: Sequence[tuple[str, bytes]]) -> None:
        """Publishes payloads by topic, each at least once; returns when the broker holds them all.

        Raises: UnavailableError: any of them may or may not have arrived.
        """

    async def receive(self) -> Packet:
        """What came next. Of what came faster than it was asked for the oldest is lost.

        Raises: UnavailableError: the connection is lost.
        """


class Broadcaster(Protocol):
    """Puts messages of others on the air, by the unit's own rules of priority, repetition and expiry."""

    async def broadcast(self, kind: MessageKind, message: bytes, *, source: str) -> None:
        """Takes one UPER MessageFrame in the place of an older one of the same source about the same thing.

        Raises: WaysideError: it does not go on the air, and why.
        """


class LogLines(Protocol):
    """The agent's log, for one reader."""

    def taken(self, level: int) -> Sequence[str]:
        """Lines of this level (as of `logging`) and above since the last time, oldest first; a bounded number."""
