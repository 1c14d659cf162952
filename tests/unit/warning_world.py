"""A straight road to the east with a crossing at its end, a vehicle on it, and others whose words are real messages.

Metres east and north of the crossing; the vehicle drives along unless a test says otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.peek import peek
from wayside.v2x.readable import parsed
from wayside_agent.core.bsm import Bsm, Event, encoded_bsm
from wayside_agent.core.heard.plausibility import Place
from wayside_agent.core.warnings.judge import Judge, findings
from wayside_agent.core.warnings.model import Change, Finding, Heard, Kind
from wayside_agent.core.warnings.movers import Own
from wayside_agent.core.warnings.picture import Picture, Scene
from wayside_agent.core.warnings.plane import farther

CROSSING: Place = (200_300_000, 1_103_300_000)
STEP_S = 0.1
UTC_S = 1_795_503_302.0
"""2026-11-24 06:55:02 UTC; of a minute: 2 s."""
MINUTE = 327 * 1440 + 6 * 60 + 55
NODE, UPSTREAM = {"region": 4601, "id": 9}, {"region": 4601, "id": 8}
EAST, SOUTH, WEST, NORTH = 90.0, 180.0, 270.0, 0.0
Message = Mapping[str, Any]


def at(east_m: float, north_m: float) -> Place:
    """A place."""
    return farther(farther(CROSSING, EAST, east_m), NORTH, north_m)


def degrees(place: Place) -> dict[str, float]:
    return {"lat_deg": place[0] / 1e7, "long_deg": place[1] / 1e7}


def offset(east_m: float, north_m: float) -> dict[str, Any]:
    """Seen from the crossing."""
    place = at(east_m, north_m)
    raw = {"lon_deg": (place[1] - CROSSING[1]) / 1e7, "lat_deg": (place[0] - CROSSING[0]) / 1e7}
    return {"offsetLL": {"position-LL6": raw}}


@dataclass
class Road:
    """One drive."""

    profile: Profile = Profile.P20
    east_m: float = -200.0
    north_m: float = 0.0
    heading_deg: float = EAST
    speed_mps: float = 15.0
    now_s: float = 100.0
    knows_time: bool = True
    braking_mps2: float = 0.0
    curve_per_m: float = 0.0
    picture: Picture = field(default_factory=Picture)
    judge: Judge = field(default_factory=Judge)

    @property
    def own(self) -> Own:
        return Own(
            at(self.east_m, self.north_m),
            self.heading_deg,
            self.speed_mps,
            acceleration_mps2=-self.braking_mps2,
            curve_per_m=self.curve_per_m,
        )

    @property
    def utc_s(self) -> float | None:
        return UTC_S + self.now_s - 100.0 if self.knows_time else None

    @property
    def heard(self) -> Heard:
        return Heard(self.now_s, round((UTC_S + self.now_s) * 1e9))

    def hear(self, payload: bytes) -> None:
        """A message comes."""
        frame, seen = decode(payload, self.profile), peek(payload)
        self.picture.take(frame, self.heard, own=self.own, utc_s=self.utc_s, seen=seen)

    def say(self, message: Message) -> None:
        """Somebody says what people would write."""
        self.hear(encode(parsed(message), self.profile))

    def vehicle(
        self,
        east_m: float,
        north_m: float = 0.0,
        *,
        heading_deg: float | None = EAST,
        speed_mps: float = 0.0,
        events: frozenset[Event] = frozenset(),
        acceleration_mps2: float = 0.0,
        sender: int = 1,
        late_s: float = 0.0,
    ) -> None:
        """Another vehicle says where it is."""
        place = at(east_m, north_m)
        mark_s = (UTC_S + self.now_s - 100.0 - late_s) % 60
        bsm = Bsm(
            message_count=round(self.now_s * 10) % 128,
            vehicle_id=sender.to_bytes(8, "big"),
            since_minute=timedelta(seconds=mark_s),
            latitude_deg=place[0] / 1e7,
            longitude_deg=place[1] / 1e7,
            speed_mps=speed_mps,
            heading_deg=heading_deg,
            acceleration_mps2=acceleration_mps2,
            events=events,
        )
        self.hear(encoded_bsm(bsm, self.profile))

    @property
    def scene(self) -> Scene:
        return self.picture.scene(self.own, self.now_s, self.utc_s)

    def found(self) -> dict[Kind, Finding]:
        """What the rules say now."""
        return {each.kind: each for each in findings(self.scene, frozenset(Kind))}

    def look(self) -> Sequence[Change]:
        """One look."""
        return self.judge.step(findings(self.scene, frozenset(Kind)), self.now_s)

    def drive(self, time_s: float, each: Callable[[float], None] = lambda _: None) -> list[Change]:
        """Drives on; `each` is called with the time driven before each look. What changed on the way."""
        changes: list[Change] = []
        for step in range(round(time_s / STEP_S)):
            each(step * STEP_S)
            changes += self.look()
            self.now_s += STEP_S
            place_m = self.speed_mps * STEP_S
            self.east_m += place_m if self.heading_deg == EAST else -place_m if self.heading_deg == WEST else 0.0
        return changes

    def map(
        self,
        *,
        limit_mps: float | None = 16.66,
        phase: int | None = 21,
        lanes: Sequence[float] = (0.0,),
        line: Sequence[tuple[float, float]] = ((-400.0, 0.0), (-200.0, 0.0), (0.0, 0.0)),
    ) -> None:
        """Lanes to the east, so many metres north of the road's middle; `line`: where that goes."""
        limits = {} if limit_mps is None else {"speedLimits": [{"type": "vehicleMaxSpeed", "speed_mps": limit_mps}]}
        connection = {"remoteIntersection": {"region": 4601, "id": 10}} | ({} if phase is None else {"phaseId": phase})
        rows = [
            {
                "laneID": number,
                "laneWidth_m": 3.5,
                "connectsTo": [connection],
                "points": [{"posOffset": offset(east, middle + north)} for east, middle in line],
            }
            for number, north in enumerate(lanes, start=1)
        ]
        link = {"upstreamNodeId": UPSTREAM, "linkWidth_m": 7.0, "lanes": rows} | limits
        node = {"id": NODE, "refPos": degrees(CROSSING), "inLinks": [link]}
        self.say({"mapFrame": {"msgCnt": 1, "nodes": [node]}})

    def light(self, light: str, *, end_s: float | None, late_s: float = 0.0, phase: int = 21) -> None:
        """The crossing says what its light shows, and for how long."""
        timing = {"counting": {"startTime_s": 0.0, "likelyEndTime_s": end_s}}
        now = UTC_S + self.now_s - 100.0 - late_s
        moment = {"moy_min": MINUTE + int(now // 60 - UTC_S // 60), "timeStamp_s": round(now % 60, 3)}
        state = {"light": light, "timing": timing}
        crossing = {"intersectionId": NODE, "status": [], "phases": [{"id": phase, "phaseStates": [state]}], **moment}
        self.say({"spatFrame": {"msgCnt": 1, "intersections": [crossing]}})

    def notice(self, **content: Any) -> None:  # noqa: ANN401
        """A roadside unit tells of an event, or with `signType` of a sign."""
        rows = {"rtss": [{"rtsId": 1, **content}]} if "signType" in content else {}
        rows = rows or {"rtes": [{"rteId": 1, "eventSource": "police", **content}]}
        self.say({"rsiFrame": {"msgCnt": 1, "id": "00" * 8, "refPos": degrees(CROSSING), **rows}})

    def participant(
        self, east_m: float, north_m: float, *, kind: str, heading_deg: float, speed_mps: float, number: int = 7
    ) -> None:
        """A roadside unit tells whom it sees."""
        who = {
            "ptcType": kind,
            "ptcId": number,
            "source": "video",
            "secMark_s": 1.0,
            "pos": offset(east_m, north_m),
            "posConfidence": {"pos": "a1m"},
            "speed_mps": speed_mps,
            "heading_deg": heading_deg,
            "size": {"width_m": 0.6, "length_m": 0.6},
        }
        self.say({"rsmFrame": {"msgCnt": 1, "id": "11" * 8, "refPos": degrees(CROSSING), "participants": [who]}})


def told(changes: Sequence[Change], kind: Kind) -> list[str]:
    """What became of one kind of warning, updates left out."""
    return [each.action.value for each in changes if each.finding.kind is kind and each.action != "update"]
