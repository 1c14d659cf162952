"""Which phases of a crossing must never be green at once, as its MAP tells.

    conflicting(node)        # frozenset({frozenset({21, 41}), …}), phase ids of the MAP

A movement goes from the link it comes in by to the node it leaves for; that road is found by the link that comes in
from there. On the plane, seen from the crossing, each road has a bearing; in right-hand traffic who comes in is on the
counter-clockwise side of it, who leaves on the clockwise side. Two movements from different links cross if the begin
and end of one lie on both sides of the other, on the circle; to leave by the same road is no crossing. A phase that
lets a link go straight counts by that alone: turns beside it give way (a permissive green). A phase of turns only
counts by them. What the MAP does not tell (no road from there, roads nearer than 20° to each other) is no conflict.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from wayside.v2x.generated.messages import Link, Node, NodeReferenceID, RoadPoint

Pair = frozenset[int]
MIN_APART_DEG = 20.0
"""Of two roads: nearer, which is left and which is right is not sure; ours."""
STRAIGHT_DEG = 45.0
"""A movement that turns by less goes straight on; ours."""
_SIDE_DEG = 1.0
"""How far entry and exit are from the middle of their road, on the circle: any small angle."""
_FULL_DEG, _HALF_DEG = 360.0, 180.0
_RAW_PER_DEGREE = 1e7
_Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Way:
    """One movement over the crossing, by the bearings of its roads."""

    phase: int
    origin: _Id
    from_deg: float
    to_deg: float

    @property
    def entry_deg(self) -> float:
        return (self.from_deg - _SIDE_DEG) % _FULL_DEG

    @property
    def exit_deg(self) -> float:
        return (self.to_deg + _SIDE_DEG) % _FULL_DEG

    @property
    def is_straight(self) -> bool:
        return abs(_apart_deg(self.from_deg, self.to_deg)) >= _HALF_DEG - STRAIGHT_DEG


def conflicting(node: Node) -> frozenset[Pair]:
    """Pairs of the MAP's phases whose greens cross."""
    ways = list(_counted(list(_ways(node))))
    return frozenset(
        frozenset({one.phase, other.phase})
        for one, other in combinations(ways, 2)
        if one.phase != other.phase and one.origin != other.origin and _cross(one, other)
    )


def phases_in(node: Node) -> frozenset[int]:
    """The phases a crossing has in its MAP."""
    return frozenset(phase for link in node.inLinks or () for _, phase in _movements(link))


def _ways(node: Node) -> Iterator[_Way]:
    bearings = {
        _key(link.upstreamNodeId): bearing for link in node.inLinks or () for bearing in _bearing_deg(node, link)
    }
    for link in node.inLinks or ():
        origin = _key(link.upstreamNodeId)
        for remote, phase in _movements(link):
            if origin in bearings and remote in bearings and remote != origin:
                yield _Way(phase, origin, bearings[origin], bearings[remote])


def _counted(ways: list[_Way]) -> Iterator[_Way]:
    straight = {(way.phase, way.origin) for way in ways if way.is_straight}
    return (way for way in ways if way.is_straight or (way.phase, way.origin) not in straight)


def _movements(link: Link) -> set[tuple[_Id, int]]:
    """Where to, under which phase; what lanes say, and what the link says."""
    said = [*(link.movements or ()), *(way for lane in link.lanes for way in lane.connectsTo or ())]
    return {(_key(each.remoteIntersection), each.phaseId) for each in said if each.phaseId is not None}


def _cross(one: _Way, other: _Way) -> bool:
    roads = {one.from_deg, one.to_deg, other.from_deg, other.to_deg}
    if any(abs(_apart_deg(a, b)) < MIN_APART_DEG for a, b in combinations(roads, 2)) or one.to_deg == other.to_deg:
        return False
    span = (one.exit_deg - one.entry_deg) % _FULL_DEG
    within = [0 < (bearing - one.entry_deg) % _FULL_DEG < span for bearing in (other.entry_deg, other.exit_deg)]
    return within[0] is not within[1]


def _bearing_deg(node: Node, link: Link) -> Iterator[float]:
    """Where a road lies, seen from the crossing: against the last piece of the way in; nothing: it is not told."""
    lines = [link.points, *(lane.points for lane in link.lanes)]
    line = next((each for each in lines if each), None)
    if line is None:
        return
    (begin_east, begin_north), (end_east, end_north) = (_offset(node, point) for point in line[-2:])
    east, north = begin_east - end_east, begin_north - end_north
    if east or north:
        yield math.degrees(math.atan2(east, north)) % _FULL_DEG


def _offset(node: Node, point: RoadPoint) -> tuple[float, float]:
    """East and north of the crossing, in one unit of any size."""
    kind, value = point.posOffset.offsetLL
    latitude, longitude = value.lat, value.lon
    if kind == "position-LatLon":
        latitude, longitude = latitude - node.refPos.lat, longitude - node.refPos.long
    return longitude * math.cos(math.radians(node.refPos.lat / _RAW_PER_DEGREE)), float(latitude)


def _apart_deg(one: float, other: float) -> float:
    return (other - one + _HALF_DEG) % _FULL_DEG - _HALF_DEG


def _key(reference: NodeReferenceID) -> _Id:
    return reference.region or 0, reference.id
