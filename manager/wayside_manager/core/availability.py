"""How available nodes were, from the stretches of time in which they were in one state.

A node is in service from its first report until it is retired. It is available while it is heard from and has not
failed: degraded still serves, and so does one that nobody can tell more of. It is down while it is failed or silent; a
stretch of being down, however its states follow each other, is one failure.

* availability: available time through time in service
* MTBF: available time per failure that began in the span
* MTTR: time down per failure that began and ended in the span

Usage: `groups = availability(stretches, group_of, begin=begin, end=end)`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from wayside_manager.core.node_health import SILENT, HealthState

DOWN_STATES = frozenset({str(HealthState.FAILED), SILENT})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A node in one state, by the manager's clock."""

    node_id: str
    state: str
    """A health state, or `silent`."""
    begin_time: datetime
    end_time: datetime | None
    """`None`: it goes on."""


@dataclass(frozen=True, slots=True)
class GroupAvailability:
    """How available the nodes of one group were, all together."""

    group: str
    node_count: int
    service: timedelta
    available: timedelta
    failure_count: int
    repaired_count: int
    repair: timedelta
    """Time down of failures that began and ended in the span."""

    @property
    def ratio(self) -> float | None:
        """Share of the service, 0 to 1. `None`: they were not in service."""
        return self.available / self.service if self.service else None

    @property
    def mtbf(self) -> timedelta | None:
        """Mean time between failures. `None`: there was none."""
        return self.available / self.failure_count if self.failure_count else None

    @property
    def mttr(self) -> timedelta | None:
        """Mean time to recovery. `None`: none has recovered."""
        return self.repair / self.repaired_count if self.repaired_count else None


@dataclass(frozen=True, slots=True)
class _Tally:
    service: timedelta = timedelta()
    available: timedelta = timedelta()
    failure_count: int = 0
    repaired_count: int = 0
    repair: timedelta = timedelta()

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(
            self.service + other.service,
            self.available + other.available,
            self.failure_count + other.failure_count,
            self.repaired_count + other.repaired_count,
            self.repair + other.repair,
        )


def availability(
    stretches: Iterable[Stretch], group_of: Mapping[str, str], *, begin: datetime, end: datetime
) -> tuple[GroupAvailability, ...]:
    """Per group, in order of their names; `group_of` names the group of every node, also of those without a stretch."""
    tallies = {node_id: _Tally() for node_id in group_of}
    ordered = sorted(stretches, key=lambda each: (each.node_id, each.begin_time))
    for node_id, own in groupby(ordered, key=lambda each: each.node_id):
        if node_id in tallies:
            tallies[node_id] = _tally(own, begin, end)
    members: dict[str, list[_Tally]] = {}
    for node_id, group in group_of.items():
        members.setdefault(group, []).append(tallies[node_id])
    return tuple(_of_group(group, members[group]) for group in sorted(members))


def _of_group(group: str, tallies: list[_Tally]) -> GroupAvailability:
    whole = sum(tallies, _Tally())
    return GroupAvailability(
        group,
        len(tallies),
        whole.service,
        whole.available,
        whole.failure_count,
        whole.repaired_count,
        whole.repair,
    )


def _tally(stretches: Iterable[Stretch], begin: datetime, end: datetime) -> _Tally:
    """Of one node, from its stretches in their order."""
    service = available = repair = timedelta()
    failure_count = repaired_count = 0
    down_since: datetime | None = None
    was_up = False
    for stretch in stretches:
        first, last = max(stretch.begin_time, begin), min(stretch.end_time or end, end)
        length = max(last - first, timedelta())
        service += length
        is_down = stretch.state in DOWN_STATES
        if not is_down:
            available += length
            if down_since is not None and begin <= stretch.begin_time < end:
                repaired_count += 1
                repair += stretch.begin_time - down_since
            down_since = None
        elif was_up and begin <= stretch.begin_time < end:
            failure_count += 1
            down_since = stretch.begin_time
        was_up = not is_down
    return _Tally(service, available, failure_count, repaired_count, repair)
