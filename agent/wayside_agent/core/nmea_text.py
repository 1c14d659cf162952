"""NMEA 0183 sentences of a `Fix`, for simulators and recordings: GGA, RMC, GSA and GSV of 4.11.

Usage: `data = nmea_text.sentences(fix)`; `NmeaDecoder` reads it back.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from wayside_agent.core.fix import Fix, FixMode, FixQuality, System
from wayside_agent.core.nmea_sentence import encoded

_GGA: Mapping[FixQuality, int] = {
    FixQuality.INVALID: 0,
    FixQuality.AUTONOMOUS: 1,
    FixQuality.DIFFERENTIAL: 2,
    FixQuality.OTHER: 3,
    FixQuality.RTK_FIXED: 4,
    FixQuality.RTK_FLOAT: 5,
    FixQuality.ESTIMATED: 6,
}
_LETTERS: Mapping[FixQuality, str] = {
    FixQuality.INVALID: "N",
    FixQuality.AUTONOMOUS: "A",
    FixQuality.DIFFERENTIAL: "D",
    FixQuality.OTHER: "P",
    FixQuality.RTK_FIXED: "R",
    FixQuality.RTK_FLOAT: "F",
    FixQuality.ESTIMATED: "E",
}
_GSA_MODES: Mapping[FixMode, int] = {FixMode.NONE: 1, FixMode.TWO_D: 2, FixMode.THREE_D: 3}
_VIEW: tuple[tuple[System, str, int], ...] = (
    # system, talker, first NMEA number
    (System.BEIDOU, "GB", 1),
    (System.GPS, "GP", 1),
    (System.GLONASS, "GL", 65),
    (System.GALILEO, "GA", 1),
    (System.QZSS, "GQ", 193),
    (System.NAVIC, "GI", 1),
)
_PER_SENTENCE = 4
_KNOTS_PER_METRE_PER_SECOND = 3600 / 1852


def sentences(fix: Fix, *, with_view: bool = True) -> bytes:
    """One epoch: GGA, GSA, GSV for each system in view, RMC last."""
    time = fix.utc_time or datetime(1980, 1, 6, tzinfo=UTC)
    bodies = [_gga(fix, time), _gsa(fix), *(_gsv(fix) if with_view else ()), _rmc(fix, time)]
    return b"".join(encoded(body) for body in bodies)


def _coordinates(fix: Fix) -> str:
    """Latitude and longitude in four fields, empty without a position."""
    if fix.position is None:
        return ",,,"
    parts = []
    for degrees, digits, letters in ((fix.position.latitude_deg, 2, "NS"), (fix.position.longitude_deg, 3, "EW")):
        millionths = round(abs(degrees) * 60_000_000)  # of a minute
        whole, minutes = divmod(millionths, 60_000_000)
        parts.append(f"{whole:0{digits}d}{minutes / 1e6:09.6f},{letters[degrees < 0]}")
    return ",".join(parts)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _gga(fix: Fix, time: datetime) -> str:
    altitude = "" if fix.position is None else _number(fix.position.altitude_m, ".3f")
    used = _number(fix.satellite_count, "02d")
    age = _number(fix.correction_age_s, ".1f")
    hdop = _number(fix.hdop, ".2f")
    return f"GNGGA,{_clock(time)},{_coordinates(fix)},{_GGA[fix.quality]},{used},{hdop},{altitude},M,,M,{age},"


def _rmc(fix: Fix, time: datetime) -> str:
    status = "V" if fix.position is None else "A"
    knots = _number(None if fix.speed_mps is None else fix.speed_mps * _KNOTS_PER_METRE_PER_SECOND, ".3f")
    course = _number(fix.course_deg, ".2f")
    letter = _LETTERS[fix.quality]
    return f"GNRMC,{_clock(time)},{status},{_coordinates(fix)},{knots},{course},{time:%d%m%y},,,{letter},V"


def _gsa(fix: Fix) -> str:
    hdop = _number(fix.hdop, ".2f")
    return f"GNGSA,A,{_GSA_MODES[fix.mode]},{',' * 11},,{hdop},,4"


def _gsv(fix: Fix) -> Iterator[str]:
    """Numbers from the system's first; elevation and azimuth spread evenly, they mean nothing."""
    for system, talker, first in _VIEW:
        count = fix.in_view.get(system, 0)
        numbers = range(first, first + count)
        total = -(-count // _PER_SENTENCE)
        for index in range(total):
            part = numbers[index * _PER_SENTENCE : (index + 1) * _PER_SENTENCE]
            views = ",".join(f"{number:02d},{20 + number % 60:02d},{number * 37 % 360:03d},40" for number in part)
            yield f"{talker}GSV,{total},{index + 1},{count:02d},{views},1"


def _clock(time: datetime) -> str:
    return f"{time:%H%M%S}.{time.microsecond // 1000:03d}"
