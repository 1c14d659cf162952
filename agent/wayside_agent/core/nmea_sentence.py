"""One NMEA 0183 sentence: from hostile bytes to checked fields, and from a field to a value.

`Sentences.feed` takes bytes in any pieces, with binary messages (UBX, RTCM) in between, and returns sentences whose
check sum is right. It keeps at most `SENTENCE_SIZE_MAX_BYTES`. The field readers return `None` for an empty field and
raise `FieldError` for one that cannot be what it should be.

Why not pynmea2 1.19: it hands out the raw string where a value is malformed, reads `nan` and `1_0` as numbers and an
empty coordinate as 0.0, refuses a coordinate without decimals, THS and KSXT, and takes a signal id for a satellite.
Each field would need the readers below all the same. Tests hold this module against pynmea2 on every public log.

Source: NMEA 0183 version 4.11, section 5.3 (sentence structure, check sum).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import xor

SENTENCE_SIZE_MAX_BYTES = 512
"""NMEA 0183 allows 82; Unicore's KSXT and long GSV of other makers reach about 250."""

_LINE = re.compile(rb"([\x20-\x7e]{1,510})[\r\n]")
_UNFINISHED = re.compile(rb"[\x20-\x7e]{0,510}\r?\Z")
_LOOKS_LIKE_A_SENTENCE = re.compile(rb"[A-Z][A-Z0-9]{2,7},")
_BODY = re.compile(rb"([A-Z][A-Z0-9]{2,19}(?:,[^*]*)?)\*([0-9A-Fa-f]{2})\s*\Z")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{0,12})?\Z", re.ASCII)
_COORDINATE = re.compile(r"(\d{1,3})(\d{2}(?:\.\d{0,12})?)\Z", re.ASCII)
_TIME_OF_DAY = re.compile(r"(\d{2})(\d{2})(\d{2})(?:\.(\d{0,9}))?\Z", re.ASCII)

_DIRECTIONS = {"N": (1, 90.0), "S": (-1, 90.0), "E": (1, 180.0), "W": (-1, 180.0)}
_MINUTES_PER_DEGREE = 60
_CENTURY_PIVOT = 80  # GPS time starts in 1980: year 80 to 99 is of the last century
_PROPRIETARY_TALKER = "P"
_TALKER_LENGTH = 2


class FieldError(ValueError):
    """A field cannot be what the sentence says it is."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence whose check sum is right."""

    talker: str
    """Two letters, `P` for proprietary sentences, empty for those without a talker (KSXT)."""
    kind: str
    """Sentence formatter: `GGA`, `RMC`, `KSXT`."""
    fields: Sequence[str]
    """Without the address and the check sum."""

    def field(self, index: int) -> str:
        """A field without surrounding blanks, empty if the sentence is too short for it."""
        return self.fields[index].strip() if index < len(self.fields) else ""


class Sentences:
    """Cuts a byte stream into sentences."""

    def __init__(self) -> None:
        self._tail = b""
        self.bad_count = 0
        """Sentences without or with a wrong check sum, or broken off."""

    def feed(self, data: bytes) -> list[Sentence]:
        """The sentences completed by `data`, in order."""
        chunks = (self._tail + data).split(b"$")
        found = [sentence for chunk in chunks[1:-1] if (sentence := self._closed(chunk))]
        self._tail = b""
        last = chunks[-1]
        if len(chunks) == 1:
            return found
        if _UNFINISHED.match(last) and not _LINE.match(last):
            self._tail = b"$" + last
        elif sentence := self._closed(last):
            found.append(sentence)
        return found

    def _closed(self, chunk: bytes) -> Sentence | None:
        """The sentence at the start of what followed a `$`; counts it if it is broken."""
        line = _LINE.match(chunk)
        body = _BODY.match(line[1]) if line else None
        if body is None or checksum(body[1]) != int(body[2], 16):
            if _LOOKS_LIKE_A_SENTENCE.match(chunk):
                self.bad_count += 1
            return None
        return sentence(body[1].decode("ascii"))


def checksum(body: bytes) -> int:
    """Exclusive or of the bytes between `$` and `*`."""
    return reduce(xor, body, 0)


def sentence(body: str) -> Sentence:
    """The sentence of what stands between `$` and `*`."""
    address, *fields = body.split(",")
    if address == "KSXT":  # Unicore, Bynav: no talker
        return Sentence(talker="", kind=address, fields=fields)
    if address.startswith(_PROPRIETARY_TALKER) and not address.startswith("PQG"):  # PQGSV, PQGSA: Quectel's talker PQ
        return Sentence(talker=_PROPRIETARY_TALKER, kind=address[1:], fields=fields)
    return Sentence(talker=address[:_TALKER_LENGTH], kind=address[_TALKER_LENGTH:], fields=fields)


def encoded(body: str) -> bytes:
    """A whole sentence with `$`, check sum and line end.

    Raises: UnicodeEncodeError: the body is not ASCII.
    """
    raw = body.encode("ascii")
    return b"$%s*%02X\r\n" % (raw, checksum(raw))


def number(text: str) -> float | None:
    """A decimal number.

    Raises: FieldError: it is none (also `nan`, `inf`, `1_0`, more than 9 digits).
    """
    if not text:
        return None
    if not _NUMBER.match(text):
        raise FieldError(f"{text!r} is no decimal number")
    return float(text)


def bounded(text: str, low: float, high: float) -> float | None:
    """A decimal number between two bounds, both included.

    Raises: FieldError: it is no number or outside.
    """
    value = number(text)
    if value is not None and not low <= value <= high:
        raise FieldError(f"{value} is not between {low} and {high}")
    return value


def whole(text: str) -> int | None:
    """A number without sign or decimals, `None` if the field holds anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None  # noqa: PLR2004  # as _NUMBER


def coordinate(text: str, direction: str, *, directions: str) -> float | None:
    """Degrees of `ddmm.mmmm` or `dddmm.mmmm`, south and west negative; `None` if both fields are empty.

    Raises: FieldError: malformed, half given, 60 minutes or more, beyond 90 or 180 degrees.
    """
    if not text and not direction:
        return None
    match = _COORDINATE.match(text)
    if match is None or direction not in directions or len(direction) != 1:
        raise FieldError(f"{text!r} {direction!r} is no coordinate")
    minutes = float(match[2])
    sign, limit_deg = _DIRECTIONS[direction]
    degrees = int(match[1]) + minutes / _MINUTES_PER_DEGREE
    if minutes >= _MINUTES_PER_DEGREE or degrees > limit_deg:
        raise FieldError(f"{text!r} {direction!r} is outside the globe")
    return sign * degrees


def time_of_day(text: str) -> timedelta | None:
    """Time since midnight UTC of `hhmmss.sss`; second 60 is a leap second.

    Raises: FieldError: malformed, or hour, minute or second too large.
    """
    if not text:
        return None
    match = _TIME_OF_DAY.match(text)
    if match is None:
        raise FieldError(f"{text!r} is no time of day")
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3])
    if hours > 23 or minutes > 59 or seconds > 60:  # noqa: PLR2004  # the clock
        raise FieldError(f"{text!r} is no time of day")
    microseconds = int((match[4] or "0")[:6].ljust(6, "0"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)


def short_date(text: str) -> date | None:
    """Date of `ddmmyy`; `None` if it is none (`2208-1`, after a week roll-over)."""
    if len(text) != 6 or whole(text) is None:  # noqa: PLR2004  # ddmmyy
        return None
    year = int(text[4:])
    return calendar_date(year + (1900 if year >= _CENTURY_PIVOT else 2000), int(text[2:4]), int(text[:2]))


def calendar_date(year: int | None, month: int | None, day: int | None) -> date | None:
    """The date, or `None` if there is no such day."""
    try:
        return date(year or 0, month or 0, day or 0)
    except (ValueError, OverflowError):
        return None


def instant(day: date, since_midnight: timedelta) -> datetime:
    """Aware UTC instant.

    Raises: OverflowError: after the year 9999.
    """
    return datetime.combine(day, time(), UTC) + since_midnight
