"""A document of a roadside sensor: who saw what, when. Every number is bounded, and carries its unit in its name.

    document = read_json(payload)            # DocumentError: nothing of it can be used
    document.objects, document.refusals      # an object that is wrong is left out, and the field is named

Whatever a field is called that is not here, the object is refused: a misspelt speed would be lost without a word.
What a vehicle says of itself is not here either: a sensor's object has no plate, colour or owner.
Source: the ranges are those that T/CSAE 53 can say; where it can say more than a road has, those of a road.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

MAX_BYTES = 256 * 1024
"""Longest document that is looked into."""
MAX_OBJECTS = 512
MAX_ID_CHARS = 64
_MAX_TIME_MS = 2**53
_MAX_SENTENCE_CHARS = 160
_AT = re.compile(r"\$\.(\w+)")
_UNKNOWN_FIELD = re.compile(r"unknown field `")


class DocumentError(ValueError):
    """Nothing of a document can be used, in one sentence."""


class ObjectClass(StrEnum):
    """What an object is: one of the four of RSM, or finer."""

    UNKNOWN = "unknown"
    MOTOR = "motor"
    NON_MOTOR = "non-motor"
    PEDESTRIAN = "pedestrian"
    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLIST = "motorcyclist"
    CYCLIST = "cyclist"
    TRICYCLIST = "tricyclist"


class Source(StrEnum):
    """How an object was seen."""

    UNKNOWN = "unknown"
    V2X = "v2x"
    VIDEO = "video"
    RADAR = "radar"
    LOOP = "loop"
    LIDAR = "lidar"
    INTEGRATED = "integrated"


Metres = Annotated[float, Meta(gt=0, le=10_000)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
_SENSOR_ID = r"^[A-Za-z0-9_.:-]{1,64}\Z"
"""Fit for a log, and for the name of a check."""


class SeenObject(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One object. `None` is "not known", which is not zero."""

    tracking_id: Name | int
    """The sensor's own, the same as long as it follows the object."""
    kind: ObjectClass = msgspec.field(default=ObjectClass.UNKNOWN, name="class")
    time_ms: Annotated[int, Meta(ge=0, le=_MAX_TIME_MS)] | None = None
    """When it was seen, UTC milliseconds since 1970; `None`: the document's time."""
    latitude_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)] | None = None
    elevation_m: Annotated[float, Meta(ge=-409, le=6143)] | None = None
    """Above the ellipsoid WGS 84."""
    x_m: Annotated[float, Meta(ge=-5000, le=5000)] | None = None
    """East of the sensor's place in the settings; of one that is turned there: to its right."""
    y_m: Annotated[float, Meta(ge=-5000, le=5000)] | None = None
    """North of it; of one that is turned: ahead."""
    z_m: Annotated[float, Meta(ge=-500, le=500)] | None = None
    """Above it."""
    speed_mps: Annotated[float, Meta(ge=0, le=163.8)] | None = None
    heading_deg: Annotated[float, Meta(ge=0, le=360)] | None = None
    """Where it goes, clockwise from true north."""
    length_m: Annotated[float, Meta(gt=0, le=40.95)] | None = None
    width_m: Annotated[float, Meta(gt=0, le=10.23)] | None = None
    height_m: Annotated[float, Meta(gt=0, le=6.35)] | None = None
    acceleration_mps2: Annotated[float, Meta(ge=-20, le=20)] | None = None
    """Along its heading."""
    lateral_acceleration_mps2: Annotated[float, Meta(ge=-20, le=20)] | None = None
    """To its right."""
    vertical_acceleration_mps2: Annotated[float, Meta(ge=-24, le=24)] | None = None
    """Upward."""
    yaw_rate_dps: Annotated[float, Meta(ge=-327.67, le=327.67)] | None = None
    """To its right."""
    sources: Annotated[tuple[Source, ...], Meta(max_length=8)] = ()
    """Empty: what the settings say of the sensor."""
    position_accuracy_m: Metres | None = None
    """Radius that holds 95 of 100 measurements; so are the next ones."""
    elevation_accuracy_m: Metres | None = None
    speed_accuracy_mps: Annotated[float, Meta(gt=0, le=1000)] | None = None
    heading_accuracy_deg: Annotated[float, Meta(gt=0, le=360)] | None = None
    v2x_id: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}\Z")] | None = None
    """Temporary id of the BSM it was matched to, in hex."""

    @property
    def is_local(self) -> bool:
        """Whether it is placed in metres from the sensor."""
        return self.x_m is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is left out."""

    field: str
    """Name in the document."""
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """What one sensor saw at one time."""

    time_ms: int
    """UTC milliseconds since 1970."""
    sensor_id: str
    objects: tuple[SeenObject, ...]
    refusals: tuple[Refusal, ...] = ()


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document's own fields; objects are looked into one by one."""

    time_ms: Annotated[int, Meta(ge=0, le=_MAX_TIME_MS)]
    sensor_id: Annotated[str, Meta(pattern=_SENSOR_ID)]
    objects: Annotated[list[msgspec.Raw], Meta(max_length=MAX_OBJECTS)]


class _Whole(_Words, frozen=True, forbid_unknown_fields=True):
    """The same, read in one go; one object that is wrong spoils all."""

    objects: Annotated[list[SeenObject], Meta(max_length=MAX_OBJECTS)]  # type: ignore[assignment]  # narrower


_words = msgspec.json.Decoder(_Words)
_whole = msgspec.json.Decoder(_Whole)
_object = msgspec.json.Decoder(SeenObject)


def read_json(payload: bytes) -> Document:
    """A document in JSON.

    Raises: DocumentError: it is too long, no JSON, or its own fields are wrong.
    """
    check_size(payload)
    try:
        whole = _whole.decode(payload)  # nearly always nothing is wrong
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_apart(payload)
    return _document(whole.time_ms, whole.sensor_id, (_misplaced(each) or each for each in whole.objects))


def _read_apart(payload: bytes) -> Document:
    try:
        words = _words.decode(payload)
        return _document(words.time_ms, words.sensor_id, (_read(_object.decode, each) for each in words.objects))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DocumentError(_sentence(str(error))) from None


def of_words(time_ms: int, sensor_id: str, objects: Iterable[Mapping[str, Any]], *, count: int) -> Document:
    """A document of another notation, its objects as the fields they have.

    Raises: DocumentError: its own fields are wrong, or there are more than `MAX_OBJECTS`.
    """
    if not 0 <= time_ms <= _MAX_TIME_MS:
        raise DocumentError(f"time_ms: {time_ms} is no time")
    if not re.match(_SENSOR_ID, sensor_id):
        raise DocumentError(f"sensor_id: {printable(sensor_id)!r} is not 1 to 64 letters, digits, and _ . : -")
    if count > MAX_OBJECTS:
        raise DocumentError(f"objects: there are {count}; at most {MAX_OBJECTS} are taken")
    return _document(time_ms, sensor_id, (_read(_converted, each) for each in objects))


def check_size(payload: bytes) -> None:
    """Raises: DocumentError: the document is too long to be looked into."""
    if len(payload) > MAX_BYTES:
        raise DocumentError(f"it has {len(payload)} bytes; at most {MAX_BYTES} are looked into")


def printable(text: str, *, max_chars: int = MAX_ID_CHARS) -> str:
    """A text of somebody else, fit for a log."""
    return "".join(each if each.isprintable() else "?" for each in text[:max_chars])


def _document(time_ms: int, sensor_id: str, found: Iterable[SeenObject | Refusal]) -> Document:
    objects: dict[str, SeenObject] = {}
    refusals: list[Refusal] = []
    for each in found:
        if isinstance(each, Refusal):
            refusals.append(each)
        elif (tracking_id := str(each.tracking_id)) in objects:
            refusals.append(Refusal("tracking_id", "is there twice; the first counts"))
        else:
            objects[tracking_id] = each
    return Document(time_ms, sensor_id, tuple(objects.values()), tuple(refusals))


def _converted(words: Mapping[str, Any]) -> SeenObject:
    for name, value in words.items():
        if isinstance(value, float) and not math.isfinite(value):  # JSON has none; bounds do not hold them back
            raise msgspec.ValidationError(f"Expected a number, got {value} - at `$.{name}`")
    return msgspec.convert(words, SeenObject)


def _read(reader: Any, words: Any) -> SeenObject | Refusal:  # noqa: ANN401  # JSON, or fields
    try:
        found: SeenObject = reader(words)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: an int of a thousand digits
        return _refusal(str(error))
    return _misplaced(found) or found


def _refusal(said: str) -> Refusal:
    named = _AT.search(said)
    if named is None and _UNKNOWN_FIELD.search(said):
        return Refusal("unknown field", _sentence(said))
    missing = re.search(r"required field `(\w+)`", said)
    field = named.group(1) if named else missing.group(1) if missing else "object"
    return Refusal(field, _sentence(said.partition(" - at ")[0]))


def _misplaced(each: SeenObject) -> Refusal | None:
    """Why an object has no place, or two."""
    if isinstance(each.tracking_id, int) and abs(each.tracking_id) >= 10**MAX_ID_CHARS:
        return Refusal("tracking_id", f"has more than {MAX_ID_CHARS} digits")
    degrees, metres = (each.latitude_deg, each.longitude_deg), (each.x_m, each.y_m)
    if None not in degrees and metres == (None, None):
        if each.z_m is not None:
            return Refusal("z_m", "belongs to x_m and y_m; beside degrees give elevation_m")
        return None
    if None not in metres and degrees == (None, None):
        return None
    return Refusal("latitude_deg", "give latitude_deg and longitude_deg, or x_m and y_m")


def _sentence(said: str) -> str:
    return printable(said, max_chars=_MAX_SENTENCE_CHARS)
