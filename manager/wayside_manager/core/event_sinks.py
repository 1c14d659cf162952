"""Where events go by themselves: what a sink is, and what becomes of it after each attempt.

A sink has one place among the events, its cursor, and takes them in their order. What it does not take is tried again
after longer and longer waits; after so many attempts the event becomes a dead letter and the next one has its turn.
Usage: `after_attempt(standing, batch, attempt, now=now, pace=pace, rng=rng)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from wayside_manager.core.event_filter import EventRule
from wayside_manager.core.events import EventRecord

FAULT_MAX_CHARS = 300
_EXPONENT_MAX = 32
_WAIT_MAX_S = 8 * 3600.0
_JITTER_MIN, _JITTER_SPAN = 0.8, 0.4
"""Waits are 80 to 120 % of what the schedule says, so that sinks of one dead receiver do not come back at once."""


class Rng(Protocol):
    """A source of chance, such as `random.Random`."""

    def random(self) -> float:
        """Uniform from 0 to below 1."""


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """HTTP POST of one event each."""

    url: str
    secret: str
    """Name of the file with the key."""


@dataclass(frozen=True, slots=True)
class SyslogTarget:
    """RFC 5424 over TLS."""

    address: str
    authorities: str = ""
    """Name of the file with the authorities to trust. Empty: those of the system."""
    facility: int = 16


@dataclass(frozen=True, slots=True)
class EmailTarget:
    """E-mail over SMTP with STARTTLS or TLS."""

    address: str
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password_secret: str = ""
    """Name of the file with the password."""
    is_tls_implicit: bool = False


Target = WebhookTarget | SyslogTarget | EmailTarget


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a sink is."""

    cursor: int = 0
    """Events up to this one are done with."""
    attempt_count: int = 0
    """Attempts on the next event that failed."""
    retry_time: datetime | None = None
    """When it goes on. `None`: at once."""
    fault: str = ""
    """Why the newest attempt failed. Empty: it did not."""


@dataclass(frozen=True, slots=True)
class SinkRecord:
    """A sink."""

    sink_id: str
    tenant_id: str
    target: Target
    create_time: datetime
    update_time: datetime
    rule: EventRule = field(default_factory=EventRule)
    display_name: str = ""
    is_paused: bool = False
    standing: Standing = field(default_factory=Standing)
    dead_letter_count: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a sink is tried."""

    attempts_max: int = 12
    """Then the event becomes a dead letter."""
    base_s: float = 60.0
    """Wait after the first attempt; each further one is twice as long, 8 h at most. 12 attempts take a day."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of handing over some events in their order."""

    taken_count: int
    """The first so many were taken."""
    fault: str = ""
    """Why the next one was not. Empty: nothing failed, though time may have run out."""
    is_refused: bool = False
    """The receiver has read that event and will never take it."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be delivered."""

    record: EventRecord
    fault: str
    attempt_count: int
    give_up_time: datetime
    is_retried: bool = False
    """Somebody wants it tried again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be handed over, and up to where the events have been looked at for it."""

    records: tuple[EventRecord, ...]
    """Those the sink wants, in their order."""
    cursor: int
    """Place behind the last one up to which it wants none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt makes of a sink."""

    standing: Standing
    given_up: DeadLetter | None = None


def after_attempt(
    standing: Standing, batch: Batch, attempt: Attempt, *, now: datetime, pace: Pace, rng: Rng
) -> Outcome:
    """Where a sink stands after an attempt: the cursor passes only what was taken, and what is given up for good."""
    if not batch.records:
        return Outcome(replace(standing, cursor=max(standing.cursor, batch.cursor), attempt_count=0, retry_time=None))
    taken = batch.records[: attempt.taken_count]
    left = batch.records[len(taken) :]
    moved = Standing(cursor=taken[-1].cursor) if taken else standing
    if not left:
        return Outcome(Standing(cursor=max(batch.cursor, moved.cursor)))
    if not attempt.fault:
        return Outcome(replace(moved, retry_time=None))
    count = moved.attempt_count + 1
    fault = shortened(attempt.fault)
    if attempt.is_refused or count >= pace.attempts_max:
        return Outcome(Standing(cursor=left[0].cursor, fault=fault), DeadLetter(left[0], fault, count, now))
    retry_time = now + timedelta(seconds=wait_s(count, pace, rng))
    return Outcome(replace(moved, attempt_count=count, retry_time=retry_time, fault=fault))


def after_retry(
    letters: Sequence[DeadLetter], attempt: Attempt, *, now: datetime
) -> tuple[tuple[int, ...], tuple[DeadLetter, ...]]:
    """What a further attempt makes of dead letters: cursors of those that are delivered, and those that changed.

    A receiver that refuses one may take the next; one that cannot be reached takes none, so the rest is left alone.
    """
    delivered = tuple(letter.record.cursor for letter in letters[: attempt.taken_count])
    left = tuple(letters[attempt.taken_count :])
    if not left or not attempt.fault:
        return delivered, ()
    fault = shortened(attempt.fault)
    tried = replace(left[0], fault=fault, attempt_count=left[0].attempt_count + 1, give_up_time=now, is_retried=False)
    rest = () if attempt.is_refused else tuple(replace(letter, is_retried=False) for letter in left[1:])
    return delivered, (tried, *rest)


def wait_s(failed_count: int, pace: Pace, rng: Rng) -> float:
    """Seconds until the next attempt after so many failed, from 1."""
    planned_s = min(_WAIT_MAX_S, pace.base_s * 2.0 ** min(failed_count - 1, _EXPONENT_MAX))
    return planned_s * (_JITTER_MIN + _JITTER_SPAN * rng.random())


def shortened(fault: str) -> str:
    """One printable line: receivers say what they like."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in fault).split())
    return line if len(line) <= FAULT_MAX_CHARS else line[: FAULT_MAX_CHARS - 3] + "..."
