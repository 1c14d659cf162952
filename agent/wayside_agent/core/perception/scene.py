"""What is on the road now: the newest state of every object, over all sensors, as long as it is fresh.

    scene = Scene(Rules(stale_s=0.5, sensors={...}), Tracks(first))
    news = scene.take(document, utc_s=now, mono_s=clock)    # DocumentError: nothing of it counts
    scene.fresh(clock)                                      # one Track per object

Times of sensors are held against the unit's trusted time once, when they come; from then on a steady clock counts.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from wayside_agent.core.perception.document import Document, DocumentError, Refusal, SeenObject, Source
from wayside_agent.core.perception.place import Place, SensorPlace, place_of, placed
from wayside_agent.core.perception.tracks import Tracks

MAX_AHEAD_S = 0.2
"""How far a sensor's clock may be ahead of the unit's."""
MAX_SENSORS = 16


@dataclass(frozen=True, slots=True)
class SensorRules:
    """What the settings say of a sensor."""

    place: SensorPlace | None = None
    """`None`: its objects come in degrees only."""
    source: Source = Source.UNKNOWN
    """How it sees, where its objects do not say."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of all."""

    sensors: Mapping[str, SensorRules] = field(default_factory=dict)
    """Empty: any, up to `MAX_SENSORS`. Else others are not listened to."""
    stale_s: float = 0.5
    """Age at which an object is not there any more."""


class Track(Struct, kw_only=True, gc=False):
    """One object on the road. A Struct, for thousands a second are made."""

    number: int
    """ptcId."""
    seen: SeenObject
    place: Place
    sources: Sequence[Source]
    time_ms: int
    """When it was seen, UTC milliseconds since 1970."""
    seen_s: float
    """The same by the steady clock."""
    received_s: float
    """When it came to the unit, by the steady clock."""
    is_said: bool = False
    """Whether this state was on the air."""


@dataclass(slots=True)
class SensorState:
    """How one sensor is doing."""

    heard_s: float | None = None
    """When the last document came that could be used, by the steady clock."""
    fault: str = ""
    """Why its last document could not be used; empty: it could."""
    document_count: int = 0
    object_count: int = 0
    """Objects that were taken."""
    refused_object_count: int = 0
    age_s: float | None = None
    """Of its last document when it came; below zero: its clock is ahead."""
    newest_refusal: str = ""


class Scene:
    """The road around one unit."""

    def __init__(self, rules: Rules, tracks: Tracks) -> None:
        self._rules = rules
        self._tracks = tracks
        self._objects: dict[int, Track] = {}
        self.sensors: dict[str, SensorState] = {}
        """Those that were heard, by their ids."""
        self.refused_fields: Counter[str] = Counter()
        """Objects that were left out, by the field at fault."""
        self.stale_count = 0
        """Objects that were too old when they came, or older than what was known of them."""

    def take(self, document: Document, *, utc_s: float | None, mono_s: float) -> Sequence[Refusal]:
        """Takes a document; which objects were left out, and why.

        Raises: DocumentError: its sensor is not to be heard, its time cannot be true, or the unit's is not known.
        """
        sensor, refusals = self._sensor(document.sensor_id), list(document.refusals)
        sensor.document_count += 1
        sensor.age_s = None if utc_s is None else utc_s - document.time_ms / 1000
        sensor.fault = self._time_fault(sensor.age_s)
        if sensor.fault or utc_s is None:
            raise DocumentError(sensor.fault)
        sensor.heard_s = mono_s
        rules = self._rules.sensors.get(document.sensor_id, SensorRules())
        for seen in document.objects:
            refusal = self._put(document, seen, rules, utc_s, mono_s)
            if refusal is None:
                sensor.object_count += 1
            else:
                refusals.append(refusal)
        self._refuse(sensor, refusals)
        return refusals

    def fresh(self, mono_s: float) -> list[Track]:
        """Every object that is fresh; those that are not are forgotten."""
        begin_s = mono_s - self._rules.stale_s
        self._objects = {number: each for number, each in self._objects.items() if each.seen_s >= begin_s}
        return list(self._objects.values())

    @property
    def named(self) -> frozenset[str]:
        """Sensors that the settings name."""
        return frozenset(self._rules.sensors)

    @property
    def expected(self) -> frozenset[str]:
        """Sensors that should be heard: those of the settings, else those that were."""
        return frozenset(self._rules.sensors or self.sensors)

    def silent(self, mono_s: float, silent_s: float) -> list[str]:
        """Expected sensors of which no document could be used for so long, or ever."""
        last_s = {name: each.heard_s for name, each in self.sensors.items() if each.heard_s is not None}
        return [name for name in self.expected if mono_s - last_s.get(name, -math.inf) > silent_s]

    def _sensor(self, name: str) -> SensorState:
        if self._rules.sensors and name not in self._rules.sensors:
            raise DocumentError(f"sensor_id: {name!r} is not in the settings")
        if name not in self.sensors:
            if len(self.sensors) >= MAX_SENSORS:
                raise DocumentError(f"sensor_id: {MAX_SENSORS} others were heard already; name yours in the settings")
            self.sensors[name] = SensorState()
        return self.sensors[name]

    def _time_fault(self, age_s: float | None) -> str:
        """Why a document of that age cannot be used; empty: it can."""
        if age_s is None:
            return "the unit does not know the time"
        if age_s < -MAX_AHEAD_S:
            return f"time_ms: {-age_s:.1f} s ahead of the unit's time; set both clocks by NTP or PTP"
        if age_s > self._rules.stale_s:
            return f"time_ms: {age_s:.1f} s old; set both clocks by NTP or PTP, or send it sooner"
        return ""

    def _put(
        self, document: Document, seen: SeenObject, rules: SensorRules, utc_s: float, mono_s: float
    ) -> Refusal | None:
        """Takes one object; why not."""
        time_ms = document.time_ms if seen.time_ms is None else seen.time_ms
        age_s = utc_s - time_ms / 1000
        if age_s < -MAX_AHEAD_S:
            return Refusal("time_ms", f"{-age_s:.1f} s ahead of the unit's time")
        if age_s > self._rules.stale_s:
            self.stale_count += 1
            return Refusal("time_ms", f"{age_s:.1f} s old")
        if seen.is_local and rules.place is None:
            return Refusal("x_m", "the settings do not say where the sensor stands")
        number = self._tracks.number(document.sensor_id, str(seen.tracking_id), mono_s)
        if number is None:
            return Refusal("tracking_id", "too many objects were seen within a minute")
        held = self._objects.get(number)
        if held is not None and held.time_ms >= time_ms:
            if held.time_ms > time_ms:
                self.stale_count += 1
            return None
        sources = seen.sources or (rules.source,)
        place = _place(seen, rules.place)
        self._objects[number] = Track(
            number=number,
            seen=seen,
            place=place,
            sources=sources,
            time_ms=time_ms,
            seen_s=mono_s - age_s,
            received_s=mono_s,
        )
        return None

    def _refuse(self, sensor: SensorState, refusals: Sequence[Refusal]) -> None:
        for each in refusals:
            self.refused_fields[each.field] += 1
        sensor.refused_object_count += len(refusals)
        if refusals:
            sensor.newest_refusal = f"{refusals[-1].field}: {refusals[-1].reason}"


def _place(seen: SeenObject, sensor: SensorPlace | None) -> Place:
    if seen.latitude_deg is not None and seen.longitude_deg is not None:
        return place_of(seen.latitude_deg, seen.longitude_deg, seen.elevation_m)
    assert sensor is not None and seen.x_m is not None and seen.y_m is not None  # noqa: PT018, S101
    return placed(sensor, seen.x_m, seen.y_m, seen.z_m)
