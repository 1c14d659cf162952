"""Messages of local sensors to readings: an object of numbers, as JSON or msgpack.

    topic    .../SENSOR           the last level names the sensor
    payload  {"temperature": 21.5, "door_open": false, "inner": {"humidity": 40},
              "time": "2026-11-22T10:00:00Z" or milliseconds since 1970,     optional
              "unit": {"temperature": "degC", "inner.humidity": "%"}}         optional

becomes `feed.SENSOR.temperature`, `feed.SENSOR.door_open` (0 or 1) and `feed.SENSOR.inner.humidity`. Texts and nulls
are passed over: a sensor says more than we measure. Anything else that is not as above refuses the whole message.
Usage: `readings("wayside/sensors/cabinet", payload, received_ns=now_ns, quality=TimeQuality.NETWORK)`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wayside.errors import InvalidArgumentError
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_FIELDS = 256
MAX_UNIT_LENGTH = 32
TIME_FIELD = "time"
UNIT_FIELD = "unit"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_MAP_BYTES = frozenset({*range(0x80, 0x90), 0xDE, 0xDF})  # msgpack specification: fixmap, map 16, map 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS_PER_MICROSECOND = 1000
_MIN_TIME_US = 946_684_800_000_000  # year 2000
_MAX_TIME_US = 4_102_444_800_000_000  # year 2100: a time in seconds or microseconds must not pass for milliseconds


class FeedError(InvalidArgumentError):
    """A message is not as it should be; says which part and what is wrong."""

    default_reason = "FEED_MESSAGE"


def readings(topic: str, payload: bytes, *, received_ns: int, quality: TimeQuality) -> tuple[Reading, ...]:
    """The readings of one message, in its order; without `time` they carry the time it was received.

    Raises: FeedError: the message is refused as a whole.
    """
    sensor = topic.rpartition("/")[2]
    if not _NAME.match(sensor):
        raise FeedError(f"topic {topic[:80]!r}: its last level is no sensor name of letters, digits, '_' and '-'")
    content = _content(payload)
    time_ns = _time_ns(content.pop(TIME_FIELD, None), received_ns)
    units = _units(content.pop(UNIT_FIELD, None))
    values = tuple(_values(content))
    if len(values) > MAX_FIELDS:
        raise FeedError(f"{len(values)} values in one message; at most {MAX_FIELDS} are taken")
    return tuple(
        Reading(f"feed.{sensor}.{field}", value, units.get(field, ""), time_ns, quality) for field, value in values
    )


def _content(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FeedError(f"the message is {len(payload)} bytes long; at most {MAX_PAYLOAD_BYTES} are taken")
    is_msgpack = bool(payload) and payload[0] in _MAP_BYTES
    decode = msgspec.msgpack.decode if is_msgpack else msgspec.json.decode
    try:
        content = decode(payload)
    except (ValueError, RecursionError) as exc:  # msgspec's errors are ValueErrors
        raise FeedError(f"the message is no {'msgpack map' if is_msgpack else 'JSON object'}: {exc}") from exc
    if not isinstance(content, dict):
        raise FeedError("the message is no JSON object and no msgpack map")
    return content


def _values(content: Mapping[Any, object]) -> Iterator[tuple[str, float]]:
    for field, value in content.items():
        name = _checked_name(field)
        if isinstance(value, dict):
            for inner_field, inner_value in value.items():
                yield from _value(f"{name}.{_checked_name(inner_field)}", inner_value)
        else:
            yield from _value(name, value)


def _value(name: str, value: object) -> Iterator[tuple[str, float]]:
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, int | float):
        raise FeedError(
            f"field {name}: {type(value).__name__} is no number; objects nest one level, lists are not taken"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FeedError(f"field {name}: the value is not finite; leave the field out when there is none")
    yield name, number


def _checked_name(field: object) -> str:
    if not isinstance(field, str) or not _NAME.match(field):
        raise FeedError(f"field {str(field)[:80]!r}: is no name of 1 to 64 letters, digits, '_' and '-'")
    return field


def _units(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FeedError("unit: must be an object of field names and units")
    for field, unit in value.items():
        if not isinstance(unit, str) or len(unit) > MAX_UNIT_LENGTH or not unit.isprintable():
            raise FeedError(f"unit.{str(field)[:80]}: must be a text of at most {MAX_UNIT_LENGTH} printable characters")
    return value


def _time_ns(value: object, received_ns: int) -> int:
    if value is None:
        return received_ns
    if isinstance(value, str):
        time_us = _iso_us(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MAX_TIME_US:
        time_us = round(value * 1000)
    else:
        raise FeedError("time: must be ISO 8601 with an offset, or milliseconds since 1970")
    if not _MIN_TIME_US <= time_us <= _MAX_TIME_US:
        raise FeedError(f"time: {str(value)[:40]} is outside 2000 to 2100; numbers are milliseconds since 1970")
    return time_us * _NANOSECONDS_PER_MICROSECOND


def _iso_us(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise FeedError(f"time: {text[:40]!r} is not ISO 8601, such as 2026-11-22T10:00:00Z") from exc
    if time.tzinfo is None:
        raise FeedError(f"time: {text[:40]!r} has no offset; append Z for UTC")
    return (time - _EPOCH) // timedelta(microseconds=1)
