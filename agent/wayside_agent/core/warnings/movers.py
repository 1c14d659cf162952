"""Who moves around: vehicles that say so in BSM, and what a roadside unit sees, in RSM.

    movers.take_bsm(bsm, seen, heard, here=place, utc_ms=ms)
    targets = movers.around(own, now_s)

Who is silent for a second is gone. What cannot be true is counted and not taken: `heard.plausibility`. Of many only
the nearest are kept, so who invents thousands on the air costs bounded time and memory.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from wayside.v2x.generated.messages import ParticipantData, RoadsideSafetyMessage
from wayside.v2x.peek import Peek
from wayside.v2x.units import UNITS
from wayside_agent.core.bsm import Bsm, Event
from wayside_agent.core.heard.grid import RAW_PER_DEGREE, distance_m
from wayside_agent.core.heard.plausibility import MAX_SPEED_MPS, Place, doubt_of
from wayside_agent.core.warnings.model import Heard
from wayside_agent.core.warnings.plane import Ahead, ahead_of, moved, offset_m, place_of, turn_deg

RANGE_M = 300.0
"""Farther away nobody is looked at; ours: 5 s of two vehicles that meet at 100 km/h each."""
MAX_AGE_S = 1.0
"""Ten BSM in a row were missed."""
MAX_BETWEEN_LOOKS = 512
MAX_KEPT = 256
SELF_M = 3.0
SELF_TURN_DEG = 30.0
"""What a roadside unit sees so near to us, going our way, is ourselves: position is good to 1.5 m (T/CSAE 53) twice."""
_MOTOR, _NON_MOTOR, _PEDESTRIAN, _ROADSIDE = 1, 2, 3, 4


class Nature(StrEnum):
    """What moves."""

    VEHICLE = "vehicle"
    PERSON = "person"
    """On foot or on a cycle."""
    THING = "thing"


@dataclass(frozen=True, slots=True)
class Own:
    """This vehicle now."""

    place: Place
    heading_deg: float
    speed_mps: float
    length_m: float = 4.8
    width_m: float = 1.8
    vehicle_class: int = 10
    acceleration_mps2: float = 0.0
    curve_per_m: float = 0.0
    """Of the arc it has been driving for a while, 1 / radius, to the right positive; 0: straight on, or not known."""


@dataclass(frozen=True, slots=True)
class Mover:
    """Somebody, when last heard of."""

    place: Place
    speed_mps: float
    heading_deg: float | None
    heard: Heard
    nature: Nature = Nature.VEHICLE
    acceleration_mps2: float = 0.0
    length_m: float = 0.0
    width_m: float = 0.0
    events: frozenset[Event] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody now, seen from us."""

    mover: Mover
    along_m: float
    """Ahead of us, middle to middle."""
    across_m: float
    """To our right."""
    turned_deg: float | None
    """Its heading seen from ours, -180 to 180; `None`: not known."""
    way: Ahead | None = None
    """Where it is along our way; `None`: that is straight (`core.warnings.way`)."""

    @property
    def ahead(self) -> Ahead:
        """Where it is along our way."""
        return self.way or Ahead(self.along_m, self.across_m, self.turned_deg)

    @property
    def speed_mps(self) -> float:
        """Of the other."""
        return self.mover.speed_mps


class Movers:
    """Everybody around one vehicle."""

    def __init__(self) -> None:
        self.doubts: Counter[str] = Counter()
        """Messages that were not taken, by why."""
        self._movers: dict[bytes, Mover] = {}

    def __len__(self) -> int:
        return len(self._movers)

    def take_bsm(self, bsm: Bsm, seen: Peek, heard: Heard, *, here: Place, utc_ms: int | None) -> None:
        """Takes what a vehicle says of itself.

        Args:
            bsm: Its message.
            seen: The same, raw.
            heard: When it came.
            here: Where we are.
            utc_ms: Time of reception in its minute [ms]; `None`: the time is not known.
        """
        if bsm.latitude_deg is None or bsm.longitude_deg is None or bsm.speed_mps is None:
            self.doubts["incomplete"] += 1
            return
        place = round(bsm.latitude_deg * RAW_PER_DEGREE), round(bsm.longitude_deg * RAW_PER_DEGREE)
        before = self._movers.get(bsm.vehicle_id)
        doubt = doubt_of(
            seen,
            place,
            before=None if before is None else before.place,
            gap_s=0.0 if before is None else heard.mono_s - before.heard.mono_s,
            range_m=distance_m(*here, *place),
            utc_ms=utc_ms,
            max_range_m=RANGE_M,
        )
        if doubt is not None:
            self.doubts[doubt] += 1
            return
        self._keep(
            bsm.vehicle_id,
            Mover(
                place,
                bsm.speed_mps,
                bsm.heading_deg,
                heard,
                acceleration_mps2=bsm.acceleration_mps2 or 0.0,
                length_m=bsm.length_m,
                width_m=bsm.width_m,
                events=bsm.events,
            ),
        )

    def take_rsm(self, message: RoadsideSafetyMessage, heard: Heard, *, own: Own) -> None:
        """Takes what a roadside unit sees, without us, and without whom we hear ourselves."""
        origin = message.refPos.lat, message.refPos.long
        for each in message.participants:
            mover = _seen(each, origin, heard)
            if mover is None or distance_m(*own.place, *mover.place) > RANGE_M:
                self.doubts["roadside"] += 1
            elif not _is_us(mover, own) and (each.id is None or each.id not in self._movers):
                self._keep(message.id + each.ptcId.to_bytes(2, "big"), mover)

    def around(self, own: Own, now_s: float) -> tuple[Target, ...]:
        """Everybody of the last second, where they should be by now; forgets the others."""
        fresh = {key: each for key, each in self._movers.items() if now_s - each.heard.mono_s <= MAX_AGE_S}
        if len(fresh) > MAX_KEPT:
            nearest = sorted(fresh, key=lambda key: math.hypot(*offset_m(own.place, fresh[key].place)))
            fresh = {key: fresh[key] for key in nearest[:MAX_KEPT]}
        self._movers = fresh
        return tuple(_targets(fresh, own, now_s))

    def _keep(self, key: bytes, mover: Mover) -> None:
        if key in self._movers or len(self._movers) < MAX_BETWEEN_LOOKS:
            self._movers[key] = mover
        else:
            self.doubts["too many"] += 1


def _targets(movers: dict[bytes, Mover], own: Own, now_s: float) -> Iterator[Target]:
    for each in movers.values():
        point = offset_m(own.place, each.place)
        if each.heading_deg is not None:
            point = moved(point, each.heading_deg, each.speed_mps * (now_s - each.heard.mono_s))
        turned = None if each.heading_deg is None else turn_deg(own.heading_deg, each.heading_deg)
        along_m, across_m = ahead_of(own.heading_deg, point)
        yield Target(each, along_m, across_m, turned)


def _seen(each: ParticipantData, origin: Place, heard: Heard) -> Mover | None:
    """`None`: it is a roadside unit, or cannot be true."""
    speed_mps = UNITS["Speed"].value(each.speed)
    if each.ptcType == _ROADSIDE or (speed_mps is not None and speed_mps > MAX_SPEED_MPS):
        return None
    nature = {_MOTOR: Nature.VEHICLE, _NON_MOTOR: Nature.PERSON, _PEDESTRIAN: Nature.PERSON}.get(each.ptcType)
    mover = Mover(
        place_of(each.pos, origin),
        speed_mps or 0.0,
        UNITS["Heading"].value(each.heading),
        heard,
        nature=nature or Nature.THING,
        length_m=each.size.length / 100,
        width_m=each.size.width / 100,
    )
    if each.accelSet is None:
        return mover
    return replace(mover, acceleration_mps2=UNITS["Acceleration"].value(each.accelSet.long) or 0.0)


def _is_us(mover: Mover, own: Own) -> bool:
    goes_our_way = mover.heading_deg is None or abs(turn_deg(own.heading_deg, mover.heading_deg)) <= SELF_TURN_DEG
    is_vehicle = mover.nature is Nature.VEHICLE
    return is_vehicle and goes_our_way and math.hypot(*offset_m(own.place, mover.place)) <= SELF_M + own.length_m / 2
