"""gpsd's JSON protocol in, one `Fix` per TPV out.

Usage: `for fix in decoder.feed(data): ...`. Reports are lines; one longer than `LINE_SIZE_MAX_BYTES` is
dropped and counted. A TPV equal to the one before is dropped: until gpsd knows the receiver's cycle it repeats an epoch
after each sentence.

Source: gpsd_json(5), protocol 3.x (gpsd 3.0 and later); STATUS values of gps.h since 3.21.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec

from wayside_agent.core.fix import Fix, FixMode, FixQuality, GnssCounters, Position, System
from wayside_agent.core.nmea import EARLIEST_DATE, rolled_forward

LINE_SIZE_MAX_BYTES = 65_536
"""A SKY report with 140 satellites is about 16 kB; gpsd itself writes at most 10 kB per line."""
PROTOCOL_MAJOR = 3
_UNKNOWN_DOP = 99.0

_SYSTEMS: Mapping[int, System] = {
    0: System.GPS,
    1: System.SBAS,
    2: System.GALILEO,
    3: System.BEIDOU,
    5: System.QZSS,
    6: System.GLONASS,
    7: System.NAVIC,
}
_QUALITIES: Mapping[int, FixQuality] = {
    2: FixQuality.DIFFERENTIAL,
    3: FixQuality.RTK_FIXED,
    4: FixQuality.RTK_FLOAT,
    5: FixQuality.ESTIMATED,  # dead reckoning
    6: FixQuality.ESTIMATED,  # GNSS and dead reckoning
    7: FixQuality.OTHER,  # surveyed in, time only
    8: FixQuality.OTHER,  # simulated
    9: FixQuality.OTHER,  # P(Y)
}

_Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
_Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
_Course = Annotated[float, msgspec.Meta(ge=0, le=360)]
_NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class _Report(msgspec.Struct, rename={"kind": "class"}):
    """Any report: just its class."""

    kind: str


class _Version(msgspec.Struct):
    proto_major: int
    release: str = ""


class _Position(msgspec.Struct, rename={"altitude_m": "altMSL", "old_altitude_m": "alt", "age_s": "dgpsAge"}):
    """TPV: time, position, velocity."""

    mode: int = 0
    status: int = 1
    time: datetime | None = None
    lat: _Latitude | None = None
    lon: _Longitude | None = None
    altitude_m: float | None = None
    old_altitude_m: float | None = None
    speed: _NotNegative | None = None
    track: _Course | None = None
    age_s: _NotNegative | None = None


class _Satellite(msgspec.Struct):
    gnssid: int = 0
    svid: int = 0
    used: bool = False


class _Sky(msgspec.Struct, rename={"used_count": "uSat"}):
    """SKY: satellites and their geometry."""

    hdop: _NotNegative | None = None
    used_count: int | None = None
    satellites: list[_Satellite] | None = None


class _Error(msgspec.Struct):
    message: str = ""


class GpsdDecoder:
    """Bytes of one gpsd connection in, epochs out. Never raises, whatever the bytes."""

    def __init__(self, *, earliest_date: date = EARLIEST_DATE) -> None:
        self._earliest_date = earliest_date
        self._tail = b""
        self._is_skipping = False
        self._hdop: float | None = None
        self._used_count: int | None = None
        self._in_view: Mapping[System, int] = {}
        self._last: Fix | None = None
        self._accepted_count = self._bad_count = self._unknown_count = self._corrected_count = 0
        self.protocol_major: int | None = None
        """As gpsd announced it; `None` before."""
        self.release = ""
        """gpsd's own version."""
        self.error = ""
        """What gpsd last complained of."""

    def counters(self) -> GnssCounters:
        """Counts since the start, of reports."""
        return GnssCounters(self._accepted_count, self._bad_count, self._unknown_count, self._corrected_count)

    def feed(self, data: bytes) -> list[Fix]:
        """The epochs that `data` completes, in order."""
        *lines, tail = (self._tail + data).split(b"\n")
        fixes: list[Fix] = []
        for line in lines:
            if self._is_skipping or len(line) > LINE_SIZE_MAX_BYTES:
                self._bad_count += 1
                self._is_skipping = False
            elif line.strip():
                fixes.extend(self._fixes(line))
        if len(tail) > LINE_SIZE_MAX_BYTES:
            self._is_skipping, tail = True, b""
        self._tail = tail
        return fixes

    def _fixes(self, line: bytes) -> list[Fix]:
        try:
            fix = self._taken(line)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
            self._bad_count += 1
            return []
        if fix is None or fix == self._last:
            return []
        self._last = fix
        return [fix]

    def _taken(self, line: bytes) -> Fix | None:
        """Reads one report; the epoch if it is a TPV."""
        kind = msgspec.json.decode(line, type=_Report).kind
        fix = None
        match kind:
            case "TPV":
                fix = self._fix(msgspec.json.decode(line, type=_Position))
            case "SKY":
                self._note_sky(msgspec.json.decode(line, type=_Sky))
            case "VERSION":
                version = msgspec.json.decode(line, type=_Version)
                self.protocol_major, self.release = version.proto_major, version.release[:64]
            case "ERROR":
                self.error = msgspec.json.decode(line, type=_Error).message[:200]
            case _:
                self._unknown_count += 1
                return None
        self._accepted_count += 1
        return fix

    def _note_sky(self, sky: _Sky) -> None:
        """A SKY without a satellite list brings new figures only."""
        if sky.hdop is not None:
            self._hdop = sky.hdop if 0 < sky.hdop < _UNKNOWN_DOP else None
        self._used_count = sky.used_count if sky.used_count is not None else self._used_count
        if sky.satellites is None:
            return
        counts: dict[System, int] = {}
        for system, _ in {(each.gnssid, each.svid) for each in sky.satellites}:
            if system in _SYSTEMS:
                counts[_SYSTEMS[system]] = counts.get(_SYSTEMS[system], 0) + 1
        self._in_view = counts
        if sky.used_count is None:
            self._used_count = sum(each.used for each in sky.satellites)

    def _fix(self, tpv: _Position) -> Fix:
        utc_time = self._utc_time(tpv.time)
        if tpv.mode not in {2, 3} or tpv.lat is None or tpv.lon is None:
            return Fix(
                mode=FixMode.NONE,
                quality=FixQuality.INVALID,
                utc_time=utc_time,
                hdop=self._hdop,
                satellite_count=self._used_count,
                in_view=self._in_view,
            )
        altitude_m = tpv.altitude_m if tpv.altitude_m is not None else tpv.old_altitude_m
        return Fix(
            mode=FixMode.TWO_D if tpv.mode == 2 else FixMode.THREE_D,  # noqa: PLR2004  # TPV: 2 is 2D
            quality=_QUALITIES.get(tpv.status, FixQuality.AUTONOMOUS),
            position=Position(tpv.lat, tpv.lon, altitude_m),
            utc_time=utc_time,
            speed_mps=tpv.speed,
            course_deg=None if tpv.track is None else tpv.track % 360.0,
            hdop=self._hdop,
            satellite_count=self._used_count or None,  # gpsd counts 0 when it cannot map any; a fix uses some
            correction_age_s=tpv.age_s,
            in_view=self._in_view,
        )

    def _utc_time(self, time: datetime | None) -> datetime | None:
        """The time in UTC, past a week roll-over too: gpsd passes on what an old receiver says."""
        if time is None or time.tzinfo is None:
            return None
        time = time.astimezone(UTC)
        day = rolled_forward(time.date(), self._earliest_date)
        self._corrected_count += day != time.date()
        return time.replace(year=day.year, month=day.month, day=day.day)
