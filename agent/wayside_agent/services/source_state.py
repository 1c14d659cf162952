"""How one source of the unit is doing, and what it has counted since the agent started.

A driver counts from its opening and begins at zero when it is opened again; here its counts go on. What a driver counts
while it waits for something it can use (garbage on a radio) is seen too, because its counters are asked, not copied.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters
from wayside_agent.core.gnss_plausibility import Plausibility, Verdict
from wayside_agent.core.v2x import MessageKind, RadioCounters, Station


@dataclass(frozen=True, slots=True)
class FeedCounters:
    """Messages of local sensors since opening."""

    accepted_count: int = 0
    refused_count: int = 0


Counters = TypeVar("Counters", BusCounters, GnssCounters, RadioCounters, FeedCounters)


@dataclass(slots=True)
class SourceState(Generic[Counters]):
    """One source."""

    _before: Counters
    """Sum of what it counted up to its last closing."""
    _live: Callable[[], Counters] | None = None
    has_ended: bool = False
    """Its recording has been played to its end."""
    fault: str = ""
    """Why it does not work, in one sentence; empty: it does, or has ended."""

    @property
    def is_open(self) -> bool:
        """Whether the driver is open."""
        return self._live is not None

    @property
    def counters(self) -> Counters:
        """What it counted since the agent started."""
        return self._before if self._live is None else _summed(self._before, self._live())

    def opened(self, counters: Callable[[], Counters]) -> None:
        """Takes the counters of a driver that was just opened."""
        self._live = counters

    def closed(self) -> None:
        """Keeps what the driver counted; it may begin at zero again."""
        self._before = self.counters
        self._live = None


@dataclass(slots=True)
class BusState(SourceState[BusCounters]):
    """One CAN bus."""

    _before: BusCounters = field(default_factory=BusCounters)
    decoded_frame_count: int = 0


@dataclass(slots=True)
class GnssState(SourceState[GnssCounters]):
    """The satellite receiver."""

    _before: GnssCounters = field(default_factory=GnssCounters)
    newest: Fix | None = None
    """`None`: there was none yet, or the receiver failed since: an old fix is no present one."""
    newest_with_position: Fix | None = None
    position_mono_s: float | None = None
    """When that one came, by the steady clock of sensing."""
    plausibility: Plausibility = field(default_factory=Plausibility)
    verdict: Verdict = field(default_factory=Verdict)
    """Whether what it says can be true."""
    fix_count: int = 0
    no_fix_count: int = 0


@dataclass(slots=True)
class RadioState(SourceState[RadioCounters]):
    """The V2X radio."""

    _before: RadioCounters = field(default_factory=RadioCounters)
    received: Counter[MessageKind] = field(default_factory=Counter)
    station: Callable[[], Station] = Station
    """How it works now."""


@dataclass(slots=True)
class FeedState(SourceState[FeedCounters]):
    """Local sensors."""

    _before: FeedCounters = field(default_factory=FeedCounters)


def _summed(before: Counters, now: Counters) -> Counters:
    names = [each.name for each in fields(now)]
    sums: dict[str, Any] = {name: _sum(getattr(before, name), getattr(now, name)) for name in names}
    return replace(now, **sums)


def _sum(before: int | None, now: int | None) -> int | None:
    """`None`: never known."""
    return before if now is None else now + (before or 0)
