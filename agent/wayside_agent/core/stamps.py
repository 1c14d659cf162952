"""Times: a reading has a UTC instant, and the instant has a quality."""

from enum import StrEnum

NANOSECONDS_PER_SECOND = 1_000_000_000


class TimeQuality(StrEnum):
    """How good a time stamp is, best last but one; names as in `wayside.v1.TimeQuality`."""

    UNSYNCHRONIZED = "unsynchronized"
    """The clock was never set since boot."""
    HOLDOVER = "holdover"
    """The clock is set and runs on its own."""
    NETWORK = "network"
    """Disciplined by network time."""
    GNSS = "gnss"
    """Disciplined by GNSS."""
    RECORDED = "recorded"
    """The time came with a recording."""
