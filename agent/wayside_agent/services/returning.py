"""Asks for a new certificate when the manager takes the present one no more, because it has ended.

A unit that was away for longer than its certificate lives proves who it is by the key it still has: it sends a request
for that key to the enrolment address. The answer replaces the certificate on the disk at once, in one step and for the
same key: the manager gives one only if the one before has ended, so nothing that works is lost. The unit then opens
its session with it and renews to a new key.

Asking is the manager's to refuse: a unit that was revoked, retired or replaced stays out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from wayside.errors import DeadlineExceededError, UnavailableError, WaysideError
from wayside_agent.core.return_pace import ReturnPace
from wayside_agent.ports.identity import Identity, IdentityStore

logger = logging.getLogger(__name__)

AWAY = (UnavailableError, DeadlineExceededError)
UNTRUSTED = "UNTRUSTED_PEER"
TELLING = frozenset({"HUNG_UP", "CREDENTIAL_INVALID"})
"""Reasons of failed sessions behind which an ended certificate may be: in the handshake, or on an open connection."""
STILL_GOOD = "CERTIFICATE_VALID"

Ask = Callable[[Identity, bool], Awaitable[str]]
"""Sends a request for the key of an identity to the enrolment address; true: it is that of the successor. Returns the
certificate, PEM; raises as `EnrollmentService.Enroll` states, and DeviceError."""


@dataclass(frozen=True, slots=True)
class Back:
    """A new certificate, on the disk already."""

    identity: Identity
    is_successor: bool
    """It is for the key that was to be the next; nothing has proven it yet."""


class Returning:
    """The way back of one unit."""

    def __init__(
        self,
        store: IdentityStore,
        ask: Ask,
        *,
        address: str,
        utc_s: Callable[[], float],
        mono_s: Callable[[], float],
        rng: Random,
    ) -> None:
        """Stores values.

        Args:
            store: The identity on the disk.
            ask: See there.
            address: Where it asks, for people.
            utc_s: The trusted time.
            mono_s: A steady clock.
            rng: Chance for the jitter.
        """
        self._store = store
        self._ask = ask
        self._address = address
        self._utc_s = utc_s
        self._mono_s = mono_s
        self._rng = rng
        self._pace = ReturnPace()
        self._told: set[str] = set()
        self._refusal = ""
        self._is_in = False

    @property
    def sentence(self) -> str:
        """What became of the asking; empty: there is no need."""
        if not self._refusal:
            return ""
        pause_min = max(0.0, self._pace.next_mono_s - self._mono_s()) / 60
        return (
            f"the manager does not take the certificate; asked for a new one at {self._address}, it says: "
            f"{self._refusal}; asked again in {pause_min:.0f} min"
        )

    def failed(self, error: WaysideError) -> None:
        """Takes why there is no session, or no longer."""
        if self._is_in:
            self._is_in = False  # what ends a session is the network, or a manager that stops
        elif error.reason in TELLING:
            self._pace = self._pace.failed(hung_up=True)
        elif isinstance(error, AWAY) and error.reason != UNTRUSTED:
            self._pace = self._pace.failed(hung_up=False)

    def welcomed(self) -> None:
        """Takes that there is a session."""
        self._pace, self._refusal, self._is_in = ReturnPace(), "", True
        self._told.clear()

    def is_due(self, not_after_s: float) -> bool:
        """Whether to ask now, with a certificate that ends then, seconds since 1970."""
        return self._pace.is_due(is_ended=self._utc_s() >= not_after_s, mono_s=self._mono_s())

    async def come_back(self, present: Identity, successor: Identity | None) -> Back | None:
        """Asks; `None`: not now. First for the successor, for the manager may have taken it and its answer was lost."""
        self._say("asks", logging.WARNING, f"the manager takes it no more; asking for a new one at {self._address}")
        try:
            back = await self._asked_by_both(present, successor)
        except WaysideError as error:
            self._pace = self._pace.asked(self._mono_s(), self._rng, is_answered=not isinstance(error, AWAY))
            self._refusal = str(error)
            if error.reason == STILL_GOOD:
                self._say(error.reason, logging.INFO, f"{error}; the way to the manager is at fault")
            else:
                self._say(error.reason, logging.WARNING, f"{error}; asked again later")
            return None
        self._pace = self._pace.asked(self._mono_s(), self._rng, is_answered=True)
        self._refusal = ""
        logger.info("certificate: the manager knows the unit by its key and gave it a new one")
        return back

    async def _asked_by_both(self, present: Identity, successor: Identity | None) -> Back:
        if successor is not None:
            try:
                return Back(await self._renewed(successor, is_next=True), is_successor=True)
            except WaysideError as error:
                if isinstance(error, AWAY):
                    raise
                logger.debug("certificate: the successor brings the unit not back: %s", error)
        return Back(await self._renewed(present, is_next=False), is_successor=False)

    async def _renewed(self, identity: Identity, *, is_next: bool) -> Identity:
        certificate_pem = await self._ask(identity, is_next)
        return await asyncio.to_thread(self._store.store_again, certificate_pem, is_next=is_next)

    def _say(self, kind: str, level: int, message: str) -> None:
        """Logs each kind once until there is a session again."""
        if kind not in self._told:
            logger.log(level, "certificate: %s", message, extra={"reason": kind})
        self._told.add(kind)
