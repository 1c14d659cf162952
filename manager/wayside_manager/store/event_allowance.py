"""How many events the reports of one node may make.

A check that flaps, or a unit that is not the one it says it is, must not drown what others have to tell: 200 reports a
second, each with another state, would make a billion events in the time they are kept. What a node says is shown all
the same, and alarms come from that.
Usage: `append(connection, allowance.let(told, now=now), now=now)`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.limits import Rate, TokenBuckets

RATE = Rate(rate_per_s=0.1, burst=200)
"""Events of one node: a bad day of fifty checks goes through, and one change each 10 s for ever."""
PAUSE_S = 600.0
"""How long nothing more is told of a node that has used them up."""


class EventAllowance:
    """Of all nodes, at one manager."""

    def __init__(self) -> None:
        self._buckets = TokenBuckets(RATE)
        self._pause_ends_s: dict[str, float] = {}

    def let(self, told: Iterable[NewEvent], *, now: datetime) -> Iterator[NewEvent]:
        """Those that may be told, and in place of the first one too many that there are."""
        now_s = now.timestamp()
        for event in told:
            end_s = self._pause_ends_s.get(event.node_id, now_s)
            if now_s < end_s <= now_s + PAUSE_S:  # a longer pause is of a clock that was ahead
                continue
            self._pause_ends_s.pop(event.node_id, None)
            if not self._buckets.take(event.node_id, now_s):
                yield event
            else:
                self._pause_ends_s[event.node_id] = now_s + PAUSE_S
                yield _noisy(event, now)


def _noisy(event: NewEvent, now: datetime) -> NewEvent:
    return NewEvent(
        kind="node.noisy",
        time=now,
        subject=f"nodes/{event.node_id}",
        message=f"node {event.node_id} changes too often: for {PAUSE_S / 60:.0f} min its changes are shown, not told",
        severity=Severity.WARNING,
        node_id=event.node_id,
        site_id=event.site_id,
        tenant_id=event.tenant_id,
    )
