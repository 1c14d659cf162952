"""The lanes that lead to a crossing, from MAP, and which of them a vehicle is on.

    crossing = crossing_of(node, heard)
    lanes = lanes_under([crossing], own)      # the nearest first

Lanes end at their stop line. One without points of its own lies somewhere on its link, and counts as one lane with all
such. What is more than so many points of one crossing is left out: a message of nonsense must not cost time for ever.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wayside.v2x.generated.messages import (
    Connection,
    Lane,
    Link,
    Node,
    NodeReferenceID,
    RegulatorySpeedLimit,
    RoadPoint,
)
from wayside.v2x.units import UNITS
from wayside_agent.core.heard.plausibility import Place
from wayside_agent.core.warnings.model import Heard
from wayside_agent.core.warnings.movers import Own
from wayside_agent.core.warnings.plane import Point, foot_on, offset_m, place_of, turn_deg

NodeId = tuple[int, int]
"""Region (0: none is given) and node."""
MAX_POINTS = 1000
LANE_WIDTH_M = 3.5
"""Of a lane whose width is not told; ours."""
POSITION_ERROR_M = 1.5
"""T/CSAE 53: what its scenarios ask of positioning."""
SAME_WAY_DEG = 45.0
AGAINST_DEG = 150.0
_VEHICLE_MAX, _TRUCK_MAX = 5, 8
_TRUCKS = range(20, 40)
"""BasicVehicleClass: light and heavy trucks."""
_MANEUVER_BITS = 12
_RIGHT, _RIGHT_ON_RED = 1 << _MANEUVER_BITS - 1 - 2, 1 << _MANEUVER_BITS - 1 - 5
_WAYS = 0b1111 << _MANEUVER_BITS - 4
"""Straight on, left, right, back."""


@dataclass(frozen=True, slots=True)
class RoadLane:
    """One lane, in metres from its crossing."""

    node: NodeId
    upstream: NodeId
    lane: int | None
    """`None`: all lanes of the link."""
    line: tuple[Point, ...]
    """Where it goes; the last point is its stop line."""
    half_width_m: float
    phases: frozenset[int]
    """Those that let it go, but for who may turn right while they are red."""
    limits: tuple[RegulatorySpeedLimit, ...]

    def limit_mps(self, vehicle_class: int) -> float | None:
        """The fastest a vehicle may go; `None`: it is not told."""
        kinds = {_VEHICLE_MAX, _TRUCK_MAX} if vehicle_class in _TRUCKS else {_VEHICLE_MAX}
        known = (UNITS["Speed"].value(each.speed) for each in self.limits if each.type in kinds)
        return min((each for each in known if each), default=None)


@dataclass(frozen=True, slots=True)
class Crossing:
    """One node of a MAP."""

    place: Place
    lanes: tuple[RoadLane, ...]
    heard: Heard


@dataclass(frozen=True, slots=True)
class OnLane:
    """A vehicle on a lane."""

    lane: RoadLane
    heard: Heard
    aside_m: float
    left_m: float
    """To the stop line."""
    turned_deg: float
    """The vehicle's heading, seen from that of the lane."""
    right_m: float
    """How far it is to the right of the lane's middle."""
    point: Point
    """Where it is, seen from the crossing."""

    @property
    def is_along(self) -> bool:
        """It goes the way of the lane."""
        return abs(self.turned_deg) <= SAME_WAY_DEG

    @property
    def is_against(self) -> bool:
        """It goes the other way."""
        return abs(self.turned_deg) >= AGAINST_DEG


def node_id(reference: NodeReferenceID) -> NodeId:
    """How a node is called."""
    return reference.region or 0, reference.id


def crossing_of(node: Node, heard: Heard) -> Crossing:
    """The lanes that lead to a node."""
    place = node.refPos.lat, node.refPos.long
    lanes: list[RoadLane] = []
    left = MAX_POINTS
    for lane in (each for link in node.inLinks or () for each in _lanes(node_id(node.id), link, place)):
        left -= len(lane.line)
        if left < 0:
            break
        lanes.append(lane)
    return Crossing(place, tuple(lanes), heard)


def lanes_under(crossings: Iterable[Crossing], own: Own) -> tuple[OnLane, ...]:
    """The lanes a vehicle may be on, as far as positions are good, the nearest first."""
    found = [each for crossing in crossings for each in _under(crossing, own)]
    return tuple(sorted(found, key=lambda each: each.aside_m))


def _under(crossing: Crossing, own: Own) -> Iterator[OnLane]:
    point = offset_m(crossing.place, own.place)
    for lane in crossing.lanes:
        foot = foot_on(lane.line, point)
        if foot is not None and foot.aside_m <= lane.half_width_m + POSITION_ERROR_M:
            turned = turn_deg(foot.heading_deg, own.heading_deg)
            yield OnLane(lane, crossing.heard, foot.aside_m, foot.left_m, turned, foot.right_m, point)


def _lanes(node: NodeId, link: Link, origin: Place) -> Iterator[RoadLane]:
    upstream = node_id(link.upstreamNodeId)
    limits = tuple(link.speedLimits or ())
    for lane in link.lanes:
        if lane.points is not None:
            half_m = (_width_m(lane.laneWidth) or LANE_WIDTH_M) / 2
            own_limits = limits if lane.speedLimits is None else tuple(lane.speedLimits)
            phases = frozenset(_phases(lane)) or _of_movements(link)
            yield RoadLane(node, upstream, lane.laneID, _line(lane.points, origin), half_m, phases, own_limits)
    without = [lane for lane in link.lanes if lane.points is None]
    if without and link.points is not None:
        half_m = (_width_m(link.linkWidth) or LANE_WIDTH_M * len(link.lanes)) / 2
        phases = frozenset(phase for lane in without for phase in _phases(lane)) or _of_movements(link)
        yield RoadLane(node, upstream, None, _line(link.points, origin), half_m, phases, limits)


def _of_movements(link: Link) -> frozenset[int]:
    return frozenset(each.phaseId for each in link.movements or () if each.phaseId is not None)


def _phases(lane: Lane) -> Iterator[int]:
    for each in lane.connectsTo or ():
        if each.phaseId is not None and not _may_turn_on_red(lane, each):
            yield each.phaseId


def _may_turn_on_red(lane: Lane, connection: Connection) -> bool:
    allowed = lane.maneuvers or 0
    there = connection.connectingLane
    ways = (there.maneuver if there is not None and there.maneuver is not None else allowed) & _WAYS
    return bool(allowed & _RIGHT_ON_RED) and ways == _RIGHT


def _width_m(raw: int | None) -> float | None:
    return None if not raw else UNITS["LaneWidth"].value(raw)


def _line(points: Iterable[RoadPoint], origin: Place) -> tuple[Point, ...]:
    return tuple(offset_m(origin, place_of(each.posOffset, origin)) for each in points)
