"""Which source of an artifact is asked next, and which are put off: other places first, the own connection last.

An address is a URL; its scheme says how it is spoken with. Bytes of different sources may make up one file, for the
hash decides at the end, and a source is only ever worth a try: nothing of it is trusted.
Usage: `address = sources.best(addresses, now_s)`; `sources = sources.failed(address, …)` if it broke off.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from urllib.parse import urlsplit

from wayside_agent.core.backoff import Rng, delay_s

MANAGER = "manager:"
"""The node's own connection to its manager. It is always there, and always the last."""
LOCAL_SCHEMES = frozenset({"wayside"})
"""Neighbours: their bytes cost nothing, whatever the line to the manager costs."""
MAX_COUNT = 8
"""Of addresses that are looked at, whatever the manager names."""
MAX_CHARS = 4096
"""Of an address; signed URLs have about 500."""
FAIR_BYTES = 64 * 1024
"""A source that brought as much before it failed begins to count its failures anew; one that drips does not."""
BACK_OFF_BASE_S = 1.0
BACK_OFF_CAP_S = 300.0
REFUSED_BASE_S = 300.0
REFUSED_CAP_S = 3600.0
"""A place that does not have it, or not for us, may have it later: a mirror follows, a URL is renewed."""
MAX_BLAME_COUNT = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one place for the artifact under way."""

    fault_count: int = 0
    until_s: float = 0.0
    """It is put off until then, on the clock of `now_s`."""
    refused: tuple[str, ...] = ()
    """Its addresses that were refused since it failed otherwise, the newest 8; a renewed one is asked at once."""
    blame_count: int = 0
    """How often it had a part in bytes that were wrong; 2: it is not asked again."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of one artifact as they stand."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    """By place."""

    def best(self, addresses: Iterable[str], now_s: float) -> str:
        """The first that is not put off; empty: none is left now."""
        return next((each for each in addresses if self._ready_s(each) <= now_s), "")

    def wait_s(self, addresses: Iterable[str], now_s: float) -> float:
        """Time until the first of them may be asked again [s], infinite when there is none."""
        return max(0.0, min((self._ready_s(each) for each in addresses), default=inf) - now_s)

    def fault_count(self, address: str) -> int:
        """Failures in a row."""
        return self._standing(address).fault_count

    def failed(
        self, address: str, *, now_s: float, gained_bytes: int = 0, is_refused: bool = False, rng: Rng
    ) -> "Sources":
        """The same after a source broke off (`is_refused`: it does not have it, or not for us)."""
        before = self._standing(address)
        count = 1 if gained_bytes >= FAIR_BYTES else before.fault_count + 1
        refused: tuple[str, ...] = ()
        if is_refused:
            refused = tuple(dict.fromkeys((*before.refused, address)))[-MAX_COUNT:]
            wait_s = min(REFUSED_CAP_S, REFUSED_BASE_S * 2.0 ** min(count - 1, 8))
        else:
            wait_s = delay_s(count, base_s=BACK_OFF_BASE_S, cap_s=BACK_OFF_CAP_S, rng=rng)
        return self._with(address, replace(before, fault_count=count, until_s=now_s + wait_s, refused=refused))

    def blamed(self, addresses: Collection[str], *, now_s: float) -> "Sources":
        """The same after the whole was wrong: who brought it alone is not asked again, several are put off.

        The own connection is spared: what comes over it is wrong for good, and the caller's to judge.
        """
        others = {place(address): address for address in addresses if address != MANAGER}
        blamed, share = self, MAX_BLAME_COUNT if len(others) == 1 else 1
        for address in others.values():
            before = blamed._standing(address)
            count = before.blame_count + share
            after = replace(before, until_s=now_s + BACK_OFF_CAP_S, refused=(), blame_count=count)
            blamed = blamed._with(address, after)
        return blamed

    def _standing(self, address: str) -> Standing:
        return self.standings.get(place(address), Standing())

    def _with(self, address: str, standing: Standing) -> "Sources":
        return Sources({**self.standings, place(address): standing})

    def _ready_s(self, address: str) -> float:
        standing = self._standing(address)
        if standing.blame_count >= MAX_BLAME_COUNT:
            return inf
        is_renewed = bool(standing.refused) and address not in standing.refused
        return 0.0 if is_renewed else standing.until_s


def usable(urls: Iterable[str], schemes: Collection[str]) -> tuple[str, ...]:
    """The addresses that can be spoken with, in their order, 8 at most; others are passed over."""
    found = (url for url in urls if len(url) <= MAX_CHARS and scheme(url) in schemes)
    return tuple(dict.fromkeys(found))[:MAX_COUNT]


def scheme(address: str) -> str:
    """How an address is spoken with, lower-case; empty: it is no URL."""
    return address.partition(":")[0].lower() if ":" in address else ""


def place(address: str) -> str:
    """An address without what is renewed of it, its signature."""
    return address.partition("?")[0]


def shown(address: str) -> str:
    """An address as a log may have it: scheme, host and port, never a path, a signature or a password."""
    if address == MANAGER:
        return "the manager"
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a malformed URL"
    return f"{parts.scheme}://{parts.hostname}{port}"
