"""Times as the database keeps them: whole microseconds since 1970 UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def as_us(time: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def as_us_or_none(time: datetime | None) -> int | None:
    """The same, or `None`."""
    return None if time is None else as_us(time)


def as_time(time_us: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=time_us)


def as_time_or_none(time_us: int | None) -> datetime | None:
    """The same, or `None`."""
    return None if time_us is None else as_time(time_us)
