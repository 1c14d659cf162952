"""A reader for each NMEA sentence kind: checked fields into the `Epoch` they belong to.

A reader checks every field before it notes any, so a refused sentence leaves no trace.

Source: NMEA 0183 version 4.11, the sections named after the sentences; Unicore N4 reference commands manual for KSXT
and THS. THS and HDT give true heading, HDT without a validity letter.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from wayside_agent.core.fix import FixQuality
from wayside_agent.core.nmea_epoch import Epoch
from wayside_agent.core.nmea_sentence import (
    FieldError,
    Sentence,
    bounded,
    calendar_date,
    coordinate,
    short_date,
    time_of_day,
    whole,
)
from wayside_agent.core.satellites import used

METRES_PER_SECOND_PER_KNOT = 1852 / 3600
METRES_PER_SECOND_PER_KMH = 1 / 3.6
_SPEED_MAX = 3000.0  # knots or km/h; beyond it the field is nonsense
_DOP_MAX = 1000.0
_UNKNOWN_DOP = 99.0  # 99.0, 99.9 and 99.99 mean: none
_ALTITUDE_BOUNDS_M = (-10_000.0, 100_000.0)
_CORRECTION_AGE_MAX_S = 100_000.0
_SATELLITES_MAX = 256

GGA_QUALITIES: Mapping[str, FixQuality] = {
    "": FixQuality.INVALID,
    "0": FixQuality.INVALID,
    "1": FixQuality.AUTONOMOUS,
    "2": FixQuality.DIFFERENTIAL,
    "3": FixQuality.OTHER,
    "4": FixQuality.RTK_FIXED,
    "5": FixQuality.RTK_FLOAT,
    "6": FixQuality.ESTIMATED,
    "7": FixQuality.OTHER,
    "8": FixQuality.OTHER,
}
MODE_LETTERS: Mapping[str, FixQuality] = {  # best first: GNS gives one letter per system
    "R": FixQuality.RTK_FIXED,
    "F": FixQuality.RTK_FLOAT,
    "P": FixQuality.OTHER,
    "D": FixQuality.DIFFERENTIAL,
    "A": FixQuality.AUTONOMOUS,
    "E": FixQuality.ESTIMATED,
    "M": FixQuality.OTHER,
    "S": FixQuality.OTHER,
}
KSXT_QUALITIES: Mapping[str, FixQuality] = {
    "": FixQuality.INVALID,
    "0": FixQuality.INVALID,
    "1": FixQuality.AUTONOMOUS,
    "2": FixQuality.RTK_FLOAT,
    "3": FixQuality.RTK_FIXED,
}


def _dop(text: str) -> float | None:
    value = bounded(text, 0.0, _DOP_MAX)
    return None if value is None or value == 0.0 or value >= _UNKNOWN_DOP else value


def _course(text: str) -> float | None:
    value = bounded(text, 0.0, 360.0)
    return None if value is None else value % 360.0


def _speed(text: str, factor: float) -> float | None:
    value = bounded(text, 0.0, _SPEED_MAX)
    return None if value is None else value * factor


def _place(sentence: Sentence, first: int) -> tuple[float, float] | None:
    """Latitude and longitude [degree] of four fields."""
    latitude_deg = coordinate(sentence.field(first), sentence.field(first + 1), directions="NS")
    longitude_deg = coordinate(sentence.field(first + 2), sentence.field(first + 3), directions="EW")
    return None if latitude_deg is None or longitude_deg is None else (latitude_deg, longitude_deg)


def _letters(text: str) -> FixQuality | None:
    """Best quality of mode letters; `None` if they say nothing."""
    return next((quality for letter, quality in MODE_LETTERS.items() if letter in text), None)


def _is_denied(status: str, letters: str) -> bool:
    if status not in {"A", "V", ""}:
        raise FieldError(f"{status!r} is no status")
    return status != "A" or letters == "N"


def _note_main(epoch: Epoch, sentence: Sentence, *, altitude_index: int, age_index: int) -> None:
    """What GGA and GNS have in common behind the quality."""
    place, hdop = _place(sentence, 1), _dop(sentence.field(7))
    altitude_m = bounded(sentence.field(altitude_index), *_ALTITUDE_BOUNDS_M)
    age_s = bounded(sentence.field(age_index), 0.0, _CORRECTION_AGE_MAX_S)
    count = whole(sentence.field(6))
    epoch.solution(place, denied=False, is_main=True)
    epoch.altitude_m = altitude_m if altitude_m is not None else epoch.altitude_m
    epoch.hdop = hdop if hdop is not None else epoch.hdop
    epoch.correction_age_s = age_s if age_s is not None else epoch.correction_age_s
    if count is not None:
        epoch.satellite_count = max(count, epoch.satellite_count or 0)


def _read_gga(epoch: Epoch, sentence: Sentence) -> None:
    quality = GGA_QUALITIES.get(sentence.field(5))
    if quality is None:
        raise FieldError(f"{sentence.field(5)!r} is no GGA quality")
    if quality is FixQuality.INVALID:
        epoch.solution(None, denied=True, is_main=True)
        epoch.satellite_count = whole(sentence.field(6))
        return
    _note_main(epoch, sentence, altitude_index=8, age_index=12)
    epoch.quality = quality


def _read_gns(epoch: Epoch, sentence: Sentence) -> None:
    quality = _letters(sentence.field(5))
    if quality is None:
        epoch.solution(None, denied=True, is_main=True)
        return
    _note_main(epoch, sentence, altitude_index=8, age_index=10)
    epoch.letter_quality = quality


def _read_rmc(epoch: Epoch, sentence: Sentence) -> None:
    epoch.day = short_date(sentence.field(8)) or epoch.day
    if _is_denied(sentence.field(1), sentence.field(11)):
        epoch.solution(None, denied=True, is_main=False)
        return
    place = _place(sentence, 2)
    speed_mps = _speed(sentence.field(6), METRES_PER_SECOND_PER_KNOT)
    course_deg = _course(sentence.field(7))
    epoch.solution(place, denied=False, is_main=False)
    epoch.letter_quality = epoch.letter_quality or _letters(sentence.field(11))
    epoch.speed_mps = speed_mps if speed_mps is not None else epoch.speed_mps
    epoch.course_deg = course_deg if course_deg is not None else epoch.course_deg


def _read_gll(epoch: Epoch, sentence: Sentence) -> None:
    if _is_denied(sentence.field(5), sentence.field(6)):
        epoch.solution(None, denied=True, is_main=False)
        return
    epoch.solution(_place(sentence, 0), denied=False, is_main=False)
    epoch.letter_quality = epoch.letter_quality or _letters(sentence.field(6))


def _read_vtg(epoch: Epoch, sentence: Sentence) -> None:
    if sentence.field(8) == "N":
        return
    course_deg = _course(sentence.field(0))
    speed_mps = _speed(sentence.field(4), METRES_PER_SECOND_PER_KNOT)
    if speed_mps is None:
        speed_mps = _speed(sentence.field(6), METRES_PER_SECOND_PER_KMH)
    epoch.speed_mps = epoch.speed_mps if epoch.speed_mps is not None else speed_mps
    epoch.course_deg = epoch.course_deg if epoch.course_deg is not None else course_deg


def _read_gsa(epoch: Epoch, sentence: Sentence) -> None:
    mode = whole(sentence.field(1))
    if mode not in {1, 2, 3}:
        raise FieldError(f"{sentence.field(1)!r} is no GSA mode")
    hdop = _dop(sentence.field(15))
    epoch.modes.add(mode)
    epoch.hdop = epoch.hdop if epoch.hdop is not None else hdop
    if len(epoch.satellites) < _SATELLITES_MAX:
        epoch.satellites.update(used(sentence))


def _read_zda(epoch: Epoch, sentence: Sentence) -> None:
    day, month, year = (whole(sentence.field(index)) for index in (1, 2, 3))
    epoch.day = calendar_date(year, month, day) or epoch.day


def _read_heading(epoch: Epoch, sentence: Sentence) -> None:
    if sentence.field(1) != "V":
        epoch.heading_deg = _course(sentence.field(0))


def _read_ksxt(epoch: Epoch, sentence: Sentence) -> None:
    """Position and heading of a two-antenna receiver; the datum of the height is not stated, so it is not used."""
    stamp = sentence.field(0)
    epoch.day = calendar_date(whole(stamp[:4]), whole(stamp[4:6]), whole(stamp[6:8])) or epoch.day
    quality = KSXT_QUALITIES.get(sentence.field(9))
    if quality is None:
        raise FieldError(f"{sentence.field(9)!r} is no KSXT quality")
    if quality is FixQuality.INVALID:
        epoch.solution(None, denied=True, is_main=False)
        return
    longitude_deg, latitude_deg = bounded(sentence.field(1), -180.0, 180.0), bounded(sentence.field(2), -90.0, 90.0)
    heading_deg, speed_mps = _course(sentence.field(4)), _speed(sentence.field(7), METRES_PER_SECOND_PER_KMH)
    place = None if latitude_deg is None or longitude_deg is None else (latitude_deg, longitude_deg)
    epoch.solution(place, denied=False, is_main=False)
    epoch.quality = epoch.quality or quality
    if KSXT_QUALITIES.get(sentence.field(10), FixQuality.INVALID) is not FixQuality.INVALID:
        epoch.heading_deg = heading_deg
    epoch.speed_mps = epoch.speed_mps if epoch.speed_mps is not None else speed_mps


READERS: Mapping[str, Callable[[Epoch, Sentence], None]] = {
    "GGA": _read_gga,
    "GNS": _read_gns,
    "RMC": _read_rmc,
    "GLL": _read_gll,
    "VTG": _read_vtg,
    "GSA": _read_gsa,
    "ZDA": _read_zda,
    "THS": _read_heading,
    "HDT": _read_heading,
    "KSXT": _read_ksxt,
}
_TIME_FIELDS = {"GGA": 0, "GNS": 0, "RMC": 0, "GLL": 4, "ZDA": 0, "KSXT": 0}


def is_timed(sentence: Sentence) -> bool:
    """Whether sentences of this kind carry the receiver's time."""
    return sentence.kind in _TIME_FIELDS


def sentence_time(sentence: Sentence) -> timedelta | None:
    """Receiver time of a sentence since midnight UTC; `None` without one.

    Raises: FieldError: the field is no time.
    """
    index = _TIME_FIELDS.get(sentence.kind)
    if index is None:
        return None
    stamp = sentence.field(index)
    return time_of_day(stamp[8:] if sentence.kind == "KSXT" else stamp)
