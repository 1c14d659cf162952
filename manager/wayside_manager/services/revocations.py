"""Ends open calls whose credential was taken back or has ended, or whose holder may do other things now.

The database is the messenger, so it works across replicas: each looks once a second for credentials that were taken
back, by whichever replica. Their clocks may differ by the overlap, since the time stands in the row.
Usage: one `Revocations(store, calls, now=now).run()` in the task group.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wayside.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError, WaysideError
from wayside_manager.core.access import narrowed
from wayside_manager.core.credentials import Authenticated
from wayside_manager.core.rights import Rights
from wayside_manager.ports.access import CredentialStore

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
_LOOKS_PER_CHECK = 4
"""Operators with open calls are authenticated anew every so many looks: 4 s, to be done within 5."""
_OVERLAP = timedelta(minutes=5)
_OUT = (UnauthenticatedError, PermissionDeniedError)


class OpenCall(Protocol):
    """A call that can be ended."""

    @property
    def credential_sha256(self) -> str:
        """Hash of its credential; empty: none of ours."""

    @property
    def oidc_subject(self) -> str:
        """Who opened it with a token of an OpenID provider; empty: nobody."""

    @property
    def is_certified(self) -> bool:
        """It was opened with a client certificate."""

    @property
    def is_of_operator(self) -> bool:
        """An operator opened it."""

    @property
    def expire_time(self) -> datetime | None:
        """When its credential ends. `None`: never."""

    @property
    def rights(self) -> Rights:
        """With which rights it was let in."""

    def end(self, error: WaysideError) -> None:
        """Ends it."""


class OpenCalls(Protocol):
    """Knows the open calls."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Those that are open now."""


class Revocations:
    """Looks for what was taken back."""

    def __init__(
        self, store: CredentialStore, calls: OpenCalls, *, now: Callable[[], datetime], look_s: float = _LOOK_S
    ) -> None:
        self._store = store
        self._calls = calls
        self._now = now
        self._look_s = look_s
        self._since = now()
        self._is_failing = False

    async def run(self) -> None:
        """Looks again and again. Never returns."""
        look_count = 0
        while True:
            await asyncio.sleep(self._look_s)
            look_count += 1
            try:
                await self.look()
                if look_count % _LOOKS_PER_CHECK == 0:
                    await self.check_operators()
                self._is_failing = False
            except WaysideError as exc:  # the database is away; what was taken back meanwhile is found afterwards
                if not self._is_failing:
                    logger.error("cannot look for revoked credentials, open calls stay open: %s", exc)
                self._is_failing = True

    async def look(self) -> None:
        """Ends calls whose credential was taken back since the last look, or has ended.

        Raises: UnavailableError: the database.
        """
        now = self._now()
        revoked = await self._store.revoked_since(self._since - _OVERLAP)
        self._since = now
        over = {each.sha256 for each in revoked if each.revoke_time is not None and each.revoke_time <= now}
        doomed = []
        for call in self._calls.open_calls():
            if call.credential_sha256 in over:
                doomed.append(call)
            elif call.expire_time is not None and call.expire_time <= now:
                call.end(_expired(call))
        await self._end_revoked(doomed)

    async def check_operators(self) -> None:
        """Ends calls of operators who are disabled, or whose roles have changed.

        Raises: UnavailableError: the database.
        """
        of_operators: dict[tuple[str, str], list[OpenCall]] = {}
        for call in self._calls.open_calls():
            if call.is_of_operator:
                of_operators.setdefault((call.credential_sha256, call.oidc_subject), []).append(call)
        for (sha256, subject), calls in of_operators.items():
            try:
                found = await self._authenticated(sha256, subject)
            except _OUT as exc:
                _end(calls, exc)
                continue
            for call in calls:
                if _rights_now(found, call.rights).reach != call.rights.reach:
                    call.end(UnavailableError("your roles have changed; connect again", reason="ROLES_CHANGED"))

    async def _end_revoked(self, doomed: Iterable[OpenCall]) -> None:
        by_credential: dict[str, list[OpenCall]] = {}
        for call in doomed:
            by_credential.setdefault(call.credential_sha256, []).append(call)
        for sha256, calls in by_credential.items():
            try:
                await self._authenticated(sha256, "")
            except _OUT as exc:
                _end(calls, exc)

    async def _authenticated(self, sha256: str, subject: str) -> Authenticated:
        if sha256:
            return await self._store.authenticate(sha256, now=self._now())
        return await self._store.authenticate_subject(subject)


def _end(calls: Iterable[OpenCall], error: WaysideError) -> None:
    if isinstance(error, UnauthenticatedError):
        error = UnauthenticatedError(
            "the credential of this call was taken back; use another", reason="CREDENTIAL_REVOKED"
        )
    for call in calls:
        call.end(error)


def _expired(call: OpenCall) -> UnauthenticatedError:
    if call.is_certified:
        return UnauthenticatedError(
            "the certificate of this call has ended; connect again with a new one", reason="CERTIFICATE_EXPIRED"
        )
    return UnauthenticatedError("the credential of this call has ended; sign in again", reason="CREDENTIAL_EXPIRED")


def _rights_now(found: Authenticated, before: Rights) -> Rights:
    held = found.operator.bindings if found.operator is not None else ()
    limits = found.credential.bindings if found.credential is not None else ()
    return Rights.of(before.verb, before.permission, narrowed(held, limits, found.tenants), found.tenants)
