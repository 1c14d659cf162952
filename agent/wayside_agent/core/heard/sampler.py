"""Which of the messages heard are passed on, by the rules of T/ITS 0117: ByAll, ByID, upLimit, upFilters.

    sampler = Sampler(Rule(MessageKind.BSM, SampleMode.BY_ID, limit_per_s=1))
    sampler.takes(seen, application_id, now_s)      # True: pass it on

In this order: the kind, the filters, every n-th, the limit. Equal messages at equal times give equal samples: nothing
is left to chance. Seconds of the limit are those of the clock given; a limit of 10 is never 11 within one of them.
Source: T/ITS 0117 (sampleMode, upLimit, upFilters; -1 unlimited and 0 none are `None` and 0 here).
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor

from wayside.v2x.peek import MessageKind, Peek
from wayside.v2x.units import UNITS

MAX_LIMIT_PER_S = 10_000
"""Largest upLimit of T/ITS 0117."""
MAX_SENDERS = 4096
"""Senders followed by ByID; the one silent for longest is forgotten, for who invents ids must not fill the memory."""

_DEGREE_STEP = 1e-7
_SPEED_UNKNOWN = UNITS["Speed"].unknown
_Test = Callable[[Peek, int | None], bool]
_Box = tuple[int, int, int, int]
"""South, west, north, east, raw."""


class SampleMode(StrEnum):
    """Over what a rule counts; spelled as in T/ITS 0117."""

    BY_ALL = "ByAll"
    BY_ID = "ByID"


@dataclass(frozen=True, slots=True)
class Area:
    """A box in WGS 84 [°], borders included. It may not cross the 180th meridian."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float

    def __post_init__(self) -> None:
        """Raises ValueError: it is no box."""
        if not (-90 <= self.south_deg <= self.north_deg <= 90 and -180 <= self.west_deg <= self.east_deg <= 180):  # noqa: PLR2004
            raise ValueError("the area is no box: south must be below north, west left of east, in degrees of WGS 84")


@dataclass(frozen=True, slots=True)
class Filter:
    """What passes; every condition given must hold. A message that does not say what is asked does not pass."""

    area: Area | None = None
    """Of the sender's position; only BSM carry one within their first bytes."""
    min_speed_mps: float | None = None
    max_speed_mps: float | None = None
    application_ids: frozenset[int] = frozenset()
    """AIDs; none: any."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for one kind of message."""

    kind: MessageKind
    mode: SampleMode = SampleMode.BY_ALL
    one_in: int = 1
    """Every n-th passes, the first included; of all, or of each sender."""
    limit_per_s: int | None = None
    """upLimit, over all or for each sender; `None`: unlimited; 0: nothing passes."""
    filters: tuple[Filter, ...] = ()
    """Of several one must let it pass; none: all do."""

    def __post_init__(self) -> None:
        """Raises ValueError: a number is outside its range."""
        if self.one_in < 1:
            raise ValueError(f"one message in {self.one_in} cannot be taken; give 1 or more")
        if self.limit_per_s is not None and not 0 <= self.limit_per_s <= MAX_LIMIT_PER_S:
            raise ValueError(f"a limit of {self.limit_per_s} a second is outside 0 to {MAX_LIMIT_PER_S}")


@dataclass(slots=True)
class _Turn:
    """How far one sender, or all, have come."""

    passed: int = 0
    second: int = -1
    in_second: int = 0


class Sampler:
    """One rule at work."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.heard_count = 0
        """Messages of the rule's kind."""
        self.filtered_count = 0
        """Of these, kept back by the filters."""
        self.taken_count = 0
        self._tests = tuple(_test(each) for each in rule.filters)
        self._of_all = _Turn()
        self._of_sender: OrderedDict[bytes, _Turn] = OrderedDict()

    @property
    def sender_count(self) -> int:
        """Senders followed."""
        return len(self._of_sender)

    def takes(self, seen: Peek, application_id: int | None, now_s: float) -> bool:
        """Whether this message is passed on.

        Args:
            seen: Its first members. ByID takes nothing of a kind without a sender (MAP, SPAT).
            application_id: Its AID; `None`: the radio did not say.
            now_s: A clock that only goes forward [s].
        """
        if seen.kind is not self.rule.kind:
            return False
        self.heard_count += 1
        if self._tests and not any(test(seen, application_id) for test in self._tests):
            self.filtered_count += 1
            return False
        turn = self._of_all if self.rule.mode is SampleMode.BY_ALL else self._turn_of(seen.id)
        if turn is None or not self._is_due(turn, now_s):
            return False
        self.taken_count += 1
        return True

    def _turn_of(self, sender: bytes | None) -> _Turn | None:
        if sender is None:
            return None
        turn = self._of_sender.get(sender)
        if turn is None:
            turn = self._of_sender[sender] = _Turn()
            if len(self._of_sender) > MAX_SENDERS:
                self._of_sender.popitem(last=False)
        else:
            self._of_sender.move_to_end(sender)
        return turn

    def _is_due(self, turn: _Turn, now_s: float) -> bool:
        rule = self.rule
        is_nth = turn.passed % rule.one_in == 0
        turn.passed += 1
        if not is_nth or rule.limit_per_s is None:
            return is_nth
        second = floor(now_s)
        if second != turn.second:
            turn.second, turn.in_second = second, 0
        if turn.in_second >= rule.limit_per_s:
            return False
        turn.in_second += 1
        return True


def _test(asked: Filter) -> _Test:
    """The filter in raw units, so that nothing is converted per message."""
    step = UNITS["Speed"].step
    low = None if asked.min_speed_mps is None else ceil(asked.min_speed_mps / step)
    high = None if asked.max_speed_mps is None else floor(asked.max_speed_mps / step)
    box, applications = _box(asked.area), asked.application_ids
    asks_speed = low is not None or high is not None

    def test(seen: Peek, application_id: int | None) -> bool:
        if applications and application_id not in applications:
            return False
        if asks_speed and not _is_between(seen.speed_raw, low, high):
            return False
        return box is None or _is_inside(seen, box)

    return test


def _box(area: Area | None) -> _Box | None:
    if area is None:
        return None
    south, west, north, east = (
        round(each / _DEGREE_STEP) for each in (area.south_deg, area.west_deg, area.north_deg, area.east_deg)
    )
    return south, west, north, east


def _is_between(raw: int | None, low: int | None, high: int | None) -> bool:
    if raw is None or raw == _SPEED_UNKNOWN:
        return False
    return (low is None or raw >= low) and (high is None or raw <= high)


def _is_inside(seen: Peek, box: _Box) -> bool:
    """Whether the sender is in the box; the numbers for "not known" are in none."""
    latitude, longitude = seen.latitude_raw, seen.longitude_raw
    if latitude is None or longitude is None:
        return False
    south, west, north, east = box
    return south <= latitude <= north and west <= longitude <= east
