"""Lets sessions in at a pace: when a whole area is back at once, its units come in one after the other.

Who must wait is told how long, in trailing metadata; the waits are spread so that they come back at the pace, too.
Usage: `reconnects = Reconnects(mono_s=time.monotonic)`; `reconnects.admit(context)` before a session is opened.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import grpc.aio

from wayside.errors import UnavailableError
from wayside.status import RETRY_AFTER
from wayside_manager.core.limits import Rate, TokenBuckets

RATE_DEFAULT = 100.0
_BURST_S = 2.0
_WINDOW_S = 10.0
_LEAST_S = 1.0
_MOST_S = 300.0


class Reconnects:
    """Of one manager."""

    def __init__(self, *, mono_s: Callable[[], float], rng: Random, rate_per_s: float = RATE_DEFAULT) -> None:
        self._mono_s = mono_s
        self._rng = rng
        self._rate_per_s = rate_per_s
        self._buckets = _buckets(rate_per_s)
        self._refused_count = 0
        self._window_mono_s = 0.0

    def admit_at(self, rate_per_s: float) -> None:
        """Lets so many in per second from now on."""
        if rate_per_s != self._rate_per_s:
            self._rate_per_s, self._buckets = rate_per_s, _buckets(rate_per_s)

    def admit(self, context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        """Returns if a session may be opened now.

        Raises: UnavailableError: not now; the trailing metadata say when.
        """
        now_s = self._mono_s()
        if not self._buckets.take("", now_s):
            return
        if now_s - self._window_mono_s > _WINDOW_S:
            self._window_mono_s, self._refused_count = now_s, 0
        self._refused_count += 1
        # those that were sent away in this window, and this one, at the pace; the chance keeps them apart
        spread_s = min(_MOST_S, self._refused_count / self._rate_per_s)
        wait_s = _LEAST_S + spread_s * (0.5 + self._rng.random())
        context.set_trailing_metadata((*(context.trailing_metadata() or ()), (RETRY_AFTER, str(round(wait_s * 1000)))))
        raise UnavailableError("many nodes come back at once; come again a little later", reason="ADMISSION_WAIT")


def _buckets(rate_per_s: float) -> TokenBuckets:
    return TokenBuckets(Rate(rate_per_s=rate_per_s, burst=max(1.0, rate_per_s * _BURST_S)))
