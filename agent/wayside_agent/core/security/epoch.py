"""Times of envelopes and certificates: seconds since 2004-01-01 00:00.

IEEE 1609.2 and ETSI count TAI: by now 5 s more than UTC does, for the leap seconds of 2006, 2009, 2012, 2015 and 2017.
GB/T 37374 and YD/T 3957 name 2004-01-01 00:00 UTC; whether leap seconds are counted is not said where we could read it.
"""

EPOCH_UTC_S = 1_072_915_200
"""2004-01-01 00:00 UTC, seconds since 1970."""
LEAP_TAI_S = 5


def utc_s(since_2004_s: float, *, leap_s: int) -> float:
    """Seconds since 1970."""
    return since_2004_s + EPOCH_UTC_S - leap_s
