"""How well the manager is reached: share of the last day, sessions opened and broken, time to an acknowledgement.

    reach = Reach(mono_s=0.0)
    reach.began(10.0); reach.broke(310.0)
    reach.ratio(310.0)                  # 300 of the 310 s there were
    reach.broken_per_hour(310.0)        # 1.0

`mono_s` is any steady clock [s]. A day takes 288 numbers, however often the session breaks.
"""

from collections import deque
from dataclasses import dataclass, field

DAY_S = 86_400.0
HOUR_S = 3600.0
BUCKET_S = 300.0
_BUCKETS = int(DAY_S / BUCKET_S)
_BREAKS_KEPT = 1000
"""Of an hour: a session that breaks every four seconds is bad enough to be told."""


@dataclass(slots=True)
class Reach:
    """Of one unit, since its agent started."""

    mono_s: float
    """When it started."""
    session_count: int = 0
    broken_session_count: int = 0
    acknowledge_s: float | None = None
    """From sending a report to the word that it is written, newest; `None`: there was none."""
    _breaks_mono_s: deque[float] = field(default_factory=lambda: deque(maxlen=_BREAKS_KEPT))
    _reached_s: dict[int, float] = field(default_factory=dict)
    """Per stretch of `BUCKET_S`, by number."""
    _since_mono_s: float | None = None
    """Reached since then; what was before is in the buckets."""
    _sent: tuple[int, float] | None = None
    """Sequence of the one report whose acknowledgement is timed, and when it was sent."""

    def began(self, mono_s: float) -> None:
        """A session was welcomed."""
        self.session_count += 1
        self._since_mono_s = mono_s
        self._sent = None

    def ended(self, mono_s: float) -> None:
        """The session is over because the unit wanted so."""
        self._count_up(mono_s)
        self._since_mono_s = None

    def broke(self, mono_s: float) -> None:
        """The session is over and nobody wanted it."""
        self.ended(mono_s)
        self.broken_session_count += 1
        self._breaks_mono_s.append(mono_s)

    def sent(self, sequence: int, mono_s: float) -> None:
        """A report went out; one at a time is timed."""
        if self._sent is None:
            self._sent = (sequence, mono_s)

    def acknowledged(self, sequence: int, mono_s: float) -> None:
        """Reports up to a sequence are written."""
        if self._sent is not None and sequence >= self._sent[0]:
            self.acknowledge_s = mono_s - self._sent[1]
            self._sent = None

    def ratio(self, mono_s: float) -> float | None:
        """Share of the last day, or of the time since the start, with the manager; `None`: no time has passed."""
        self._count_up(mono_s)
        newest = _bucket(mono_s)
        self._reached_s = {index: s for index, s in self._reached_s.items() if index > newest - _BUCKETS}
        begin_s = max(self.mono_s, (newest - _BUCKETS + 1) * BUCKET_S)
        span_s = mono_s - begin_s
        return min(1.0, sum(self._reached_s.values()) / span_s) if span_s > 0 else None

    def broken_per_hour(self, mono_s: float) -> float:
        """Sessions that broke in the last hour [1/h]."""
        while self._breaks_mono_s and mono_s - self._breaks_mono_s[0] >= HOUR_S:
            self._breaks_mono_s.popleft()
        return float(len(self._breaks_mono_s))

    def _count_up(self, mono_s: float) -> None:
        """Puts the time since the last count into its buckets; a day at most, for older ones count no more."""
        if self._since_mono_s is None:
            return
        at_s = max(self._since_mono_s, mono_s - DAY_S - BUCKET_S)
        while at_s < mono_s:
            index = _bucket(at_s)
            until_s = min(mono_s, (index + 1) * BUCKET_S)
            self._reached_s[index] = self._reached_s.get(index, 0.0) + until_s - at_s
            at_s = until_s
        self._since_mono_s = mono_s


def _bucket(mono_s: float) -> int:
    return int(mono_s // BUCKET_S)
