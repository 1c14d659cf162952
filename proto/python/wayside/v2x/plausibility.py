"""Whether what a message says can be so on China's roads: bits of one profile read under another seldom can.

    for doubt in doubts(frame): print(doubt)      # "linkWidth: 291.82 m is not between 1 and 100 m"

UPER has no check of its own: a MAP of one revision may be read as one of the other, with other content. The limits are
ours and wide; no standard gives them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wayside.v2x.generated.messages import (
    BasicSafetyMessage,
    DDateTime,
    Link,
    MapData,
    MessageFrame,
    Node,
    ParticipantData,
    Position3D,
    PositionOffsetLLV,
    RoadSideInformation,
    RoadsideSafetyMessage,
    RTEData,
    RTSData,
)
from wayside.v2x.units import UNITS

LATITUDE_DEG, LONGITUDE_DEG = (3.0, 54.0), (73.0, 136.0)
"""China with its seas."""
OFFSET_DEG = 0.05
"""5 km: nothing in a message is farther from its reference."""
SPEED_MPS = (0.0, 70.0)
SPEED_LIMIT_MPS = (1.0, 50.0)
LANE_WIDTH_M, LINK_WIDTH_M = (1.0, 20.0), (1.0, 100.0)
RADIUS_M = (0.0, 2_000.0)
_ABSOLUTE = "position-LatLon"


class Doubt(NamedTuple):
    """A value that is outside what can be."""

    field: str
    value: float
    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.field}: {self.value:g}{unit} is not between {self.low:g} and {self.high:g}{unit}"


def doubts(frame: MessageFrame) -> Iterator[Doubt]:
    """Every value of a message that cannot be; quantities that are not known are passed over."""
    message: object = frame[1]
    match message:
        case BasicSafetyMessage():
            yield from _vehicle(message)
        case MapData():
            for node in message.nodes:
                yield from _node(node)
        case RoadsideSafetyMessage():
            yield from _position("refPos", message.refPos)
            for participant in message.participants:
                yield from _participant(participant)
        case RoadSideInformation():
            yield from _information(message)
        case _:  # SPAT is the same bits in every profile and has no quantity that could be absurd
            return


def _quantity(field: str, kind: str, raw: int | None, limits: tuple[float, float], unit: str) -> Iterator[Doubt]:
    value = None if raw is None else UNITS[kind].value(raw)
    if value is not None and not limits[0] <= value <= limits[1]:
        yield Doubt(field, value, *limits, unit)


def _position(field: str, position: Position3D) -> Iterator[Doubt]:
    yield from _quantity(f"{field}.lat", "Latitude", position.lat, LATITUDE_DEG, "°")
    yield from _quantity(f"{field}.long", "Longitude", position.long, LONGITUDE_DEG, "°")


def _offset(field: str, offset: PositionOffsetLLV | None) -> Iterator[Doubt]:
    if offset is None:
        return
    name, place = offset.offsetLL
    if name == _ABSOLUTE:
        yield from _quantity(f"{field}.lat", "Latitude", place.lat, LATITUDE_DEG, "°")
        yield from _quantity(f"{field}.lon", "Longitude", place.lon, LONGITUDE_DEG, "°")
        return
    for axis, raw in (("lat", place.lat), ("lon", place.lon)):
        if abs(raw) > OFFSET_DEG * 1e7:
            yield Doubt(f"{field}.{axis}", raw / 1e7, -OFFSET_DEG, OFFSET_DEG, "°")


def _vehicle(bsm: BasicSafetyMessage) -> Iterator[Doubt]:
    yield from _position("pos", bsm.pos)
    yield from _quantity("speed", "Speed", bsm.speed, SPEED_MPS, "m/s")
    history = bsm.safetyExt.pathHistory if bsm.safetyExt else None
    if history is None:
        return
    for crumb in history.crumbData:
        yield from _offset("crumbData", crumb.llvOffset)
    if history.initialPosition is not None:
        yield from _position("initialPosition", history.initialPosition.pos)
        if history.initialPosition.utcTime is not None:
            yield from _moment("initialPosition.utcTime", history.initialPosition.utcTime)


def _moment(field: str, moment: DDateTime) -> Iterator[Doubt]:
    """The standard's 0 of the year, month and day, 24 and 31 of the hour, and 60 of the minute are "not known"."""
    for name, value, low, high, unknown in (
        ("year", moment.year, 2000, 2100, (0,)),
        ("hour", moment.hour, 0, 23, (24, 31)),
        ("offset", moment.offset, -720, 840, (721,)),
    ):
        if value is not None and value not in unknown and not low <= value <= high:
            yield Doubt(f"{field}.{name}", value, low, high)


def _node(node: Node) -> Iterator[Doubt]:
    yield from _position("refPos", node.refPos)
    for link in node.inLinks or ():
        yield from _link(link)


def _link(link: Link) -> Iterator[Doubt]:
    yield from _quantity("linkWidth", "LaneWidth", link.linkWidth, LINK_WIDTH_M, "m")
    yield from _limits(link.speedLimits)
    yield from _points(link.points)
    for lane in link.lanes:
        yield from _quantity("laneWidth", "LaneWidth", lane.laneWidth, LANE_WIDTH_M, "m")
        yield from _limits(lane.speedLimits)
        yield from _points(lane.points)


def _limits(limits: Iterable[Any] | None) -> Iterator[Doubt]:
    for limit in limits or ():
        yield from _quantity("speedLimits", "Speed", limit.speed, SPEED_LIMIT_MPS, "m/s")


def _points(points: Iterable[Any] | None) -> Iterator[Doubt]:
    for point in points or ():
        yield from _offset("points", point.posOffset)


def _participant(participant: ParticipantData) -> Iterator[Doubt]:
    yield from _offset("participants.pos", participant.pos)
    yield from _quantity("participants.speed", "Speed", participant.speed, SPEED_MPS, "m/s")


def _information(rsi: RoadSideInformation) -> Iterator[Doubt]:
    yield from _position("refPos", rsi.refPos)
    for event in rsi.rtes or ():
        yield from _offset("eventPos", event.eventPos)
        yield from _quantity("eventRadius", "Radius", event.eventRadius, RADIUS_M, "m")
        yield from _paths(event)
    for sign in rsi.rtss or ():
        yield from _offset("signPos", sign.signPos)
        yield from _paths(sign)


def _paths(what: RTEData | RTSData) -> Iterator[Doubt]:
    for path in what.referencePaths or ():
        yield from _quantity("pathRadius", "Radius", path.pathRadius, RADIUS_M, "m")
        for point in path.activePath:
            yield from _offset("activePath", point)
