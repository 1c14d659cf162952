"""How one source of the unit is doing, and what it has counted since the agent started.

A driver counts from its opening and begins at zero when it is opened again; here its counts go on. What a driver counts
while it waits for something it can use (garbage on a radio) is seen too, because its counters are asked, not copied.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

from wayside.v2x.peek import MessageKind
from wayside_agent.core.bus_load import BitRates
from wayside_agent.core.bus_silence import ExpectedIds
from wayside_agent.core.fix import Fix, GnssCounters
from wayside_agent.core.frames import BusCounters, FrameBatch
from wayside_agent.core.gnss_plausibility import Plausibility, Verdict
from wayside_agent.core.neighbours import Neighbours
from wayside_agent.core.packet_delivery import PacketDelivery
from wayside_agent.core.v2x import RadioCounters, Station


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
    rates: BitRates | None = None
    """`None`: the configuration does not say; then there is no load."""
    busy_s: float = 0.0
    """Time its frames took on the wire, since the agent started."""
    expected: ExpectedIds | None = None
    """`None`: nothing is expected."""

    def silent_ids(self, mono_s: float) -> tuple[int, ...]:
        """Expected ids that are overdue."""
        return () if self.expected is None else self.expected.silent(mono_s)

    def take(self, batch: FrameBatch, mono_s: float) -> None:
        """Counts what a batch says of the bus; cheap, for every frame passes here."""
        if self.rates is not None:
            self.busy_s += self.rates.busy_s(batch)
        if self.expected is not None:
            self.expected.take(batch, mono_s)


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
    received_by_application: dict[int, int] = field(default_factory=dict)
    verdicts: Counter[bool | None] = field(default_factory=Counter)
    """Messages of which somebody says whether the signature is good, by that; `None`: it was not looked at."""
    neighbours: Neighbours = field(default_factory=Neighbours)
    """Stations heard lately."""
    delivery: PacketDelivery = field(default_factory=PacketDelivery)
    """Of BSM: how many were missed, by the gaps in their counts."""
    station: Callable[[], Station] = Station
    """How it works now."""

    @property
    def is_judged(self) -> bool:
        """Whether anybody has found a signature good or bad before the message was heard."""
        return bool(self.verdicts[True] or self.verdicts[False])

    @property
    def unverified_count(self) -> int:
        """Messages heard whose signature nobody found good."""
        return self.received.total() - self.verdicts[True]


@dataclass(slots=True)
class FeedState(SourceState[FeedCounters]):
    """Local sensors."""

    _before: FeedCounters = field(default_factory=FeedCounters)


def _summed(before: Counters, now: Counters) -> Counters:
    names = [each.name for each in fields(now)]
    sums: dict[str, Any] = {name: _sum(getattr(before, name), getattr(now, name)) for name in names}
    return replace(now, **sums)


def _sum(before: Any, now: Any) -> Any:  # noqa: ANN401  # counts, and what is none
    """`None`: never known. What is no count stands as it is now."""
    if now is None:
        return before
    if isinstance(now, dict):
        return dict(Counter(before) + Counter(now))
    return now + (before or 0) if isinstance(now, int) else now
