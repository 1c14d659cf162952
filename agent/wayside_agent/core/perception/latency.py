"""How long something took of late: counts by the millisecond, over one to two minutes.

    latency.add([0.043], now_s)
    latency.quantile_s(0.99, now_s)        # 0.044: 99 of 100 took no longer

Quantiles are rounded up to a whole millisecond; what took 2 s or more counts as 2 s.
"""

from collections.abc import Iterable

WINDOW_S = 60.0
_MAX_MS = 2000


class Latency:
    """Of one way."""

    def __init__(self) -> None:
        self._window = 0
        self._now = [0] * (_MAX_MS + 1)
        self._before = [0] * (_MAX_MS + 1)

    def add(self, times_s: Iterable[float], now_s: float) -> None:
        """Takes some times; `now_s` is of a clock that only goes forward."""
        self._shift(now_s)
        counts = self._now
        for time_s in times_s:
            counts[max(0, min(_MAX_MS, int(time_s * 1000) + 1))] += 1

    def count(self, now_s: float) -> int:
        """Times of late."""
        self._shift(now_s)
        return sum(self._now) + sum(self._before)

    def quantile_s(self, share: float, now_s: float) -> float | None:
        """The time that this share of all did not exceed [s]; `None`: there was none of late."""
        wanted = share * self.count(now_s)
        passed = 0
        for each_ms, (now, before) in enumerate(zip(self._now, self._before, strict=True)):
            passed += now + before
            if passed and passed >= wanted:
                return each_ms / 1000
        return None

    def _shift(self, now_s: float) -> None:
        window = int(now_s // WINDOW_S)
        if window == self._window:
            return
        self._before = self._now if window == self._window + 1 else [0] * (_MAX_MS + 1)
        self._now = [0] * (_MAX_MS + 1)
        self._window = window
