"""How long somebody who tries passwords for one name has to wait.

Two dangers pull apart. Without a delay per name, a thousand addresses can try a thousand passwords each for `admin`;
with one, anybody who knows the name can keep its owner out. So failures are counted in two ways:

- An address from which a name has signed in with success is *known* for that name, and has a count of its own. What
  strangers do does not delay it. So whoever attacks a name does not keep its owner out of the office or from home.
- All other addresses share one count per name: it makes no difference from how many of them somebody tries.

From the fifth failure in a row on, further attempts are refused without a look at the password for 5 s, doubled with
each failure up to 15 min: some 100 guesses a day, against passwords of 12 characters and more. What is refused is not
counted, so a flood does not prolong the delay. An owner at a new address can be kept out meanwhile, up to 15 min at a
time while the attack goes on; tokens, certificates and OpenID work all the same. We prefer that to free guesses.

Names that do not exist are counted alike, so that the answer tells nothing. The counts are in memory, per replica, and
gone with the process: after a start every address is a stranger for once.

An attempt is counted before its password is looked at, so that many at once are no way round; success takes it back.
Time is an argument. Usage: `pace.check_in("ann", source, now_s)`; `pace.succeeded("ann", source)`.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from wayside.errors import ResourceExhaustedError

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """How much one may try."""

    free_failures: int = 5
    """Failures in a row without a delay [1..]."""
    base_s: float = 5.0
    """The first delay [s]; twice as long each time after."""
    cap_s: float = 900.0
    """The longest delay [s]."""
    forget_s: float = 3600.0
    """Time after the last delay in which nothing may happen for all to be forgotten [s]."""
    names: int = 10_000
    """How many counts are kept, and how many known addresses; the one used longest ago goes first."""


@dataclass(slots=True)
class _Count:
    failures: int = 0
    until_s: float = float("-inf")


class SignInPace:
    """Counts attempts per name, a bounded number of them."""

    def __init__(self, limits: PaceLimits | None = None) -> None:
        self._limits = limits or PaceLimits()
        self._strangers: OrderedDict[str, _Count] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def check_in(self, name: str, source: str, now_s: float) -> None:
        """Counts an attempt as a failure, for now.

        Args:
            name: operator id; it need not exist.
            source: from where, as `core.attempts.source_of` says.
            now_s: a clock that does not jump [s].

        Raises: ResourceExhaustedError: the name has failed too often; nothing is counted.
        """
        limits, count = self._limits, self._count(name, source)
        if now_s < count.until_s:
            raise ResourceExhaustedError(
                f"operator: too many failed attempts to sign in as it; wait {max(1, round(count.until_s - now_s))} s, "
                "or use a token or certificate",
                reason="SIGN_IN_DELAYED",
            )
        if now_s - count.until_s >= limits.forget_s:
            count.failures = 0
        count.failures += 1
        surplus = count.failures - limits.free_failures
        delay_s = 0.0 if surplus < 0 else min(limits.base_s * 2.0 ** min(surplus, 32), limits.cap_s)
        count.until_s = now_s + delay_s

    def succeeded(self, name: str, source: str) -> None:
        """The password was right: the address is known, and its count begins anew.

        The strangers' count begins anew only for a stranger: at a known address the owner proves nothing about them.
        """
        if (name, source) not in self._known:
            self._strangers.pop(name, None)
        _kept(self._known, (name, source), _Count(), self._limits.names)

    def _count(self, name: str, source: str) -> _Count:
        known = self._known.get((name, source))
        if known is not None:
            self._known.move_to_end((name, source))
            return known
        count = self._strangers.get(name) or _Count()
        _kept(self._strangers, name, count, self._limits.names)
        return count


def _kept(counts: OrderedDict[Key, _Count], key: Key, count: _Count, max_count: int) -> None:
    counts[key] = count
    counts.move_to_end(key)
    if len(counts) > max_count:
        counts.popitem(last=False)
