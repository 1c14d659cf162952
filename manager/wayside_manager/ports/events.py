"""Events, and the sinks they go to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.event_filter import EventFilter
from wayside_manager.core.event_sinks import Attempt, DeadLetter, Outcome, SinkRecord
from wayside_manager.core.events import EventRecord, NewEvent
from wayside_manager.core.pages import Page
from wayside_manager.ports.rollouts import Lease


@dataclass(frozen=True, slots=True)
class EventSpan:
    """What was found of a stretch of events."""

    records: tuple[EventRecord, ...]
    """Those that pass, in the order they were asked for."""
    cursor: int
    """Every event up to this one has been looked at; backwards: down to this one."""
    is_end: bool
    """There are no more in this direction now."""


class EventStore(Protocol):
    """Events as operators read them."""

    async def add_events(self, new: Sequence[NewEvent], *, now: datetime) -> int:
        """Writes events that tell of no change of the store; the cursor of the last."""

    async def check_event_filter(self, wanted: EventFilter, *, reach: Reach) -> None:
        """Returns if what its selector names is there for the caller.

        Raises: NotFoundError; InvalidArgumentError: an area or a section is none.
        """

    async def newest_cursor(self) -> int:
        """Cursor of the newest event. 0: there never was one."""

    async def read_events(
        self, wanted: EventFilter, *, reach: Reach, cursor: int, limit: int, newest_first: bool = False
    ) -> EventSpan:
        """Events of the reach behind a cursor, at most `limit`, of a bounded stretch; 0: from the oldest there is.

        Newest first: those before it; 0: from the newest.
        Raises: OutOfRangeError: events behind the cursor have been dropped with age, or it is ahead of the newest.
        """

    async def drop_events(self, before: datetime, *, now: datetime, max_count: int) -> int:
        """Drops at most `max_count` of the oldest events if they were written before a time; how many it dropped.

        One that was written later than `now`, by a clock that was ahead, is as old as what comes behind it.
        """


class EventSinkStore(Protocol):
    """Sinks as operators see them."""

    async def apply_sink(self, sink: SinkRecord, *, now: datetime, etag: str = "") -> SinkRecord:
        """Makes a sink, which begins with the next event, or changes one, which then goes on at once.

        Raises: ConflictError: the etag is not the present one; AlreadyExistsError: another tenant has the name;
        NotFoundError: something its selector names is not there.
        """

    async def get_sink(self, sink_id: str) -> SinkRecord:
        """One sink.

        Raises: NotFoundError.
        """

    async def list_sinks(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[SinkRecord]:
        """A page in order of ids, of the whole tenants of the reach.

        Raises: InvalidArgumentError: page size or token.
        """

    async def delete_sink(self, sink_id: str, *, etag: str = "") -> None:
        """Deletes a sink and its dead letters.

        Raises: NotFoundError; ConflictError: the etag is not the present one.
        """

    async def list_dead_letters(self, sink_id: str, *, page_size: int = 0, page_token: str = "") -> Page[DeadLetter]:
        """A page of what a sink did not take, oldest first.

        Raises: NotFoundError; InvalidArgumentError: page size or token.
        """

    async def retry_dead_letters(self, sink_id: str) -> int:
        """Has all dead letters of a sink tried again; how many there are.

        Raises: NotFoundError.
        """


@dataclass(frozen=True, slots=True)
class DueSink:
    """A sink that has something to do now."""

    sink: SinkRecord
    letters: tuple[DeadLetter, ...]
    """Dead letters to try again, oldest first."""
    has_turn: bool
    """It may be given what is behind its cursor."""


class EventDeliveryStore(Protocol):
    """Sinks as they are served."""

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """Takes or renews the lease; `None`: somebody else has it."""

    async def release_lease(self, lease: Lease) -> None:
        """Lets others have it at once."""

    async def due_sinks(self, *, now: datetime, without: Collection[str] = ()) -> tuple[DueSink, ...]:
        """Sinks with something to do, those that wait longest first."""

    async def read_for_sink(self, sink: SinkRecord, *, limit: int) -> EventSpan:
        """What is behind a sink's cursor: events of its tenant and those below it that pass its filter.

        What was dropped with age before its turn came is passed over.
        """

    async def save_attempt(self, sink: SinkRecord, outcome: Outcome, *, lease: Lease) -> None:
        """Writes where a sink stands after an attempt.

        Raises: ConflictError: somebody changed the sink meanwhile, it is gone, or the lease is lost.
        """

    async def save_retry(
        self, sink: SinkRecord, delivered: Sequence[int], changed: Sequence[DeadLetter], *, lease: Lease
    ) -> None:
        """Drops dead letters that were delivered, by cursor, and writes those that changed.

        Raises: ConflictError: the lease is lost.
        """


class EventSender(Protocol):
    """Hands events to what is behind a sink."""

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        """Hands over some events in their order, within a bounded time. Never raises for what the receiver does."""

    def check_secrets(self, sink: SinkRecord) -> None:
        """Returns if every secret the sink names is there and can be used.

        Raises: NotFoundError, InvalidArgumentError.
        """
