"""Broadcasts by area and time: a MAP or RSI that the roadside units of an area repeat on the air, and their receipts.

Which units are meant is kept per unit, `BroadcastNode`: a unit that left the area is told so until it answers, and one
that never heard of it is simply forgotten. A word of a unit counts for the revision it names.
Usage: `record.state_at(now)`; `node.is_pending(record.revision)`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wayside.errors import InvalidArgumentError
from wayside_manager.core.selectors import NodeSelector

PER_NODE_MAX_COUNT = 64
"""Broadcasts of one unit at once, as `BroadcastSet` says."""
RSI_MAX_AHEAD = timedelta(days=366)
"""The minute of the year, which ends events on the air, says no more."""
NOTE_MAX_CHARS = 500
KEPT = timedelta(days=90)
"""How long broadcasts that are over, and their receipts, are kept."""


class BroadcastKind(StrEnum):
    """What the message is; names as in `wayside.v1.Broadcast.Kind`."""

    MAP = "map"
    RSI = "rsi"


class BroadcastState(StrEnum):
    """Lifecycle; names as in `wayside.v1.Broadcast.State`."""

    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class ReceiptState(StrEnum):
    """What a unit says; names as in `wayside.v1.BroadcastReport.State`. `NONE`: nothing yet."""

    NONE = ""
    ON_AIR = "on_air"
    WAITING = "waiting"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    DRILLED = "drilled"


TAKEN = frozenset({ReceiptState.ON_AIR, ReceiptState.WAITING, ReceiptState.DRILLED})
"""The unit has it."""
OFF = frozenset({ReceiptState.WITHDRAWN, ReceiptState.ENDED})
"""The unit has it no more. One that refuses has it: it may find room, or other settings, after a restart."""


@dataclass(frozen=True, slots=True)
class BroadcastRecord:
    """One broadcast."""

    broadcast_id: str
    tenant_id: str
    kind: BroadcastKind
    selector: NodeSelector
    message: bytes
    """UPER."""
    profile: str
    begin_time: datetime | None
    end_time: datetime | None
    is_drill: bool
    note: str
    author: str
    """`operators/{operator}`."""
    create_time: datetime
    update_time: datetime
    withdraw_time: datetime | None = None
    revision: int = 1

    def state_at(self, now: datetime) -> BroadcastState:
        """Where it stands."""
        if self.withdraw_time is not None:
            return BroadcastState.WITHDRAWN
        if self.end_time is not None and now >= self.end_time:
            return BroadcastState.ENDED
        if self.begin_time is not None and now < self.begin_time:
            return BroadcastState.WAITING
        return BroadcastState.LIVE

    def is_over_at(self, now: datetime) -> bool:
        """Whether no unit should have it."""
        return self.state_at(now) in {BroadcastState.ENDED, BroadcastState.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class BroadcastNode:
    """What one unit was told and said of a broadcast."""

    broadcast_id: str
    node_id: str
    is_wanted: bool = True
    told_revision: int = 0
    """0: it was never told."""
    said_revision: int = 0
    state: ReceiptState = ReceiptState.NONE
    reason: str = ""
    say_time: datetime | None = None
    """By the unit's clock."""
    receive_time: datetime | None = None
    last_seen_time: datetime | None = None
    """When anything was heard of the unit."""

    @property
    def is_off(self) -> bool:
        """It was never told, or has said that it is not, or no more, on the air there."""
        return not self.told_revision or (self.state in OFF and self.said_revision >= self.told_revision)

    def is_pending(self, revision: int) -> bool:
        """Whether its word on what should be is still missing."""
        if self.is_wanted:
            return self.state is ReceiptState.NONE or self.said_revision < revision
        return not self.is_off


@dataclass(frozen=True, slots=True)
class BroadcastCounts:
    """How many units said what; see `wayside.v1.BroadcastCounts`."""

    node_count: int = 0
    pending_count: int = 0
    taken_count: int = 0
    refused_count: int = 0
    over_count: int = 0


@dataclass(frozen=True, slots=True)
class BroadcastTold:
    """What a unit is told of one broadcast."""

    record: BroadcastRecord
    is_withdrawn: bool
    is_unheard: bool = False
    """Nothing is known of what the unit has to say of it."""


@dataclass(frozen=True, slots=True)
class BroadcastsChanged:
    """Who must hear of a change."""

    node_ids: frozenset[str] = frozenset()
    event_cursor: int = 0
    """Of the newest event; 0: none."""


@dataclass(frozen=True, slots=True)
class BroadcastFacts:
    """Of a BroadcastReport."""

    broadcast_id: str
    revision: int
    state: ReceiptState
    reason: str
    """At most 500 printable characters."""
    time: datetime | None
    """By the unit's clock."""


@dataclass(frozen=True, slots=True)
class BroadcastWord:
    """What a node said of a broadcast, and when that came."""

    node_id: str
    facts: BroadcastFacts
    receive_us: int


def counted(alike: Iterable[tuple[BroadcastNode, int]], revision: int) -> BroadcastCounts:
    """What the units of a broadcast say together; each stands for as many units that were told and said the same."""
    counts = Counter[str]()
    for node, count in alike:
        counts[_said(node, revision)] += count
    return BroadcastCounts(
        node_count=counts.total(),
        pending_count=counts["pending"],
        taken_count=counts["taken"],
        refused_count=counts["refused"],
        over_count=counts["over"],
    )


def _said(node: BroadcastNode, revision: int) -> str:
    if node.is_pending(revision):
        return "pending"
    if node.state is ReceiptState.REFUSED:
        return "refused"
    return "taken" if node.state in TAKEN else "over"


def check_times(kind: BroadcastKind, begin: datetime | None, end: datetime | None, *, now: datetime) -> None:
    """Returns if a broadcast may be on the air from then until then.

    Raises: InvalidArgumentError: naming the field.
    """
    if end is None:
        if kind is BroadcastKind.RSI:
            raise InvalidArgumentError(
                "broadcast.end_time: an RSI must have an end; give one, up to 366 d ahead", reason="TIME_INVALID"
            )
        return
    if end <= now or (begin is not None and end <= begin):
        raise InvalidArgumentError(
            "broadcast.end_time: it is over, or before the begin; give a later one", reason="TIME_INVALID"
        )
    if kind is BroadcastKind.RSI and end > now + RSI_MAX_AHEAD:
        raise InvalidArgumentError(
            f"broadcast.end_time: more than {RSI_MAX_AHEAD.days} d ahead; publish it again before it ends",
            reason="TIME_INVALID",
        )


def targets_of(told: "list[BroadcastTold]") -> "list[BroadcastTold]":
    """As many as one desired state has room for: those that are wanted, and those that wait to be taken off."""
    wanted = [each for each in told if not each.is_withdrawn][:PER_NODE_MAX_COUNT]
    return wanted + [each for each in told if each.is_withdrawn][:PER_NODE_MAX_COUNT]
