"""A vehicle at one moment, in SI units and degrees, and the basic safety message (BSM) that says so.

    data = encoded_bsm(Bsm(message_count=17, …), Profile.P20)
    bsm = bsm_of(message)              # of a received BasicSafetyMessage

`None` is "not known", which BSM has a number for. Confidences come from what the receiver says of its fix.
Source: T/CSAE 53, YD/T 3709-2020; T/CSAE 159-2020 (what a message must say).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from wayside.v2x.codec import EncodeError, Profile, encode
from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    BasicSafetyMessage,
    BrakeSystemStatus,
    PathHistory,
    PathHistoryPoint,
    Position3D,
    PositionConfidenceSet,
    PositionLLmD64b,
    PositionOffsetLLV,
    VehicleClassification,
    VehicleSafetyExtensions,
    VehicleSize,
)
from wayside.v2x.units import UNITS

PASSENGER_CAR = 10
EVENT_BITS = 13
_CONFIDENCES_M = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""Radii of 95 % that have a name, best first; the raw numbers go from 15 down to 1, 0 is "not known"."""


class Transmission(IntEnum):
    """Position of the gear lever (TransmissionState)."""

    NEUTRAL = 0
    PARK = 1
    FORWARD = 2
    REVERSE = 3
    UNKNOWN = 7


class Event(IntEnum):
    """What happens to a vehicle (VehicleEventFlags): the place of its bit, the first being 0."""

    HAZARD_LIGHTS = 0
    STOP_LINE_VIOLATION = 1
    ABS_ACTIVE = 2
    TRACTION_CONTROL_LOSS = 3
    STABILITY_CONTROL_ACTIVE = 4
    HAZARDOUS_MATERIALS = 5
    HARD_BRAKING = 7
    LIGHTS_CHANGED = 8
    WIPERS_CHANGED = 9
    FLAT_TIRE = 10
    DISABLED = 11
    AIRBAG = 12


@dataclass(frozen=True, slots=True)
class Crumb:
    """A place the vehicle was at."""

    latitude_deg: float
    longitude_deg: float
    age_s: float
    """Before the message, up to 655.34 s."""


@dataclass(frozen=True, slots=True)
class Bsm:
    """One vehicle at one moment."""

    message_count: int
    """0 to 127, rising by one per message."""
    vehicle_id: bytes
    """8 byte, temporary."""
    since_minute: timedelta
    """Time since the full minute, up to 65.535 s."""
    latitude_deg: float | None
    longitude_deg: float | None
    elevation_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    """Clockwise from north."""
    acceleration_mps2: float | None = 0.0
    """Along the vehicle."""
    lateral_mps2: float | None = 0.0
    yaw_rate_dps: float = 0.0
    transmission: Transmission = Transmission.FORWARD
    steering_wheel_deg: float | None = None
    is_braking: bool | None = None
    width_m: float = 1.8
    length_m: float = 4.8
    height_m: float | None = None
    vehicle_class: int = PASSENGER_CAR
    events: frozenset[Event] = frozenset()
    path: tuple[Crumb, ...] = ()
    """Newest first, 23 at most."""
    position_95_m: float | None = None
    """Radius that holds 95 % of fixes."""


def encoded_bsm(bsm: Bsm, profile: Profile = Profile.P20) -> bytes:
    """UPER bytes of a MessageFrame with this BSM.

    Raises: EncodeError: a value is outside its range.
    """
    return encode(("bsmFrame", message_of(bsm)), profile)


def message_of(bsm: Bsm) -> BasicSafetyMessage:
    """The message with these values, not held against their ranges yet.

    Raises: EncodeError: a number is none.
    """
    try:
        return _message(bsm)
    except (OverflowError, ValueError) as error:
        raise EncodeError(f"BSM: {error}") from None


def bsm_of(message: BasicSafetyMessage) -> Bsm:
    """The values of a received message."""
    return Bsm(
        message_count=message.msgCnt,
        vehicle_id=message.id,
        since_minute=timedelta(milliseconds=message.secMark),
        latitude_deg=UNITS["Latitude"].value(message.pos.lat),
        longitude_deg=UNITS["Longitude"].value(message.pos.long),
        elevation_m=_known("Elevation", message.pos.elevation),
        speed_mps=UNITS["Speed"].value(message.speed),
        heading_deg=UNITS["Heading"].value(message.heading),
        acceleration_mps2=UNITS["Acceleration"].value(message.accelSet.long),
        lateral_mps2=UNITS["Acceleration"].value(message.accelSet.lat),
        yaw_rate_dps=UNITS["YawRate"].value(message.accelSet.yaw) or 0.0,
        transmission=_transmission(message.transmission),
        steering_wheel_deg=_known("SteeringWheelAngle", message.angle),
        is_braking={1: False, 2: True}.get(message.brakes.brakePadel or 0),
        width_m=message.size.width / 100,
        length_m=message.size.length / 100,
        height_m=_known("VehicleHeight", message.size.height),
        vehicle_class=message.vehicleClass.classification,
        events=_events(message.safetyExt),
        position_95_m=_radius(message.posConfidence),
    )


def _message(bsm: Bsm) -> BasicSafetyMessage:
    return BasicSafetyMessage(
        msgCnt=bsm.message_count,
        id=bsm.vehicle_id,
        secMark=round(bsm.since_minute / timedelta(milliseconds=1)),
        pos=Position3D(
            lat=UNITS["Latitude"].raw(bsm.latitude_deg),
            long=UNITS["Longitude"].raw(bsm.longitude_deg),
            elevation=_optional("Elevation", bsm.elevation_m),
        ),
        posConfidence=_confidence(bsm.position_95_m),
        transmission=bsm.transmission,
        speed=UNITS["Speed"].raw(bsm.speed_mps),
        heading=UNITS["Heading"].raw(None if bsm.heading_deg is None else _turned(bsm.heading_deg)),
        angle=_optional("SteeringWheelAngle", bsm.steering_wheel_deg),
        accelSet=AccelerationSet4Way(
            long=UNITS["Acceleration"].raw(bsm.acceleration_mps2),
            lat=UNITS["Acceleration"].raw(bsm.lateral_mps2),
            vert=0,
            yaw=UNITS["YawRate"].raw(bsm.yaw_rate_dps),
        ),
        brakes=BrakeSystemStatus(brakePadel=None if bsm.is_braking is None else 1 + bsm.is_braking),
        size=VehicleSize(
            width=round(bsm.width_m * 100),
            length=round(bsm.length_m * 100),
            height=_optional("VehicleHeight", bsm.height_m),
        ),
        vehicleClass=VehicleClassification(classification=bsm.vehicle_class),
        safetyExt=_safety(bsm),
    )


def _turned(heading_deg: float) -> float:
    """The same heading below the full circle, also after rounding: 28,800 means "not known"."""
    return round(heading_deg / 0.0125) % 28_800 * 0.0125


def _optional(kind: str, value: float | None) -> int | None:
    return None if value is None else UNITS[kind].raw(value)


def _known(kind: str, raw: int | None) -> float | None:
    return None if raw is None else UNITS[kind].value(raw)


def _transmission(raw: int) -> Transmission:
    return next((each for each in Transmission if each == raw), Transmission.UNKNOWN)


def _confidence(radius_m: float | None) -> PositionConfidenceSet | None:
    if radius_m is None:
        return None
    return PositionConfidenceSet(pos=max(0, len(_CONFIDENCES_M) - bisect_left(_CONFIDENCES_M, radius_m)))


def _radius(confidence: PositionConfidenceSet | None) -> float | None:
    if confidence is None or not confidence.pos:
        return None
    return _CONFIDENCES_M[len(_CONFIDENCES_M) - confidence.pos]


def _safety(bsm: Bsm) -> VehicleSafetyExtensions | None:
    if not bsm.events and not bsm.path:
        return None
    flags = sum(1 << (EVENT_BITS - 1 - event) for event in bsm.events)
    return VehicleSafetyExtensions(events=flags if bsm.events else None, pathHistory=_path(bsm.path))


def _events(extensions: VehicleSafetyExtensions | None) -> frozenset[Event]:
    flags = extensions.events if extensions is not None and extensions.events is not None else 0
    return frozenset(event for event in Event if flags >> (EVENT_BITS - 1 - event) & 1)


def _path(path: Sequence[Crumb]) -> PathHistory | None:
    if not path:
        return None
    latitude, longitude, offset = UNITS["Latitude"], UNITS["Longitude"], UNITS["TimeOffset"]
    return PathHistory(
        crumbData=[
            PathHistoryPoint(
                llvOffset=PositionOffsetLLV(
                    offsetLL=(
                        "position-LatLon",
                        PositionLLmD64b(lon=longitude.raw(crumb.longitude_deg), lat=latitude.raw(crumb.latitude_deg)),
                    )
                ),
                timeOffset=max(1, offset.raw(crumb.age_s)),
            )
            for crumb in path
        ]
    )
