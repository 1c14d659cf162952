"""How often somebody may do something: token buckets, a bounded number of them. Time is an argument.

A bucket holds `burst` tokens and gains `rate_per_s`; a call takes one, a report its bytes. Of too many buckets, the one
used longest ago is forgotten, which makes it full again: keys must be dear (an account, a certificate, an address).
Usage: `wait_s = buckets.take("operators/admin", now_s)`; 0 means go on.
"""

from collections import OrderedDict
from dataclasses import dataclass

BUCKETS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """How often."""

    rate_per_s: float
    burst: float


class TokenBuckets:
    """One bucket per key, all of one rate."""

    def __init__(self, rate: Rate, *, buckets_max: int = BUCKETS_MAX) -> None:
        self._rate = rate
        self._buckets_max = buckets_max
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, key: str, now_s: float, *, cost: float = 1.0) -> float:
        """Takes so many tokens. 0.0: they were there; else the time until they are [s], and nothing was taken.

        What costs more than a bucket holds costs a full one.
        """
        cost = min(cost, self._rate.burst)
        level, then_s = self._levels.pop(key, (self._rate.burst, now_s))
        level = min(self._rate.burst, level + max(0.0, now_s - then_s) * self._rate.rate_per_s)
        wait_s = 0.0 if level >= cost else (cost - level) / self._rate.rate_per_s
        self._levels[key] = (level if wait_s else level - cost, now_s)
        if len(self._levels) > self._buckets_max:
            self._levels.popitem(last=False)
        return wait_s
