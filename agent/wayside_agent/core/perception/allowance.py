"""How much of a flood is looked into.

allowance = Allowance(rate_hz=100)
allowance.takes(now_s)          # False: too many of late
"""


class Allowance:
    """So many a second, and a second's worth at once."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._left = float(rate_hz)
        self._seen_s: float | None = None

    def takes(self, now_s: float) -> bool:
        """Whether one more may pass; `now_s` is of a clock that only goes forward."""
        if self._seen_s is not None:
            self._left = min(self._rate_hz, self._left + (now_s - self._seen_s) * self._rate_hz)
        self._seen_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
