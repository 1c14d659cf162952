"""What a vehicle knows of the road around it: who moves, the lanes, the lights, events and signs.

    picture.take(frame, heard, own=own, utc_s=utc_s, seen=seen)
    scene = picture.scene(own, now_s, utc_s)

Everything is bounded and forgotten when it is not heard again. What cannot be true or is old is counted by its reason.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from wayside.v2x.generated.messages import SPAT, IntersectionState, MapData, MessageFrame, RoadSideInformation
from wayside.v2x.peek import Peek
from wayside_agent.core.bsm import bsm_of
from wayside_agent.core.heard.grid import distance_m
from wayside_agent.core.heard.plausibility import Place
from wayside_agent.core.signal_phases import minute_of_year
from wayside_agent.core.signal_spat import made_ago_s
from wayside_agent.core.warnings.lights import Plan, plan_of
from wayside_agent.core.warnings.model import Heard
from wayside_agent.core.warnings.movers import Movers, Own, Target
from wayside_agent.core.warnings.notices import Notice, notices_of
from wayside_agent.core.warnings.road import Crossing, NodeId, OnLane, crossing_of, lanes_under, node_id
from wayside_agent.core.warnings.way import bend_of, followed

CROSSING_RANGE_M = 2_000.0
"""No roadside unit is heard from farther away. RSM and RSI are judged by the places in them alone: real units send a
reference position that is nowhere near, and absolute places (china/spat_bsm_rsm_hex_and_decode.txt)."""
MAP_AGE_S = 30.0
"""MAP comes every second (T/CSAE 159); lanes do not move."""
LIGHTS_AGE_S = 1.5
"""SPAT comes twice a second at least (T/CSAE 159); a second of silence is a feed that stopped."""
NOTICE_AGE_S = 5.0
"""RSI comes every second at least (T/CSAE 159)."""
LIGHTS_LATE_S, LIGHTS_EARLY_S = 2.0, 1.0
"""SPAT whose own time is farther from ours is a recording, or of a clock that is wrong."""
MAX_CROSSINGS, MAX_LIGHTS, MAX_NOTICES = 8, 32, 128
_NO_LIGHTS = sum(1 << 15 - bit for bit in (2, 8, 9, 13))
"""Status of a crossing: it flashes, has failed, is off, or says itself that its times are not valid."""
_MINUTE_MS, _HOUR_S = 60_000, 3600.0
_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Scene:
    """The road around a vehicle at one moment."""

    own: Own
    targets: tuple[Target, ...]
    lanes: tuple[OnLane, ...]
    """Those it may be on, the nearest first, in either direction."""
    notices: tuple[Notice, ...]
    """Valid now, for anybody."""
    lights: dict[NodeId, "Lights"]
    bend: OnLane | None = None
    """The lane it drives along, if that bends ahead."""

    @property
    def on(self) -> OnLane | None:
        """The lane it drives along."""
        return next((each for each in self.lanes if each.is_along), None)

    def plans(self, on: OnLane) -> tuple[tuple[Plan, ...], Heard] | None:
        """The lights that let its lane go, and when they were heard of; `None`: not all are known."""
        lights = self.lights.get(on.lane.node)
        if lights is None or not on.lane.phases or not on.lane.phases <= lights.plans.keys():
            return None
        return tuple(lights.plans[phase] for phase in on.lane.phases), lights.heard


@dataclass(frozen=True, slots=True)
class Lights:
    """The lights of one crossing, by phase."""

    plans: dict[int, Plan]
    heard: Heard


@dataclass(frozen=True, slots=True)
class _Said:
    state: IntersectionState
    heard: Heard
    age_s: float
    """When it was heard."""


class Picture:
    """What one vehicle knows."""

    def __init__(self) -> None:
        self.movers = Movers()
        self.doubts: Counter[str] = Counter()
        """Of the road's messages; those of vehicles: `movers.doubts`."""
        self._crossings: dict[NodeId, Crossing] = {}
        self._lights: dict[NodeId, _Said] = {}
        self._notices: dict[tuple[bytes, bool, int], Notice] = {}

    def take(self, frame: MessageFrame, heard: Heard, *, own: Own, utc_s: float | None, seen: Peek | None) -> None:
        """Takes a message.

        Args:
            frame: The message.
            heard: When it came.
            own: This vehicle.
            utc_s: Time of reception [s since 1970]; `None`: the time is not known.
            seen: Its first members.
        """
        if frame[0] == "bsmFrame" and seen is not None:
            utc_ms = None if utc_s is None else int(utc_s * _MS_PER_S) % _MINUTE_MS
            self.movers.take_bsm(bsm_of(frame[1]), seen, heard, here=own.place, utc_ms=utc_ms)
        elif frame[0] == "mapFrame":
            self._take_map(frame[1], heard, own.place)
        elif frame[0] == "spatFrame":
            self._take_spat(frame[1], heard, utc_s)
        elif frame[0] == "rsiFrame":
            self._take_rsi(frame[1], heard)
        elif frame[0] == "rsmFrame":
            self.movers.take_rsm(frame[1], heard, own=own)

    def scene(self, own: Own, now_s: float, utc_s: float | None) -> Scene:
        """The road now; forgets what is old."""
        self._crossings = {key: each for key, each in self._crossings.items() if now_s - each.heard.mono_s <= MAP_AGE_S}
        self._lights = {key: each for key, each in self._lights.items() if now_s - each.heard.mono_s <= LIGHTS_AGE_S}
        self._notices = {key: each for key, each in self._notices.items() if now_s - each.heard.mono_s <= NOTICE_AGE_S}
        minute = None if utc_s is None else minute_of_year(datetime.fromtimestamp(utc_s, UTC))
        lanes = lanes_under(self._crossings.values(), own)
        bend = bend_of(next((each for each in lanes if each.is_along), None))
        return Scene(
            own=own,
            targets=followed(self.movers.around(own, now_s), own, bend),
            lanes=lanes,
            notices=tuple(each for each in self._notices.values() if each.is_valid(minute)),
            lights=dict(self._planned(now_s, utc_s)),
            bend=bend,
        )

    def _planned(self, now_s: float, utc_s: float | None) -> Iterator[tuple[NodeId, Lights]]:
        hour_s = None if utc_s is None else utc_s % _HOUR_S
        for node, said in self._lights.items():
            since_s = now_s - said.heard.mono_s + said.age_s
            plans = {each.id: plan_of(each, since_s=since_s, hour_s=hour_s) for each in said.state.phases}
            yield node, Lights(plans, said.heard)

    def _take_map(self, message: MapData, heard: Heard, here: Place) -> None:
        for node in message.nodes:
            if distance_m(*here, node.refPos.lat, node.refPos.long) > CROSSING_RANGE_M:
                self.doubts["range"] += 1
            else:
                self._crossings[node_id(node.id)] = crossing_of(node, heard)
        if len(self._crossings) > MAX_CROSSINGS:
            nearest = sorted(self._crossings, key=lambda key: distance_m(*here, *self._crossings[key].place))
            self._crossings = {key: self._crossings[key] for key in nearest[:MAX_CROSSINGS]}

    def _take_spat(self, message: SPAT, heard: Heard, utc_s: float | None) -> None:
        for state in message.intersections:
            age_s = made_ago_s(message, state, utc_s)
            if not -LIGHTS_EARLY_S <= age_s <= LIGHTS_LATE_S:
                self.doubts["stale"] += 1
            elif state.status & _NO_LIGHTS:
                self._lights.pop(node_id(state.intersectionId), None)
            else:
                self._lights[node_id(state.intersectionId)] = _Said(state, heard, max(0.0, age_s))
        while len(self._lights) > MAX_LIGHTS:
            del self._lights[next(iter(self._lights))]

    def _take_rsi(self, message: RoadSideInformation, heard: Heard) -> None:
        for notice in notices_of(message, heard):
            self._notices.pop(notice.key, None)
            self._notices[notice.key] = notice
        while len(self._notices) > MAX_NOTICES:
            del self._notices[next(iter(self._notices))]
