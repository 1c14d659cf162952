"""Events and signs of the road, from RSI, and how far ahead of a vehicle they are.

    for notice in notices_of(rsi, heard): …
    ahead_m = distance_ahead_m(notice, own, on=lane)     # `None`: it is none of its business

A notice is for who drives along one of its paths, or on one of its links; if it has neither, for who drives towards its
place. Words of the sender are shortened and freed of what is no letter.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from wayside.v2x.generated.messages import (
    Description,
    ReferenceLink,
    ReferencePath,
    RoadSideInformation,
    RSITimeDetails,
    RTEData,
    RTSData,
)
from wayside.v2x.units import UNITS
from wayside_agent.core.heard.plausibility import Place
from wayside_agent.core.warnings.model import Heard
from wayside_agent.core.warnings.movers import Own
from wayside_agent.core.warnings.plane import Point, ahead_of, foot_on, offset_m, place_of, turn_deg
from wayside_agent.core.warnings.road import NodeId, OnLane, node_id
from wayside_agent.core.warnings.way import along_way

ALONG_DEG = 60.0
"""A path is followed by who goes its way so nearly; ours."""
ASIDE_M = 15.0
"""How far to the side a place without path or radius may be; ours, half of a wide road."""
MAX_TEXT = 120
_LANES = 16


@dataclass(frozen=True, slots=True)
class Path:
    """A way that a notice is for, in metres from its origin."""

    line: tuple[Point, ...]
    radius_m: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A link that a notice is for."""

    upstream: NodeId
    downstream: NodeId
    lanes: frozenset[int]
    """Empty: all."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event or sign."""

    key: tuple[bytes, bool, int]
    is_sign: bool
    code: int
    heard: Heard
    origin: Place
    place: Place | None
    radius_m: float
    paths: tuple[Path, ...]
    links: tuple[Stretch, ...]
    minutes: tuple[int | None, int | None]
    """First and last minute of the year; `None`: not told."""
    description: str

    def is_valid(self, minute: int | None) -> bool:
        """Whether it holds in that minute of the year; `None`: the time is not known, then it does."""
        first, last = self.minutes
        if minute is None:
            return True
        if first is not None and last is not None and first > last:  # over the turn of the year
            return minute >= first or minute <= last
        return (first is None or first <= minute) and (last is None or minute <= last)


def notices_of(message: RoadSideInformation, heard: Heard) -> Iterator[Notice]:
    """Its events and signs."""
    origin = message.refPos.lat, message.refPos.long
    for event in message.rtes or ():
        radius_m = 0.0 if event.eventRadius is None else UNITS["Radius"].value(event.eventRadius) or 0.0
        place = None if event.eventPos is None else place_of(event.eventPos, origin)
        yield _notice((message.id, False, event.rteId), event.eventType, event, heard, (origin, place, radius_m))
    for sign in message.rtss or ():
        place = None if sign.signPos is None else place_of(sign.signPos, origin)
        yield _notice((message.id, True, sign.rtsId), sign.signType, sign, heard, (origin, place, 0.0))


def distance_ahead_m(notice: Notice, own: Own, *, on: OnLane | None, bend: OnLane | None = None) -> float | None:
    """How far ahead it is, 0: here; `None`: it is behind, or not for this vehicle.

    Args:
        notice: What is told.
        own: This vehicle.
        on: The lane it drives along; `None`: it is not known.
        bend: The same, if it bends ahead.
    """
    if notice.paths or notice.links:
        found = [_along_path_m(notice, path, own) for path in notice.paths]
        found += [_on_link_m(notice, each, own, on, bend) for each in notice.links]
        return min((each for each in found if each is not None), default=None)
    return _towards_m(notice, own, bend)


def _towards_m(notice: Notice, own: Own, bend: OnLane | None = None) -> float | None:
    """To its place, if the way is clear that it goes there."""
    if notice.place is None:
        return None
    straight = ahead_of(own.heading_deg, offset_m(own.place, notice.place))
    along_m, across_m, _ = along_way(own, bend, straight, None)
    if along_m**2 + across_m**2 <= notice.radius_m**2:
        return 0.0
    if along_m < 0 or abs(across_m) > max(notice.radius_m, ASIDE_M):
        return None
    return max(0.0, along_m - notice.radius_m)


def _along_path_m(notice: Notice, path: Path, own: Own) -> float | None:
    foot = foot_on(path.line, offset_m(notice.origin, own.place))
    if foot is None or foot.aside_m > path.radius_m or abs(turn_deg(foot.heading_deg, own.heading_deg)) > ALONG_DEG:
        return None
    if notice.place is None:
        return 0.0
    there = foot_on(path.line, offset_m(notice.origin, notice.place))
    if there is None:  # beside the path or behind its end
        return _towards_m(notice, own)
    ahead_m = foot.left_m - there.left_m
    return None if ahead_m < -notice.radius_m else max(0.0, ahead_m - notice.radius_m)


def _on_link_m(  # whom it is for, and where
    notice: Notice, link: Stretch, own: Own, on: OnLane | None, bend: OnLane | None
) -> float | None:
    if on is None or (on.lane.upstream, on.lane.node) != (link.upstream, link.downstream):
        return None
    if link.lanes and on.lane.lane is not None and on.lane.lane not in link.lanes:
        return None
    return 0.0 if notice.place is None else _towards_m(notice, own, bend)


def _notice(
    key: tuple[bytes, bool, int],
    code: int,
    data: RTEData | RTSData,
    heard: Heard,
    where: tuple[Place, Place | None, float],
) -> Notice:
    origin, place, radius_m = where
    return Notice(
        key=key,
        is_sign=key[1],
        code=code,
        heard=heard,
        origin=origin,
        place=place,
        radius_m=radius_m,
        paths=tuple(_path(each, origin) for each in data.referencePaths or ()),
        links=tuple(_stretch(each) for each in data.referenceLinks or ()),
        minutes=_minutes(data.timeDetails),
        description=_text(data.description),
    )


def _path(path: ReferencePath, origin: Place) -> Path:
    line = tuple(offset_m(origin, place_of(each, origin)) for each in path.activePath)
    return Path(line, UNITS["Radius"].value(path.pathRadius) or 0.0)


def _stretch(link: ReferenceLink) -> Stretch:
    bits = link.referenceLanes or 0
    lanes = frozenset(place for place in range(1, _LANES) if bits >> _LANES - 1 - place & 1)
    return Stretch(node_id(link.upstreamNodeId), node_id(link.downstreamNodeId), lanes)


def _minutes(details: RSITimeDetails | None) -> tuple[int | None, int | None]:
    unknown = UNITS["MinuteOfTheYear"].unknown
    if details is None:
        return None, None
    first, last = details.startTime, details.endTime
    return None if first == unknown else first, None if last == unknown else last


def _text(description: Description | None) -> str:
    if description is None:
        return ""
    content = description[1]
    text = content.decode("gb2312", errors="replace") if isinstance(content, bytes) else content
    return "".join(letter for letter in text if letter.isprintable())[:MAX_TEXT]
