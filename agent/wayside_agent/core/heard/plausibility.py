"""Whether what a vehicle says of itself can be true, by its own words before, the clock, and where it was heard.

    doubt = doubt_of(seen, before=last, here=here, utc_ms=utc_ms, gap_s=0.1)       # `None`: nothing speaks against it

A doubt is no proof: clocks run wrong and receivers stray. It is counted and goes along with what is passed on; what is
in doubt does not count for the coverage map. The limits are ours and stand here; no standard gives them.
"""

from enum import StrEnum

from wayside.v2x.peek import Peek
from wayside.v2x.units import UNITS
from wayside_agent.core.heard.grid import METRES_PER_RAW, distance_m

MAX_SPEED_MPS = 70.0
"""252 km/h."""
JUMP_SLACK_M = 30.0
"""A receiver that finds its fix again strays by so much."""
JUMP_SPEED_MPS = 100.0
"""Nobody is farther from where they were than this fast would bring them, and the slack."""
STALE_MS = 1_000
"""The time of a message is not farther from ours, before or behind."""
MAX_RANGE_M = 2_000.0
"""Beyond it PC5 at 23 dBm is not heard; in open country some hundred metres to a kilometre are."""
_SLACK_RAW = round(JUMP_SLACK_M / METRES_PER_RAW)
_MINUTE_MS = 60_000
_MAX_SPEED_RAW = round(MAX_SPEED_MPS / UNITS["Speed"].step)
_SPEED_UNKNOWN = UNITS["Speed"].unknown
_LATITUDE_UNKNOWN, _LONGITUDE_UNKNOWN = UNITS["Latitude"].unknown, UNITS["Longitude"].unknown


class Doubt(StrEnum):
    """Why a message cannot be true."""

    SPEED = "speed"
    """Faster than any vehicle on a road."""
    JUMP = "jump"
    """Farther from its place before than it can have driven."""
    STALE = "stale"
    """Its second of the minute is not now: old, sent again by somebody else, or a clock that is wrong."""
    RANGE = "range"
    """Its place is farther away than a radio reaches."""


Place = tuple[int, int]
"""Latitude and longitude [1e-7 °]."""


def place_of(seen: Peek) -> Place | None:
    """Where the sender says it is; `None`: it does not."""
    latitude, longitude = seen.latitude_raw, seen.longitude_raw
    if latitude is None or longitude is None or latitude == _LATITUDE_UNKNOWN or longitude == _LONGITUDE_UNKNOWN:
        return None
    return latitude, longitude


def doubt_of(
    seen: Peek,
    place: Place | None,
    *,
    before: Place | None,
    gap_s: float,
    range_m: float | None,
    utc_ms: int | None,
    max_range_m: float = MAX_RANGE_M,
) -> Doubt | None:
    """The first thing that speaks against a BSM.

    Args:
        seen: Its first members.
        place: Where it says it is.
        before: Where the same sender was.
        gap_s: Time since then [s].
        range_m: How far it is from this unit [m]; `None`: this unit does not know where it is.
        utc_ms: Time of reception in its minute [ms]; `None`: the time is not known.
        max_range_m: Farthest that is believed [m].
    """
    if range_m is not None and range_m > max_range_m:
        return Doubt.RANGE
    if place is not None and before is not None and _has_jumped(before, place, gap_s):
        return Doubt.JUMP
    speed, mark_ms = seen.speed_raw, seen.sec_mark_ms
    if speed is not None and speed > _MAX_SPEED_RAW and speed != _SPEED_UNKNOWN:
        return Doubt.SPEED
    if utc_ms is not None and mark_ms is not None and mark_ms < _MINUTE_MS:  # above: a leap second, or not known
        age_ms = (utc_ms - mark_ms) % _MINUTE_MS
        if STALE_MS < age_ms < _MINUTE_MS - STALE_MS:
            return Doubt.STALE
    return None


def _has_jumped(before: Place, place: Place, gap_s: float) -> bool:
    if abs(place[0] - before[0]) + abs(place[1] - before[1]) < _SLACK_RAW:  # nearly always: no need to be exact
        return False
    return distance_m(*before, *place) > JUMP_SLACK_M + JUMP_SPEED_MPS * gap_s
