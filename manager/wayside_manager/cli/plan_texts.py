"""Parts of a rollout plan as a person writes them, on the command line and in plan files.

Usage: `wave("10%")`, `window("mon-fri 01:00-04:00")`, `span("10m", field="deadline")`.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2, rollout_pb2
from wayside_manager.cli.running import duration_s, resource_name

WAVE_HELP = "Next nodes: 5, 10%, ring=canary, sites/k12, or rest; repeat in order."
WINDOW_HELP = (
    "When units may be touched, by their site's clock: '01:00-04:00' or 'mon-fri 01:00-04:00'; repeat for more."
)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?:(?P<days>[a-z,-]+) +)?(?P<begin>[0-9]{2}:[0-9]{2})-(?P<end>[0-9]{2}:[0-9]{2})\Z")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_MINUTES_PER_DAY = 1440


def wave(text: str, *, field: str = "--wave") -> rollout_pb2.RolloutWave:
    """A wave: `5` nodes, `10%` of all, `rest`, those with labels `ring=canary,lane=3`, or at `sites/k12,sites/k13`.

    Raises: InvalidArgumentError: naming `field`.
    """
    if text == "rest":
        return rollout_pb2.RolloutWave(percent=100)
    if text.isdecimal():
        return rollout_pb2.RolloutWave(count=min(int(text), 2**31 - 1))
    if text.endswith("%"):
        return rollout_pb2.RolloutWave(percent=_percent(text[:-1], text, field))
    members = rollout_pb2.WaveMembers()
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if part.startswith("sites/"):
            members.sites.append(part)
        elif sign:
            members.labels.append(node_pb2.Label(key=key, value=value))
        else:
            raise InvalidArgumentError(f"{field}: {text!r} is no wave; write 5, 10%, ring=canary, sites/k12 or rest")
    return rollout_pb2.RolloutWave(members=members)


def window(text: str, *, field: str = "--window") -> rollout_pb2.MaintenanceWindow:
    """A maintenance window; one that ends before it begins goes over midnight.

    Raises: InvalidArgumentError: naming `field`.
    """
    match = _WINDOW.match(text.strip().lower())
    if match is None:
        raise InvalidArgumentError(f"{field}: {text!r} is no window; write it as 'mon-fri 01:00-04:00'")
    begin, end = (_minute(match[name], text, field) for name in ("begin", "end"))
    minutes = (end - begin) % _MINUTES_PER_DAY or _MINUTES_PER_DAY
    days = weekdays(match["days"], field=field) if match["days"] else []
    return rollout_pb2.MaintenanceWindow(weekdays=days, begin=match["begin"], duration=Duration(seconds=60 * minutes))


def weekdays(text: str, *, field: str) -> list[int]:
    """Days of `mon-fri` or `sat,sun`, 1 (Monday) to 7, sorted.

    Raises: InvalidArgumentError: naming `field`.
    """
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise InvalidArgumentError(f"{field}: {part!r} is no weekday; write mon, tue, wed, thu, fri, sat or sun")
        found.update(_from_to(_DAYS.index(first), _DAYS.index(last or first)))
    return sorted(found)


def span(value: object, *, field: str) -> Duration:
    """A time span of `45s`, `10m`, `2h`, `30d`, or a number of seconds.

    Raises: InvalidArgumentError: naming `field`.
    """
    if isinstance(value, str):
        seconds: float = duration_s(value, field=field)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seconds = value
    else:
        raise InvalidArgumentError(f"{field}: {value!r} is not a duration such as 45s, 10m, 2h or 30d, or seconds")
    if abs(seconds) > 1e10:  # noqa: PLR2004  # 300 years; a Duration holds little more
        raise InvalidArgumentError(f"{field}: {value!r} is longer than anything may take")
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def moment(value: object, *, field: str) -> Timestamp:
    """A moment: `2026-12-01T02:00` by this machine's clock, `2026-12-01T02:00+08:00` or one that TOML has read.

    Raises: InvalidArgumentError: naming `field`.
    """
    try:
        given = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        stamp = Timestamp()
        stamp.FromDatetime(given.astimezone(UTC))
    except (ValueError, OverflowError, OSError) as exc:
        raise InvalidArgumentError(
            f"{field}: {value} is no time; write 2026-12-01T02:00 or 2026-12-01T02:00+08:00"
        ) from exc
    return stamp


def site(text: str) -> str:
    """`k12` as `sites/k12`."""
    return resource_name(text, "sites")


def _from_to(first: int, last: int) -> Iterator[int]:
    """ISO days from one to the other, over Sunday if need be."""
    yield from ((first + step) % 7 + 1 for step in range((last - first) % 7 + 1))


def _percent(number: str, text: str, field: str) -> float:
    try:
        return float(number)
    except ValueError as exc:
        raise InvalidArgumentError(f"{field}: {text!r} is no share; write it as 10%") from exc


def _minute(text: str, whole: str, field: str) -> int:
    match = _CLOCK.match(text)
    if match is None:
        raise InvalidArgumentError(f"{field}: {text!r} in {whole!r} is no time of day; write it as 01:30")
    return 60 * int(match[1]) + int(match[2])
