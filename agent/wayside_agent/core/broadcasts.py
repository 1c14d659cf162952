"""What a roadside unit repeats on the air: MAP and RSI, each with its AID, period and priority, until they end.

    pieces = broadcasts_of(frame, profile, source="platform:city")     # BroadcastError: it cannot go on the air
    fresh = encoded(piece, message_count=7, minute=201_600, profile=profile)

What is about the same thing from the same source takes the place of what was there: one key. Each crossing of a MAP,
and each event or sign of an RSI, goes out in a message of its own: it must fit the air, and one may change without
the others. The sender's count and minute are made anew for each message. An event is semi-static; it is dynamic if its
priority is the highest there is, or if it is told of another place than before: `following`.
Source: T/CSAE 159-2020 (periods, priorities, AIDs); 1400 byte with the head of DSMP, as in v2x-messages.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from wayside.v2x.codec import encode
from wayside.v2x.generated.messages import MapData, MessageFrame, RoadSideInformation, RSITimeDetails, RTEData
from wayside.v2x.profile import Profile
from wayside.v2x.uper import EncodeError
from wayside_agent.core.rsi_codes import EVENTS, SIGNS

MAX_BYTES = 1400 - 6
"""Of a message; the longest head of DSMP takes the rest."""
MAP_AID, SIGN_AID, EVENT_AID, DYNAMIC_AID = 3618, 3620, 3621, 3622
MAP_PERIOD_S, SIGN_PERIOD_S, EVENT_PERIOD_S, DYNAMIC_PERIOD_S = 1.0, 1.0, 0.5, 0.1
MAP_PRIORITY, SIGN_PRIORITY, EVENT_PRIORITY, DYNAMIC_PRIORITY = 16, 48, 80, 112
_HIGHEST = 0b111
"""RSIPriority of what cannot wait; its level is in the upper three bits of one octet."""
_MINUTE_UNKNOWN = 527_040
_HALF_A_YEAR = _MINUTE_UNKNOWN // 2


class BroadcastError(ValueError):
    """A message cannot be broadcast."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message that is repeated."""

    key: str
    """What it is about, and from whom."""
    frame: MessageFrame
    application_id: int
    period_s: float
    priority: int
    """The greater, the sooner."""
    begin_min: int | None = None
    """Minute of the year before which nobody is told; `None`: it holds already."""
    end_min: int | None = None
    """Minute of the year after which it is over; `None`: until it is withdrawn."""

    def is_over(self, minute: int) -> bool:
        """Whether it has ended; an end more than half a year behind is one in the next year."""
        return self.end_min is not None and 0 < (minute - self.end_min) % _MINUTE_UNKNOWN < _HALF_A_YEAR

    def is_early(self, minute: int) -> bool:
        """Whether it has not begun."""
        return self.begin_min is not None and 0 < (self.begin_min - minute) % _MINUTE_UNKNOWN < _HALF_A_YEAR

    def end_s(self, utc_s: float, minute: int) -> float | None:
        """When it is over, seconds since 1970, told at a moment in that minute of the year; `None`: it has no end."""
        if self.end_min is None:
            return None
        ahead_min = (self.end_min - minute + _HALF_A_YEAR) % _MINUTE_UNKNOWN - _HALF_A_YEAR
        return (utc_s // 60 + ahead_min + 1) * 60

    @property
    def crossing(self) -> tuple[int, int] | None:
        """Region and id of the crossing a MAP is of."""
        _, content = self.frame
        if not isinstance(content, MapData):
            return None
        return content.nodes[0].id.region or 0, content.nodes[0].id.id

    @property
    def event(self) -> RTEData | None:
        """The event of an RSI; `None`: it is a sign, or a MAP."""
        _, content = self.frame
        events = content.rtes if isinstance(content, RoadSideInformation) else None
        return events[0] if events else None

    @property
    def unknown_code(self) -> str:
        """The code of its event or sign that nobody here knows, in words; empty: it is known, or has none."""
        _, content = self.frame
        if not isinstance(content, RoadSideInformation):
            return ""
        events = [f"event {each.eventType}" for each in content.rtes or () if each.eventType not in EVENTS]
        signs = [f"sign {each.signType}" for each in content.rtss or () if each.signType not in SIGNS]
        return ", ".join(events + signs)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message of somebody else as it is kept over a restart."""

    source: str
    message: bytes
    end_s: float | None
    """When it is over, seconds since 1970; `None`: not before it is withdrawn, or nobody knew the time."""


def broadcasts_of(frame: MessageFrame, profile: Profile, *, source: str) -> tuple[Broadcast, ...]:
    """What goes on the air for a message.

    Raises: BroadcastError: it is neither MAP nor RSI, has nothing in it, or does not fit one message of the air.
    """
    _, content = frame
    if isinstance(content, MapData):
        found = tuple(_of_map(content, source))
    elif isinstance(content, RoadSideInformation):
        found = tuple(_of_rsi(content, source))
    else:
        raise BroadcastError("only MAP and RSI are repeated")
    for each in found:
        try:
            size_bytes = len(encoded(each, message_count=0, minute=0, profile=profile))
        except EncodeError as error:
            raise BroadcastError(str(error)) from error
        if size_bytes > MAX_BYTES:
            raise BroadcastError(f"{each.key}: {size_bytes} bytes do not fit the air; at most {MAX_BYTES} do")
    return found


def following(fresh: Broadcast, before: Broadcast | None) -> Broadcast:
    """What takes the place of another about the same thing: dynamic, if it is an event that has moved meanwhile."""
    event, past = fresh.event, None if before is None else before.event
    if before is None or event is None or past is None or _places(fresh, event) == _places(before, past):
        return fresh
    return _dynamic(fresh)


def encoded(broadcast: Broadcast, *, message_count: int, minute: int | None, profile: Profile) -> bytes:
    """The message as it goes out now.

    Raises: EncodeError: a value is outside its range.
    """
    name, content = broadcast.frame
    if isinstance(content, RoadSideInformation) and minute is not None:
        content = msgspec.structs.replace(content, msgCnt=message_count, moy=minute)
    elif isinstance(content, MapData | RoadSideInformation):
        content = msgspec.structs.replace(content, msgCnt=message_count)
    return encode((name, content), profile)  # type: ignore[arg-type]  # the same alternative as before


def phases_of(broadcasts: Iterable[Broadcast], region: int, node: int) -> frozenset[int] | None:
    """The phases a MAP has of a crossing; `None`: no MAP has the crossing."""
    found: set[int] = set()
    is_there = False
    for each in broadcasts:
        _, content = each.frame
        for one in content.nodes if isinstance(content, MapData) else ():
            if (one.id.region or 0, one.id.id) != (region, node):
                continue
            is_there = True
            for link in one.inLinks or ():
                movements = [*(link.movements or ()), *(way for lane in link.lanes for way in lane.connectsTo or ())]
                found |= {way.phaseId for way in movements if way.phaseId is not None}
    return frozenset(found) if is_there else None


def _of_map(content: MapData, source: str) -> Iterable[Broadcast]:
    for node in content.nodes:
        part = msgspec.structs.replace(content, nodes=[node])
        key = f"{source}/map/{node.id.region or 0}-{node.id.id}"
        yield Broadcast(key, ("mapFrame", part), MAP_AID, MAP_PERIOD_S, MAP_PRIORITY)


def _of_rsi(content: RoadSideInformation, source: str) -> Iterable[Broadcast]:
    events, signs = content.rtes or [], content.rtss or []
    if not events and not signs:
        raise BroadcastError("the RSI has neither events nor signs")
    key = f"{source}/rsi/{content.id.hex()}"
    for event in events:
        part = msgspec.structs.replace(content, rtes=[event], rtss=None)
        begin, end = _span(event.timeDetails)
        piece = Broadcast(
            f"{key}/event-{event.rteId}", ("rsiFrame", part), EVENT_AID, EVENT_PERIOD_S, EVENT_PRIORITY, begin, end
        )
        yield _dynamic(piece) if _is_urgent(event) else piece
    for sign in signs:
        part = msgspec.structs.replace(content, rtes=None, rtss=[sign])
        begin, end = _span(sign.timeDetails)
        yield Broadcast(
            f"{key}/sign-{sign.rtsId}", ("rsiFrame", part), SIGN_AID, SIGN_PERIOD_S, SIGN_PRIORITY, begin, end
        )


def _is_urgent(event: RTEData) -> bool:
    return bool(event.priority) and event.priority[0] >> 5 == _HIGHEST  # type: ignore[index]  # it is not empty


def _dynamic(piece: Broadcast) -> Broadcast:
    return replace(piece, application_id=DYNAMIC_AID, period_s=DYNAMIC_PERIOD_S, priority=DYNAMIC_PRIORITY)


def _places(piece: Broadcast, event: RTEData) -> tuple[object, ...]:
    """Where it is; offsets count from the reference position of its message."""
    _, content = piece.frame
    origin = content.refPos if isinstance(content, RoadSideInformation) else None
    return origin, event.eventPos, event.eventRadius, event.referencePaths, event.referenceLinks


def _span(details: RSITimeDetails | None) -> tuple[int | None, int | None]:
    """First and last minute of the year; `None`: not given."""
    if details is None:
        return None, None
    begin, end = details.startTime, details.endTime
    return _minute(begin), _minute(end)


def _minute(minute: int | None) -> int | None:
    return minute if minute is not None and minute < _MINUTE_UNKNOWN else None
