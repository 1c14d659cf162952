"""Roadside safety messages (RSM) of the objects on the road: at most 16 in each, as many messages as it takes.

    for message, group in rsms(chosen(tracks, here, max_count=256), Head(here, b"RSU-1   "), 7, Profile.P20):

The nearest go first, and who walks or rides a bicycle counts as half as far: if not all have room, those are said.
`None` of an object is what the message set calls "unavailable". A size that is not known is 0, as roadside units in the
field send it. YawRate has no such number: beside a known acceleration it is 0.
Source: T/CSAE 53, YD/T 3709-2020 (structure, units); T/CSAE 159-2020 (AID, period); `domain` facts on enumerations.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wayside.v2x.codec import encode
from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    MotionConfidenceSet,
    ParticipantData,
    Position3D,
    PositionConfidenceSet,
    RoadsideSafetyMessage,
    VehicleClassification,
    VehicleSize,
)
from wayside.v2x.profile import Profile
from wayside.v2x.units import UNITS
from wayside_agent.core.broadcasts import MAX_BYTES
from wayside_agent.core.perception.document import ObjectClass, SeenObject, Source
from wayside_agent.core.perception.place import Place, distances_m, offset_of
from wayside_agent.core.perception.scene import Track

RSM_AID = 3623
MAX_PARTICIPANTS = 16
COUNT_MODULUS = 128
MAX_ID_BYTES = 8
_UNPROTECTED_SHARE = 0.5
_MINUTE_MS = 60_000
_FULL_CIRCLE_RAW = 28_800

_UNKNOWN, _MOTOR, _NON_MOTOR, _PEDESTRIAN = range(4)
_UNPROTECTED = frozenset({_NON_MOTOR, _PEDESTRIAN})
_TYPES = {
    ObjectClass.UNKNOWN: _UNKNOWN,
    ObjectClass.NON_MOTOR: _NON_MOTOR,
    ObjectClass.CYCLIST: _NON_MOTOR,
    ObjectClass.TRICYCLIST: _NON_MOTOR,
    ObjectClass.PEDESTRIAN: _PEDESTRIAN,
}
"""ParticipantType; the others are motor vehicles."""
_VEHICLE_CLASSES = {
    ObjectClass.CAR: VehicleClassification(classification=10),
    ObjectClass.VAN: VehicleClassification(classification=20),
    ObjectClass.TRUCK: VehicleClassification(classification=25),
    ObjectClass.BUS: VehicleClassification(classification=50),
    ObjectClass.MOTORCYCLIST: VehicleClassification(classification=40),
    ObjectClass.CYCLIST: VehicleClassification(classification=85),
}
"""BasicVehicleClass: passenger car, light lorry, lorry, bus and motorcycle of unknown type; bicycle."""
_SOURCES = {
    Source.UNKNOWN: 0,
    Source.V2X: 2,
    Source.VIDEO: 3,
    Source.RADAR: 4,
    Source.LOOP: 5,
    Source.LIDAR: 6,
    Source.INTEGRATED: 7,
}
"""SourceType; 1 is the unit itself."""

_LENGTHS_M = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""PositionConfidence and ElevationConfidence, best first: the raw numbers go from 15 down to 1."""
_POSITION_RAW = tuple(range(15, 0, -1))
_SPEEDS_MPS = (0.01, 0.05, 0.1, 1.0, 5.0, 10.0, 100.0)
_SPEED_RAW = tuple(range(7, 0, -1))
_HEADINGS_DEG = (0.01, 0.0125, 0.05, 0.1, 1.0, 5.0, 10.0)
_HEADING_RAW = (6, 7, 5, 4, 3, 2, 1)
"""The standard has 0.0125° behind 0.01°."""

_speed_raw, _heading_raw, _yaw_raw = (UNITS[name].raw for name in ("Speed", "Heading", "YawRate"))
_acceleration_raw, _vertical_raw = (UNITS[name].raw for name in ("Acceleration", "VerticalAcceleration"))
_WIDTH_STEP_M, _LENGTH_STEP_M, _HEIGHT_STEP_M = (UNITS[f"Vehicle{name}"].step for name in ("Width", "Length", "Height"))


@dataclass(frozen=True, slots=True)
class Head:
    """What all messages of a unit have."""

    reference: Place
    """Where the unit stands; offsets are from there."""
    unit_id: bytes
    """8 bytes."""
    time_ms: int = 0
    """Now, UTC milliseconds since 1970."""


Messages = Iterator[tuple[bytes, Sequence[Track]]]
"""Messages, each made when it is asked for, with the objects in it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message that objects go out in."""

    name: str
    application_id: int
    max_participants: int
    """In one message."""
    messages: Callable[[Sequence[Track], Head, int, Profile], Messages]
    """Of objects, a unit's head, and the first count."""


def unit_id(name: str) -> bytes:
    """The id of a unit in its messages: the last eight characters of a name, filled with zeros."""
    return name.encode("ascii", errors="replace")[-MAX_ID_BYTES:].ljust(MAX_ID_BYTES, b"\0")


def chosen(tracks: Sequence[Track], reference: Place, *, max_count: int) -> list[Track]:
    """The objects that are said, the most important first."""
    distance_m = distances_m(reference)

    def importance(track: Track) -> float:
        """The less, the more important [m]."""
        share = _UNPROTECTED_SHARE if participant_type(track.seen.kind) in _UNPROTECTED else 1.0
        return distance_m(track.place) * share

    return sorted(tracks, key=importance)[:max_count]


def rsms(tracks: Sequence[Track], head: Head, count: int, profile: Profile, *, max_bytes: int = MAX_BYTES) -> Messages:
    """RSM of objects; their counts go on from `count`.

    Raises: EncodeError: an object is outside what the message set can say. Not one that a document could bring.
    """

    def encoded(group: Sequence[Track], number: int) -> bytes:
        return _encoded(group, head, number, profile)

    return shared_out(tracks, encoded, count, most=MAX_PARTICIPANTS, max_bytes=max_bytes)


def shared_out(
    tracks: Sequence[Track], encoded: Callable[[Sequence[Track], int], bytes], count: int, *, most: int, max_bytes: int
) -> Messages:
    """Objects over as many messages as it takes, `most` at most in each, and fewer where the message is too long."""
    waiting = deque(tracks[begin : begin + most] for begin in range(0, len(tracks), most))
    while waiting:
        group = waiting.popleft()
        message = encoded(group, count)
        if len(message) > max_bytes and len(group) > 1:
            half = len(group) // 2
            waiting.extendleft((group[half:], group[:half]))
        else:
            yield message, group
            count = (count + 1) % COUNT_MODULUS


def participant(track: Track, reference: Place) -> ParticipantData:
    """One object as RSM has it."""
    seen = track.seen
    return ParticipantData(
        ptcType=participant_type(seen.kind),
        ptcId=track.number,
        source=_source(track.sources),
        id=None if seen.v2x_id is None else bytes.fromhex(seen.v2x_id),
        secMark=track.time_ms % _MINUTE_MS,
        pos=offset_of(track.place, reference),
        posConfidence=PositionConfidenceSet(
            pos=_named(seen.position_accuracy_m, _LENGTHS_M, _POSITION_RAW),
            elevation=_named(seen.elevation_accuracy_m, _LENGTHS_M, _POSITION_RAW) or None,
        ),
        speed=_speed_raw(seen.speed_mps),
        heading=_heading(seen.heading_deg),
        motionCfd=_motion(seen),
        accelSet=_acceleration(seen),
        size=VehicleSize(
            width=_size(seen.width_m, _WIDTH_STEP_M),
            length=_size(seen.length_m, _LENGTH_STEP_M),
            height=_size(seen.height_m, _HEIGHT_STEP_M) or None,
        ),
        vehicleClass=_VEHICLE_CLASSES.get(seen.kind),
    )


def participant_type(kind: ObjectClass) -> int:
    """ParticipantType of a class."""
    return _TYPES.get(kind, _MOTOR)


def _encoded(tracks: Sequence[Track], head: Head, count: int, profile: Profile) -> bytes:
    here = head.reference
    message = RoadsideSafetyMessage(
        msgCnt=count,
        id=head.unit_id,
        refPos=Position3D(lat=here.latitude, long=here.longitude, elevation=here.elevation),
        participants=[participant(each, here) for each in tracks],
    )
    return encode(("rsmFrame", message), profile)


def _source(sources: Sequence[Source]) -> int:
    """Several ways of seeing are one integrated one."""
    if len(sources) == 1:
        return _SOURCES[sources[0]]
    known = {each for each in sources if each is not Source.UNKNOWN}
    return _SOURCES[Source.INTEGRATED] if len(known) > 1 else _SOURCES[next(iter(known), Source.UNKNOWN)]


def _heading(heading_deg: float | None) -> int:
    raw = _heading_raw(heading_deg)
    return raw if heading_deg is None else raw % _FULL_CIRCLE_RAW


def _size(size_m: float | None, step_m: float) -> int:
    """A size that is known is never the 0 of one that is not."""
    return 0 if size_m is None else round(size_m / step_m) or 1


def _motion(seen: SeenObject) -> MotionConfidenceSet | None:
    speed = _named(seen.speed_accuracy_mps, _SPEEDS_MPS, _SPEED_RAW)
    heading = _named(seen.heading_accuracy_deg, _HEADINGS_DEG, _HEADING_RAW)
    return MotionConfidenceSet(speedCfd=speed or None, headingCfd=heading or None) if speed or heading else None


def _acceleration(seen: SeenObject) -> AccelerationSet4Way | None:
    along, across, up = seen.acceleration_mps2, seen.lateral_acceleration_mps2, seen.vertical_acceleration_mps2
    if along is None and across is None and up is None and seen.yaw_rate_dps is None:
        return None
    return AccelerationSet4Way(
        long=_acceleration_raw(along),
        lat=_acceleration_raw(across),
        vert=_vertical_raw(up),
        yaw=_yaw_raw(seen.yaw_rate_dps or 0.0),
    )


def _named(accuracy: float | None, limits: Sequence[float], raw: Sequence[int]) -> int:
    """The best name that does not promise too much; 0: there is none."""
    if accuracy is None:
        return 0
    index = bisect_left(limits, accuracy)
    return raw[index] if index < len(raw) else 0


RSM = Kind("RSM", RSM_AID, MAX_PARTICIPANTS, rsms)
