"""Which events somebody wants, and when: the one rule language of lists, watches and sinks.

A filter says which kinds, how bad at least, and of which nodes; a rule adds when, in local time. The store judges
kinds, severities and nodes (`store.events`), so that it reads no more than what passes; windows are judged here.
Usage: `checked_kinds(("alarm.*", "job.ended"), field="filter.kinds")`; `is_wanted(rule, record, zone)`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from wayside.errors import InvalidArgumentError
from wayside_manager.core.events import EventRecord, Severity
from wayside_manager.core.rollout import Window
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.windows import is_open

KINDS_MAX = 100
WINDOWS_MAX = 20
_KIND = re.compile(r"[a-z]{1,39}\.([a-z_]{1,40}|\*)\Z")
_EVERY = ".*"
_MINUTES_PER_DAY = 1440
_MINUTE_S, _DAY_S = 60.0, 86_400.0


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; see `wayside.v1.EventFilter`. Empty: all."""

    kinds: tuple[str, ...] = ()
    """`alarm.raised`, or `alarm.*` for all that begin with `alarm.`."""
    min_severity: Severity = Severity.INFO
    selector: NodeSelector | None = None
    """Only of nodes it means now. `None`: of all nodes and of none."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """Which events, and when."""

    filter: EventFilter = field(default_factory=EventFilter)
    windows: tuple[Window, ...] = ()
    """When. Empty: always."""
    time_zone: str = "UTC"
    """IANA; of the windows."""


def is_wanted(rule: EventRule, record: EventRecord, zone: tzinfo) -> bool:
    """Whether an event that passes the filter fell into the windows.

    By when the manager wrote it: what is delivered late is not judged otherwise than what is delivered at once.
    """
    return is_open(rule.windows, record.record_time, zone)


def prefix_of(kind: str) -> str:
    """`alarm.` of `alarm.*`; empty for a whole kind."""
    return kind.removesuffix("*") if kind.endswith(_EVERY) else ""


def checked_kinds(kinds: Sequence[str], *, field: str) -> tuple[str, ...]:
    """The kinds, sorted, each once.

    Raises: InvalidArgumentError: too many, or one that is none.
    """
    if len(kinds) > KINDS_MAX:
        raise InvalidArgumentError(f"{field}: {len(kinds)} are too many; give at most {KINDS_MAX}")
    for kind in kinds:
        if not _KIND.match(kind):
            raise InvalidArgumentError(
                f"{field}: {kind[:80]!r} is no kind of event; give one such as alarm.raised, or all: alarm.*",
                reason="KIND_INVALID",
            )
    return tuple(sorted(set(kinds)))


def checked_windows(windows: Sequence[Window], *, field: str) -> tuple[Window, ...]:
    """The windows.

    Raises: InvalidArgumentError: too many, or a value is out of range.
    """
    if len(windows) > WINDOWS_MAX:
        raise InvalidArgumentError(f"{field}: {len(windows)} are too many; give at most {WINDOWS_MAX}")
    for index, window in enumerate(windows):
        if any(not 1 <= day <= 7 for day in window.weekdays):  # noqa: PLR2004  # days of a week
            raise InvalidArgumentError(f"{field}[{index}].weekdays: give 1, Monday, to 7, Sunday")
        if not 0 <= window.begin_minute < _MINUTES_PER_DAY:
            raise InvalidArgumentError(f"{field}[{index}].begin_minute: give 0 to 1439")
        if not _MINUTE_S <= window.duration_s <= _DAY_S:
            raise InvalidArgumentError(f"{field}[{index}].duration: give 1 min to 24 h")
    return tuple(windows)
