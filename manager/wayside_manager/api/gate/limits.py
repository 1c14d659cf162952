"""How often and how much each kind of caller may ask: token buckets per identity, and a largest request.

Whoever has shown nothing is counted per source address (IPv6: per /64), separately for what tries a secret and for the
rest; nodes and operators are counted by name, each kind by itself, so that strangers cannot push them out.
Usage: `limits.check_size(Caller.NODE, request.size_bytes)`; `limits.check_rate(Caller.NODE, "nodes/rsu-1")`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside.errors import ResourceExhaustedError
from wayside_manager.core.attempts import Network, is_within, source_of
from wayside_manager.core.limits import Rate, TokenBuckets
from wayside_manager.core.policy import Caller

BODY_MAX_BYTES: Mapping[Caller, int] = {
    Caller.ANYONE: 64 << 10,  # a certificate request has at most 16 KiB
    Caller.NODE: 64 << 10,
    Caller.OPERATOR: 4 << 20,  # 1,000 registrations, 10,000 names
}


_BURST_S = 4.0
"""Calls of so many seconds may come at once."""


@dataclass(frozen=True, slots=True)
class CallRates:
    """How many calls a second in the long run; a stream counts as one."""

    attempts_per_s: float = 5.0
    """Enrolling and signing in, per source address."""
    anyone_per_s: float = 50.0
    """What else anyone may do: health and reflection, per source address."""
    node_per_s: float = 10.0
    """Per client certificate."""
    operator_per_s: float = 50.0
    """Per operator."""
    unlimited: tuple[Network, ...] = ()
    """Addresses that are not counted; nodes and operators are."""


class CallLimits:
    """Refuses what is too often or too large."""

    def __init__(self, rates: CallRates, *, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._unlimited = rates.unlimited
        self._attempts = _buckets(rates.attempts_per_s)
        self._by_caller = {
            Caller.ANYONE: _buckets(rates.anyone_per_s),
            Caller.NODE: _buckets(rates.node_per_s),
            Caller.OPERATOR: _buckets(rates.operator_per_s),
        }

    def check_size(self, caller: Caller, size_bytes: int) -> None:
        """Returns if a request of this size is allowed.

        Raises: ResourceExhaustedError.
        """
        if size_bytes > BODY_MAX_BYTES[caller]:
            raise ResourceExhaustedError(
                f"the request has {size_bytes} bytes; this call takes at most {BODY_MAX_BYTES[caller]}",
                reason="REQUEST_TOO_LARGE",
            )

    def check_attempt(self, source_address: str) -> None:
        """Returns if somebody unknown at this address may try a secret now.

        Raises: ResourceExhaustedError.
        """
        self._take_of_address(self._attempts, source_address)

    def check_rate(self, caller: Caller, key: str) -> None:
        """Returns if one more call is allowed; `key` is the caller's name, of anyone the address.

        Raises: ResourceExhaustedError.
        """
        if caller is Caller.ANYONE:
            self._take_of_address(self._by_caller[caller], key)
        else:
            self._take(self._by_caller[caller], key, key)

    def _take_of_address(self, buckets: TokenBuckets, address: str) -> None:
        if not is_within(address, self._unlimited):
            self._take(buckets, source_of(address), "this address")

    def _take(self, buckets: TokenBuckets, key: str, who: str) -> None:
        wait_s = buckets.take(key, self._clock_s())
        if wait_s:
            raise ResourceExhaustedError(
                f"{who} calls too often; wait {math.ceil(wait_s * 10) / 10:g} s", reason="RATE_LIMITED"
            )


def _buckets(rate_per_s: float) -> TokenBuckets:
    return TokenBuckets(Rate(rate_per_s, max(1.0, rate_per_s * _BURST_S)))
