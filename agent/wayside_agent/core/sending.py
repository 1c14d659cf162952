"""Whether a unit says on the air what it should, AID by AID: a hundred RSM must not hide that SPAT has stopped.

    rates = send_rates(planned_hz={3619: 10.0}, sent_hz={3619: 0.0, 3623: 100.0})
    worst(rates).what                   # "SPAT (AID 3619)"

Rates are counts over a window of seconds, which holds a message more or less as it happens to begin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wayside_agent.core.application_id import MESSAGE_IDS

WINDOW_S = 5.0
"""Over which rates are counted."""
_SLACK_HZ = 1.5 / WINDOW_S
_REGULAR_ID = {112: 111, 114: 113}
"""A vehicle says its BSM under another AID while it has an event."""


@dataclass(frozen=True, slots=True)
class SendRate:
    """Messages of one application."""

    application_id: int | None
    """`None`: of all together; the radio does not tell them apart."""
    sent_hz: float
    planned_hz: float

    @property
    def ratio(self) -> float:
        """Sent, of those planned; within a message of it they are as many."""
        return 1.0 if self.planned_hz - self.sent_hz <= _SLACK_HZ else self.sent_hz / self.planned_hz

    @property
    def what(self) -> str:
        """What they are, for a sentence."""
        if self.application_id is None:
            return "messages"
        return f"{MESSAGE_IDS.get(self.application_id, 'messages')} (AID {self.application_id})"


def together(by_application: Mapping[int, float]) -> dict[int, float]:
    """Counts by AID; those of an ordinary vehicle's events count with its regular BSM."""
    counts: dict[int, float] = {}
    for application_id, count in by_application.items():
        regular = _REGULAR_ID.get(application_id, application_id)
        counts[regular] = counts.get(regular, 0) + count
    return counts


def send_rates(planned_hz: Mapping[int, float], sent_hz: Mapping[int, float]) -> tuple[SendRate, ...]:
    """What is planned by AID, with what was sent of it; what nobody planned is not looked at."""
    sent_hz = together(sent_hz)
    wanted = together(planned_hz)
    return tuple(SendRate(each, sent_hz.get(each, 0.0), wanted[each]) for each in sorted(wanted) if wanted[each] > 0.0)


def worst(rates: Iterable[SendRate]) -> SendRate | None:
    """The one that lacks most; `None`: nothing is planned."""
    return min(rates, key=lambda each: each.ratio, default=None)
