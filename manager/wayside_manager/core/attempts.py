"""Who may connect, and for how long one who keeps failing to log in is refused.

Counted per source: an IPv4 address, or the /64 of an IPv6 address, because one household has all of a /64. Failures
fill a bucket that drains with time; when it is full the source is refused, each time twice as long. Time is given.
Usage: `attempts = Attempts(Limits())`; `attempts.failed(source, now_s)`; `attempts.refused_s(source, now_s)`.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

KNOCKS_PER_S = 100
"""So many refused connections in a second, and the source is not even refused any more, but ignored."""
UNHEARD_S = 10.0
"""For how long [s]."""
UNHEARD_MAX = 64
UNCOUNTED = ""
"""The source of addresses without limits."""
_PREFIX_BITS = 64
_NO_LIMIT_BYTES = 1 << 30
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """What one source may do."""

    failures: int = 10
    """So many failed logins, and the source is refused [1..]."""
    window_s: float = 10.0
    """Time in which so many failures are forgotten [s]."""
    base_s: float = 1.0
    """How long a source is refused the first time [s]; twice as long each time after."""
    cap_s: float = 60.0
    """The longest a source is refused, and how long it must keep quiet for one doubling to be forgotten [s]."""
    connections: int = 64
    """Connections open at once."""
    unproven: int = 32
    """Connections open at once that have not logged in."""
    unproven_on_trial: int = 2
    """The same while a refusal is not forgotten."""
    handshakes_per_s: float = 20.0
    """New connections that get on to the server, in the long run; each costs it 1 ms. Others wait their turn."""
    handshakes_burst: int = 4
    """The same at once. One that logs in gives its place back."""
    bytes_per_s: float = 64 * 1024
    """What its connections that have not logged in may send together, in the long run [byte/s]."""
    bytes_burst: int = 16 * 1024
    """The same at once: one login with the largest token, or some eighty attempts."""
    sources: int = 10_000
    """How many are remembered; the one seen longest ago is forgotten first."""
    unlimited: tuple[Network, ...] = ()
    """Whose addresses are not counted: load balancers, many people behind one address."""


@dataclass(slots=True)
class _Record:
    """What is remembered of one source."""

    failures: float
    failures_s: float
    handshakes: float
    bytes: float
    earned_s: float
    refusals: int = 0
    refused_until_s: float = float("-inf")


class Attempts:
    """Remembers sources, a bounded number of them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def source(self, address: str) -> str:
        """What an IP address is counted under; `UNCOUNTED`: nothing it does is."""
        return UNCOUNTED if is_within(address, self._limits.unlimited) else source_of(address)

    def failed(self, source: str, now_s: float) -> float:
        """Counts one failed login; the time the source is refused from now on [s], 0 if it is not or was already."""
        if source == UNCOUNTED:
            return 0.0
        limits, record = self._limits, self._touched(source, now_s)
        if now_s < record.refused_until_s:
            return 0.0  # the stragglers of what began the refusal
        record.failures = min(record.failures + 1, limits.failures)
        if record.failures <= limits.failures - 1:  # a little of the earlier ones has drained already
            return 0.0
        refused_s = min(limits.base_s * 2.0 ** min(record.refusals, 64), limits.cap_s)
        record.refusals += 1
        record.refused_until_s = record.failures_s = now_s + refused_s  # the bucket does not drain meanwhile
        return refused_s

    def refused_s(self, source: str, now_s: float) -> float:
        """How much longer the source is refused [s]; 0 if it is not. Cheap: a flood asks this most."""
        record = self._records.get(source)
        return 0.0 if record is None else max(0.0, record.refused_until_s - now_s)

    def may_connect(self, source: str, now_s: float, *, open_count: int, unproven_count: int) -> bool:
        """Whether a new connection of the source is let in.

        Args:
            source: as from `source`.
            now_s: a clock that does not jump [s].
            open_count: connections it has now.
            unproven_count: those of them that have not logged in.
        """
        limits = self._limits
        if source == UNCOUNTED:
            return True
        if self.refused_s(source, now_s) or open_count >= limits.connections:
            return False
        record = self._touched(source, now_s)
        return unproven_count < (limits.unproven_on_trial if record.refusals else limits.unproven)

    def may_shake_hands(self, source: str, now_s: float) -> bool:
        """Whether a connection of the source may go on to the server now; if so, it is counted."""
        if source == UNCOUNTED:
            return True
        record = self._touched(source, now_s)
        if record.handshakes < 1:
            return False
        record.handshakes -= 1
        return True

    def proven(self, source: str, now_s: float) -> None:
        """A connection of the source has logged in: its handshake does not count."""
        if source == UNCOUNTED:
            return
        record = self._touched(source, now_s)
        record.handshakes = min(record.handshakes + 1, self._limits.handshakes_burst)

    def may_send(self, source: str, now_s: float) -> int:
        """How much the connections of the source that have not logged in may send now [byte]."""
        return _NO_LIMIT_BYTES if source == UNCOUNTED else int(self._touched(source, now_s).bytes)

    def sent(self, source: str, count: int, now_s: float) -> None:
        """Counts what such a connection has sent [byte]."""
        if source == UNCOUNTED:
            return
        record = self._touched(source, now_s)
        record.bytes = max(0.0, record.bytes - count)

    def _touched(self, source: str, now_s: float) -> _Record:
        """The record of the source, new or brought up to now."""
        record = self._records.get(source)
        if record is None:
            limits = self._limits
            record = self._records[source] = _Record(0.0, now_s, limits.handshakes_burst, limits.bytes_burst, now_s)
            if len(self._records) > limits.sources:
                self._records.popitem(last=False)
            return record
        self._records.move_to_end(source)
        self._age(record, now_s)
        return record

    def _age(self, record: _Record, now_s: float) -> None:
        limits = self._limits
        if now_s > record.failures_s:
            drained = (now_s - record.failures_s) * limits.failures / limits.window_s
            record.failures, record.failures_s = max(0.0, record.failures - drained), now_s
        if now_s > record.earned_s:
            since_s, record.earned_s = now_s - record.earned_s, now_s
            record.handshakes = min(record.handshakes + since_s * limits.handshakes_per_s, limits.handshakes_burst)
            record.bytes = min(record.bytes + since_s * limits.bytes_per_s, limits.bytes_burst)
        quiet_s = now_s - record.refused_until_s
        if record.refusals and quiet_s >= limits.cap_s:
            forgotten = min(record.refusals, int(quiet_s // limits.cap_s))
            record.refusals -= forgotten
            record.refused_until_s += forgotten * limits.cap_s


class Knocks:
    """Which refused sources knock so often that even refusing them costs too much."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._second = 0
        self._unheard: dict[str, float] = {}

    def knocked(self, source: str, now_s: float) -> bool:
        """Counts one refused connection; whether the source is not to be heard from now on."""
        if int(now_s) != self._second:
            self._second = int(now_s)
            self._counts.clear()
        count = self._counts[source] = self._counts.get(source, 0) + 1
        if count < KNOCKS_PER_S or source in self._unheard or len(self._unheard) >= UNHEARD_MAX:
            return False
        self._unheard[source] = now_s + UNHEARD_S
        return True

    def forgiven(self, now_s: float) -> bool:
        """Whether a source is to be heard again from now on."""
        over = [source for source, until_s in self._unheard.items() if now_s >= until_s]
        for source in over:
            del self._unheard[source]
        return bool(over)

    @property
    def unheard(self) -> tuple[str, ...]:
        """The sources that are not heard, at most `UNHEARD_MAX`."""
        return tuple(self._unheard)


def source_of(address: str) -> str:
    """What an IP address is counted under.

    Raises: ValueError: it is no IP address.
    """
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _PREFIX_BITS), strict=False))


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an IP address, as a socket or gRPC gives it, is in one of the networks.

    Raises: ValueError: it is no IP address, and there are networks.
    """
    wanted = tuple(networks)
    if not wanted or not address:
        return False
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return any(parsed.ipv4_mapped in network for network in wanted)
    return any(parsed in network for network in wanted)
