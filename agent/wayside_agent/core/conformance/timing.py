"""Rules of when a message comes, what it says of the time, and how it is counted."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from wayside.v2x.generated.messages import SPAT, BasicSafetyMessage, RoadsideSafetyMessage
from wayside.v2x.peek import MessageKind
from wayside_agent.core.conformance.model import Finding, Findings, RuleName, Seen, sender_of
from wayside_agent.core.conformance.suite import Recording

PERIODS_MS: Mapping[MessageKind, int] = {
    MessageKind.BSM: 100,
    MessageKind.MAP: 1_000,
    MessageKind.SPAT: 500,
    MessageKind.RSM: 100,
    MessageKind.RSI: 1_000,
}
RSI_PERIODS_MS = {3620: 1_000, 3621: 500, 3622: 100}
"""By AID: static, semi-static, dynamic."""
COUNT_MODULUS = 128
MOST_MISSED = 64
MINUTE_MS = 60_000
_YEAR_MINUTES = 527_040
_REPEATED = frozenset({MessageKind.MAP, MessageKind.RSI})
_NANOSECONDS_PER_MILLISECOND = 1_000_000


class OrderRule:
    """Times of reception do not run backwards."""

    name = RuleName.ORDER

    def __init__(self) -> None:
        self._last_ns = 0

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None or not seen.received.time_ns:
            return None
        back_ns, self._last_ns = self._last_ns - seen.received.time_ns, seen.received.time_ns
        return [Finding("order", {"back_ms": _ms(back_ns)})] if back_ns > 0 else ()


class PeriodRule:
    """A sender's messages of a kind do not come later than its period says."""

    name = RuleName.PERIOD

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._last: dict[tuple[str, str, int | None], tuple[int, int]] = {}

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        received = seen.received
        if received is None or seen.message is None or not received.time_ns or received.kind not in PERIODS_MS:
            return None
        key = received.kind, sender_of(seen.message), received.application_id
        before, now = self._last.get(key), (received.time_ns, seen.message.msgCnt)
        self._last[key] = now
        if before is None:
            return None
        missed = (now[1] - before[1]) % COUNT_MODULUS - 1 if self._recording.may_miss else 0
        period_ms = self._period_ms(received.kind, received.application_id) * (1 + max(0, missed))
        gap_ms = _ms(now[0] - before[0])
        if gap_ms <= period_ms + self._recording.tolerance_ms:
            return ()
        return [Finding("period", {"kind": key[0], "sender": key[1], "gap_ms": gap_ms, "period_ms": period_ms})]

    def _period_ms(self, kind: MessageKind, application_id: int | None) -> int:
        standard = PERIODS_MS[kind]
        if kind is MessageKind.RSI and application_id is not None:
            standard = RSI_PERIODS_MS.get(application_id, standard)
        return self._recording.periods_ms.get(kind, standard)


class CountRule:
    """A sender counts its messages of a kind one by one, 0 behind 127; MAP and RSI may be repeated as they were.

    MAP and SPAT name no sender: they are counted by crossing, or all together.
    """

    name = RuleName.COUNT

    def __init__(self, *, may_miss: bool) -> None:
        self._most = MOST_MISSED if may_miss else 1
        self._last: dict[tuple[str, str], tuple[int, bytes]] = {}

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        received = seen.received
        if received is None or seen.message is None or not hasattr(seen.message, "msgCnt"):
            return None
        sender, count = sender_of(seen.message), seen.message.msgCnt
        keys = [(received.kind.value, sender)]
        if received.kind in {MessageKind.MAP, MessageKind.SPAT}:
            keys.append((received.kind.value, ""))
        is_first, before = keys[0] not in self._last, [self._last[key] for key in keys if key in self._last]
        self._last.update(dict.fromkeys(keys, (count, received.payload)))
        if is_first:
            return None
        if any(self._follows(each, received, count) for each in before):
            return ()
        return [Finding("count", {"kind": received.kind, "sender": sender, "before": before[0][0], "count": count})]

    def _follows(self, before: tuple[int, bytes], received: Any, count: int) -> bool:  # noqa: ANN401
        if received.kind in _REPEATED and before[1] == received.payload:
            return True
        return 1 <= (count - before[0]) % COUNT_MODULUS <= self._most


class Mark(NamedTuple):
    """What a message says of the time."""

    field: str
    minute_of_year: int | None
    ms: int
    """In the minute."""


class ClockRule:
    """The time in a message is that of its reception."""

    name = RuleName.CLOCK

    def __init__(self, tolerance_ms: int) -> None:
        self._tolerance_ms = tolerance_ms

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None or seen.message is None or not seen.received.time_ns:
            return None
        offsets = [(mark.field, _offset_ms(mark, seen.received.time_ns)) for mark in _marks(seen.message)]
        if not offsets:
            return None
        return [
            Finding("clock", {"field": field, "offset_ms": offset_ms, "tolerance_ms": self._tolerance_ms})
            for field, offset_ms in offsets
            if abs(offset_ms) > self._tolerance_ms
        ]


def _marks(message: object) -> Iterator[Mark]:
    """Those that are known; a leap second, 60,000 ms and more, cannot be compared."""
    for field, minute_of_year, ms in _times(message):
        if ms is not None and ms < MINUTE_MS:
            yield Mark(field, minute_of_year, ms)


def _times(message: object) -> Iterator[tuple[str, int | None, int | None]]:
    match message:
        case BasicSafetyMessage():
            yield "secMark", None, message.secMark
        case RoadsideSafetyMessage():
            for place, each in enumerate(message.participants):
                yield f"participants[{place}].secMark", None, each.secMark
        case SPAT():
            yield "timeStamp", message.moy, message.timeStamp
            for place, crossing in enumerate(message.intersections):
                yield f"intersections[{place}].timeStamp", crossing.moy, crossing.timeStamp
        case _:  # MAP and RSI say when they were made, not when they are sent
            return


def _offset_ms(mark: Mark, time_ns: int) -> int:
    """How far the mark is ahead of the reception."""
    now_ms = time_ns // _NANOSECONDS_PER_MILLISECOND
    offset_ms = (mark.ms - now_ms % MINUTE_MS + MINUTE_MS // 2) % MINUTE_MS - MINUTE_MS // 2
    if mark.minute_of_year is None or mark.minute_of_year >= _YEAR_MINUTES:
        return offset_ms
    year = datetime.fromtimestamp(now_ms // 1000, UTC).year
    begins_ms = [int(datetime(each, 1, 1, tzinfo=UTC).timestamp()) * 1000 for each in (year - 1, year, year + 1)]
    mark_ms = mark.minute_of_year * MINUTE_MS + mark.ms
    return min((begin_ms + mark_ms - now_ms for begin_ms in begins_ms), key=abs)  # the year that was meant


def _ms(time_ns: int) -> int:
    return (time_ns + _NANOSECONDS_PER_MILLISECOND // 2) // _NANOSECONDS_PER_MILLISECOND
