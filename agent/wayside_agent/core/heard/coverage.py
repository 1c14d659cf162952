"""Where a roadside unit hears vehicles, and how well: cells of about 50 m, from the first bytes of their BSM.

    coverage = Coverage()
    doubt = coverage.heard(seen, now_s=now_s, utc_ms=utc_ms, here=here)
    coverage.cells[cell].pdr_ratio

What is missed is told by the gap in a sender's message counts (0 to 127), and goes to the cell in which it is heard
again. A gap of more than half the circle, or after a silence in which the count may have gone round, says nothing.
Cells and stations are bounded: the one not heard for longest is forgotten. Ids are temporary, so a vehicle is a new
station every few minutes.
Source: 3GPP TR 36.885 (packet reception ratio), T/CSAE 53 (message count), BSM at 10 Hz at most.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass

from wayside.v2x.peek import MessageKind, Peek
from wayside_agent.core.heard.grid import Cell, cell_of, distance_m
from wayside_agent.core.heard.plausibility import MAX_RANGE_M, Doubt, Place, doubt_of, place_of
from wayside_agent.core.heard.recent import Recent, Summary
from wayside_agent.core.packet_delivery import COUNT_MODULUS, MAX_GAP

MAX_CELLS = 2048
"""5 km² of road and field."""
MAX_STATIONS = 4096
COUNTS_LAST_S = 6.4
"""At 10 Hz half the circle of counts; after a longer silence a gap may be any."""


@dataclass(slots=True)
class CellCounts:
    """What was heard out of one cell since the start."""

    messages: int = 0
    followed: int = 0
    """Of these, such as follow one of the same sender."""
    missed: int = 0
    stations: int = 0
    """Stations that came into it; one that comes again counts again."""
    furthest_m: float = 0.0
    """From this unit."""
    heard_s: float = 0.0
    """When the last one was heard, by the clock of the caller."""

    @property
    def pdr_ratio(self) -> float | None:
        """Heard of sent; `None`: too little to say."""
        return self.followed / (self.followed + self.missed) if self.followed else None


@dataclass(slots=True)
class _Station:
    """The last word of one sender."""

    count: int
    place: Place | None
    heard_s: float
    cell: Cell | None = None


class Coverage:
    """All that is heard."""

    def __init__(self, *, max_range_m: float = MAX_RANGE_M) -> None:
        """`max_range_m`: nobody farther away is believed."""
        self.cells: OrderedDict[Cell, CellCounts] = OrderedDict()
        """The one heard last is last."""
        self.doubts: Counter[Doubt] = Counter()
        """Messages that cannot be true, since the start."""
        self._stations: OrderedDict[bytes, _Station] = OrderedDict()
        self._recent = Recent()
        self._max_range_m = max_range_m

    @property
    def station_count(self) -> int:
        """Stations remembered."""
        return len(self._stations)

    def summary(self, now_s: float) -> Summary:
        """About the last minute."""
        return self._recent.summary(now_s)

    def heard(self, seen: Peek, *, now_s: float, utc_ms: int | None, here: Place | None) -> Doubt | None:
        """Takes one message; why it cannot be true, if so. Then it changes nothing but the count of doubts.

        Args:
            seen: Its first members.
            now_s: A clock that only goes forward [s].
            utc_ms: Time of reception in its minute [ms]; `None`: the time is not known.
            here: Where this unit stands; `None`: not known.
        """
        piece = self._recent.piece(now_s)
        piece.by_kind[seen.kind] += 1
        sender, count = seen.id, seen.message_count
        if seen.kind is not MessageKind.BSM or sender is None or count is None:
            return None
        place = place_of(seen)
        range_m = None if place is None or here is None else distance_m(*here, *place)
        last = self._stations.get(sender)
        before, gap_s = (None, 0.0) if last is None else (last.place, now_s - last.heard_s)
        limit_m = self._max_range_m
        doubt = doubt_of(seen, place, before=before, gap_s=gap_s, range_m=range_m, utc_ms=utc_ms, max_range_m=limit_m)
        if doubt is not None:
            self.doubts[doubt] += 1
            return doubt
        missed = None if last is None or gap_s > COUNTS_LAST_S else _missed(last.count, count)
        if missed is not None:
            piece.heard += 1
            piece.missed += missed
        if range_m is not None:
            piece.take_range(range_m)
        cell = None if place is None else cell_of(*place)
        if cell is not None:
            is_new = last is None or last.cell != cell
            self._count(cell, missed, is_new_here=is_new, range_m=range_m or 0.0, now_s=now_s)
        if last is None:
            self._remember(sender, _Station(count, place, now_s, cell))
        else:
            last.count, last.place, last.heard_s, last.cell = count, place, now_s, cell
            self._stations.move_to_end(sender)
        return None

    def _count(self, cell: Cell, missed: int | None, *, is_new_here: bool, range_m: float, now_s: float) -> None:
        counts = self.cells.get(cell)
        if counts is None:
            counts = self.cells[cell] = CellCounts()
            if len(self.cells) > MAX_CELLS:
                self.cells.popitem(last=False)
        else:
            self.cells.move_to_end(cell)
        counts.messages += 1
        counts.stations += is_new_here
        if missed is not None:
            counts.followed += 1
            counts.missed += missed
        counts.furthest_m = max(counts.furthest_m, range_m)
        counts.heard_s = now_s

    def _remember(self, sender: bytes, station: _Station) -> None:
        self._stations[sender] = station
        if len(self._stations) > MAX_STATIONS:
            self._stations.popitem(last=False)


def _missed(last_count: int, count: int) -> int | None:
    """Messages missed between two; `None`: the counts say nothing, it began anew or an echo was heard."""
    step = (count - last_count) % COUNT_MODULUS
    return step - 1 if 0 < step <= MAX_GAP else None
