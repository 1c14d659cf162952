"""Renews what the unit shows and trusts: its certificate, and the authorities. Make before break.

A new certificate, for a new key, is proven on a second connection before the unit changes over to it; new authorities
likewise. What proves bad is dropped and the old stays in use. A successor on the disk is proven first of all: the
manager may have taken it and its answer was lost, and then the old one is worth nothing any more. For the same reason
a successor is dropped only while the manager takes the old one.

Who decides that it is time: the manager's notice, or the trusted time after two thirds of the certificate's life. When
that was missed and the certificate has ended, see `services.returning`.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

from wayside.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    WaysideError,
)
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.renewal_pace import RenewalPace
from wayside_agent.ports.identity import Identity, IdentityStore
from wayside_agent.services.returning import Returning
from wayside_agent.services.trust_link import TrustLink

logger = logging.getLogger(__name__)

REOPEN_TIMEOUT_S = 30.0
AWAY = (UnavailableError, DeadlineExceededError)
REFUSALS = (UnauthenticatedError, PermissionDeniedError, FailedPreconditionError, InvalidArgumentError)
UNTRUSTED = "UNTRUSTED_PEER"
"""Reason by which the link says that the authorities in use do not vouch for the manager."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What renewal knows of the rest of the agent."""

    request_pem: Callable[[], Awaitable[str]]
    """A request for the successor's key, which is made if there is none."""
    is_connected: Callable[[], bool]
    """Whether a session on the present credentials is open."""
    reopen: Callable[[float], Awaitable[bool]]
    """Opens the session anew; whether that was done within some seconds."""
    changed: Callable[[], None]
    """Called when the files have changed."""
    utc_s: Callable[[], float]
    """The trusted time."""
    mono_s: Callable[[], float]
    rng: Random
    is_held: Callable[[], bool] = lambda: False
    """While a configuration is on trial, which may lead to another manager: the one it goes back to must still know
    what the unit shows, and be known by what it trusts."""


class Renewal:
    """The credentials of one unit."""

    def __init__(
        self,
        identity: Identity,
        store: IdentityStore,
        link: TrustLink,
        surroundings: Surroundings,
        *,
        returning: Returning | None = None,
    ) -> None:
        """Stores values; `identity` is what the link uses, `returning` the way back after the certificate's end."""
        self._store = store
        self._link = link
        self._around = surroundings
        self._notice = wire.TrustNotice()
        self._returning = returning
        self._owes_key = False
        self._wake = asyncio.Event()
        self._shut = asyncio.Event()
        self._failure_count = 0
        self._told = ""
        self.is_busy = False
        """New credentials are being fetched or proven."""
        self.identity = identity
        """What the link uses now."""
        self.pace = self._pace_of(identity)

    def notice(self, notice: wire.TrustNotice) -> None:
        """Takes the manager's word on what to trust and whether to renew."""
        self._notice = notice
        if self._returning is not None:
            self._returning.welcomed()
        self._wake.set()

    def shut_out(self, error: WaysideError) -> None:
        """Takes why there is no session."""
        if self._returning is not None:
            self._returning.failed(error)
            if self._wants_back():
                self._shut.set()
                self._wake.set()

    async def run(self) -> None:
        """Looks after the credentials for ever."""
        while True:
            self._wake.clear()
            self._shut.clear()
            try:
                await self._turn()
            except AWAY as error:
                self._say(error)
                await _rest(self._wake, self._backoff_s(self.pace.away_s, self.pace.away_cap_s))
            except WaysideError as error:
                self._say(error)
                pause_s = self.pace.refused_s + self._backoff_s(self.pace.refused_s, self.pace.refused_cap_s)
                await _rest(self._shut, pause_s)  # only the way back is more urgent
            else:
                self._failure_count, self._told = 0, ""
                await _rest(self._wake, self.pace.away_s if self._around.is_held() else self.pace.look_s)

    async def _turn(self) -> None:
        """Does what is due."""
        successor = await asyncio.to_thread(self._store.load_next)
        if self._returning is not None and self._wants_back():
            await self._come_back(self._returning, successor)
        elif not self._around.is_held():
            self.is_busy = True
            try:
                await self._look_after(successor)
            finally:
                self.is_busy = False

    async def _look_after(self, successor: Identity | None) -> None:
        if successor is not None:
            await self._prove(successor)
        elif self._is_due():
            await self._renew()
        elif self._notice.authorities_sha256 not in {"", self.identity.authorities_sha256}:
            await self._follow_authorities()

    def _is_due(self) -> bool:
        around = self._around
        return around.is_connected() and self.pace.is_due(
            is_asked=self._notice.should_renew or self._owes_key, utc_s=around.utc_s(), mono_s=around.mono_s()
        )

    def _wants_back(self) -> bool:
        is_due = self._returning is not None and self._returning.is_due(self.pace.not_after_s)
        return is_due and not self._around.is_connected()

    async def _come_back(self, returning: Returning, successor: Identity | None) -> None:
        back = await returning.come_back(self.identity, successor)
        if back is None:
            return
        if back.is_successor:
            await self._prove(back.identity)
        else:
            await asyncio.to_thread(self._store.discard_next)  # the manager knows the unit by the key before
            await self._change_over(back.identity)
            self.pace = self._pace_of(back.identity)
            self._around.changed()
        self._owes_key = True  # this one may have been copied in all the time

    async def _renew(self) -> None:
        self.pace = self.pace.tried(self._around.mono_s())
        request_pem = await self._around.request_pem()
        try:
            answer = await self._link.renew(request_pem)
            await asyncio.to_thread(
                self._store.store_next,
                certificate_pem=answer.certificate_pem,
                authorities_pem=answer.authorities_pem,
            )
        except (InvalidArgumentError, FailedPreconditionError):
            await asyncio.to_thread(self._store.discard_next)  # another key, next time
            raise
        successor = await asyncio.to_thread(self._store.load_next)
        if successor is not None:
            await self._prove(successor)
            self._owes_key = False

    async def _prove(self, successor: Identity) -> None:
        """Shows the successor to the manager on a second connection, and takes its place if it is taken."""
        try:
            async with self._link.trial(successor) as trial:
                await trial.confirm()
        except AWAY as error:
            self.pace = self.pace.struck(self._around.mono_s()) if self._around.is_connected() else self.pace.spared()
            if error.reason == UNTRUSTED or self.pace.is_out:
                await self._drop(error)
            raise
        except REFUSALS as error:
            await self._drop(error)
            raise
        await self._change_over(successor)  # before the files: if the disk refuses, the unit is still in
        await asyncio.to_thread(self._store.adopt_next)
        self.pace = self._pace_of(successor).tried(self._around.mono_s())
        self._around.changed()
        logger.info("certificate: renewed and proven; the old key is destroyed")

    async def _drop(self, error: WaysideError) -> None:
        """Gives a successor up, if the manager takes the old credentials: else it may be all the unit has."""
        if not self._around.is_connected():
            return
        self.pace = self.pace.spared()
        await asyncio.to_thread(self._store.discard_next)
        raise FailedPreconditionError(
            f"the new certificate did not prove good ({error}); the old one stays in use", reason="RENEWAL_FAILED"
        ) from error

    async def _follow_authorities(self) -> None:
        authorities_pem = await self._link.authorities()
        found = hashlib.sha256(authorities_pem.encode()).hexdigest()
        if found == self.identity.authorities_sha256:
            return
        candidate = replace(self.identity, authorities_pem=authorities_pem.encode())
        try:
            await asyncio.to_thread(
                self._store.check_authorities, authorities_pem
            )  # gRPC would try and try with garbage
            async with self._link.trial(candidate) as trial:
                await trial.authorities()
        except (*AWAY, *REFUSALS) as error:
            if isinstance(error, AWAY) and error.reason != UNTRUSTED:
                raise
            raise FailedPreconditionError(
                f"the new authorities did not prove good ({error}); the old ones stay in use",
                reason="AUTHORITIES_REFUSED",
            ) from error
        await asyncio.to_thread(self._store.store_authorities, authorities_pem)
        await self._change_over(candidate)
        self._around.changed()
        logger.info("authorities: changed and proven", extra={"sha256": found})

    async def _change_over(self, identity: Identity) -> None:
        """Uses other credentials: the session moves, then the connection before is closed."""
        close = self._link.change_over(identity)
        self.identity = identity
        self._notice = wire.TrustNotice()  # the next session begins with one of its own
        await self._around.reopen(REOPEN_TIMEOUT_S)
        await close()

    def _pace_of(self, identity: Identity) -> RenewalPace:
        around = self._around
        return RenewalPace.of(identity.certificate_pem, chance=around.rng.random(), utc_s=around.utc_s())

    def _backoff_s(self, base_s: float, cap_s: float) -> float:
        pause_s = delay_s(self._failure_count, base_s=base_s, cap_s=cap_s, rng=self._around.rng)
        self._failure_count += 1
        return pause_s

    def _say(self, error: WaysideError) -> None:
        """Logs each kind of trouble once in a row of failures; that the manager is away, the uplink says."""
        if error.reason != self._told:
            log = logger.debug if isinstance(error, AWAY) else logger.warning
            log("credentials: %s; tried again later", error, extra={"reason": error.reason})
        self._told = error.reason


async def _rest(event: asyncio.Event, pause_s: float) -> None:
    """Waits; not longer than until something happens."""
    try:
        async with asyncio.timeout(pause_s):
            await event.wait()
    except TimeoutError:
        pass
