"""When a periodic message is due: on a grid of its own that never drifts, however late a turn comes.

cadence = Cadence(period_s=0.1, begin_s=now)
wait_s = cadence.next_s(now) - now
"""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Cadence:
    """One grid. Times are of a clock that only goes forward [s]."""

    period_s: float
    begin_s: float
    missed_count: int = 0
    """Turns that were over before they were asked for."""
    _turn: int = 0

    def next_s(self, now_s: float) -> float:
        """When the next turn is due; turns that are over by a period or more are left out, not made up for."""
        self._turn += 1
        newest = math.floor((now_s - self.begin_s) / self.period_s)
        if newest > self._turn:
            self.missed_count += newest - self._turn
            self._turn = newest
        return self.begin_s + self._turn * self.period_s
