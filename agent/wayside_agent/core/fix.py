"""What a satellite receiver says, whatever language it says it in.

"No fix" never carries a position: a `Fix` without a position has mode NONE, and one with a position never has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FixMode(StrEnum):
    """Dimension of a fix."""

    NONE = "none"
    TWO_D = "2d"
    THREE_D = "3d"


class FixQuality(StrEnum):
    """Kind of a fix; NMEA 0183 GGA field 6 in brackets."""

    INVALID = "invalid"
    """[0] no position"""
    AUTONOMOUS = "autonomous"
    """[1]"""
    DIFFERENTIAL = "differential"
    """[2]"""
    OTHER = "other"
    """[3] precise, [7] manual, [8] simulated"""
    RTK_FIXED = "rtk-fixed"
    """[4]"""
    RTK_FLOAT = "rtk-float"
    """[5]"""
    ESTIMATED = "estimated"
    """[6] dead reckoning"""


class System(StrEnum):
    """Satellite system; NMEA 0183 4.11 GNSS system id in brackets."""

    GPS = "GPS"
    """[1]"""
    GLONASS = "GLONASS"
    """[2]"""
    GALILEO = "GALILEO"
    """[3]"""
    BEIDOU = "BEIDOU"
    """[4]"""
    QZSS = "QZSS"
    """[5]"""
    NAVIC = "NAVIC"
    """[6]"""
    SBAS = "SBAS"
    """GPS talker, ids 33 to 64"""


class AntennaState(StrEnum):
    """Antenna of a receiver; names as in `wayside.v1.AntennaState`."""

    OK = "ok"
    OPEN = "open"
    """Nothing is connected."""
    SHORT = "short"
    """The line is short-circuited."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place. WGS 84."""

    latitude_deg: float
    """-90 to 90, north positive."""
    longitude_deg: float
    """-180 to 180, east positive."""
    altitude_m: float | None = None
    """Above mean sea level; `None`: not given."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One epoch of a receiver. `None` means the receiver did not say."""

    mode: FixMode
    quality: FixQuality
    position: Position | None = None
    utc_time: datetime | None = None
    """The receiver's own time, aware UTC."""
    speed_mps: float | None = None
    course_deg: float | None = None
    """True course over ground, 0 to 360, clockwise from north."""
    heading_deg: float | None = None
    """True heading of the vehicle, from a two-antenna receiver or a compass."""
    hdop: float | None = None
    satellite_count: int | None = None
    """Satellites used in the fix."""
    correction_age_s: float | None = None
    """Age of the newest differential correction."""
    in_view: Mapping[System, int] = field(default_factory=dict)
    """Satellites in view per system, from the newest complete set."""
    antenna: AntennaState | None = None
    """Newest word of the receiver on its antenna."""
    begins_anew: bool = False
    """A recording has begun again or was cut: no step from the epoch before means anything."""
    is_recorded: bool = False
    """Its time is that of a recording and says nothing about now."""

    def __post_init__(self) -> None:
        """Raises ValueError if mode and position contradict each other."""
        if (self.position is None) != (self.mode is FixMode.NONE):
            msg = f"a fix of mode {self.mode} {'needs' if self.position is None else 'cannot carry'} a position"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class GnssCounters:
    """What a GNSS driver has counted since it was opened."""

    sentence_count: int = 0
    """Sentences or messages read and accepted."""
    bad_sentence_count: int = 0
    """Refused: wrong check sum or shape."""
    unknown_sentence_count: int = 0
    """Well-formed, of a kind we do not use (proprietary ones)."""
    corrected_date_count: int = 0
    """Epochs whose date was moved forward by 1024 GPS weeks or a multiple (receivers past a week roll-over)."""
