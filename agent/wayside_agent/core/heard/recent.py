"""What was heard in the last minute, in ten-second pieces: rates, share heard, how far it reached.

    recent = Recent()
    recent.piece(now_s).messages += 1
    recent.summary(now_s)

A piece is left whole when it is a minute old, so figures are of 60 to 70 s.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import accumulate

from wayside.v2x.peek import MessageKind

PIECE_S = 10.0
PIECES = 7
RANGE_STEP_M = 25.0
RANGE_STEPS = 121
"""The last one is for 3,000 m and more."""
FAR_SHARE = 0.95


@dataclass(slots=True)
class Piece:
    """Ten seconds."""

    begin_s: float
    by_kind: Counter[MessageKind] = field(default_factory=Counter)
    heard: int = 0
    """BSM that follow one of the same sender."""
    missed: int = 0
    ranges: list[int] = field(default_factory=lambda: [0] * RANGE_STEPS)
    """BSM by their distance, in steps."""

    def take_range(self, range_m: float) -> None:
        """Takes the distance of one message."""
        self.ranges[min(int(range_m / RANGE_STEP_M), RANGE_STEPS - 1)] += 1


@dataclass(frozen=True, slots=True)
class Summary:
    """About the last minute. `None`: nothing was heard that could tell."""

    rate_hz: dict[MessageKind, float]
    pdr_ratio: float | None
    """BSM heard of those sent."""
    range_m: float | None
    """95 of 100 BSM come from nearer, in steps of 25 m."""


class Recent:
    """The last minute."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque(maxlen=PIECES)

    def piece(self, now_s: float) -> Piece:
        """The one to count into; `now_s` is of a clock that only goes forward."""
        if not self._pieces or now_s >= self._pieces[-1].begin_s + PIECE_S:
            self._pieces.append(Piece(now_s))
        return self._pieces[-1]

    def summary(self, now_s: float) -> Summary:
        """All of it."""
        pieces = [each for each in self._pieces if each.begin_s > now_s - PIECES * PIECE_S]
        if not pieces:
            return Summary({}, None, None)
        length_s = max(now_s - pieces[0].begin_s, 1.0)
        kinds: Counter[MessageKind] = Counter()
        for each in pieces:
            kinds += each.by_kind
        heard, missed = sum(each.heard for each in pieces), sum(each.missed for each in pieces)
        return Summary(
            {kind: round(count / length_s, 2) for kind, count in kinds.items()},
            round(heard / (heard + missed), 4) if heard else None,
            _far_m([sum(steps) for steps in zip(*(each.ranges for each in pieces), strict=True)]),
        )


def _far_m(ranges: list[int]) -> float | None:
    """The distance within which nearly all messages come [m]."""
    wanted = FAR_SHARE * sum(ranges)
    if not wanted:
        return None
    steps = next(step for step, count in enumerate(accumulate(ranges), start=1) if count >= wanted)
    return steps * RANGE_STEP_M
