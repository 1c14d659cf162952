"""Lets a call in or not: who calls, how often, with which role, about what, and whether a second person must agree.

The only interceptor that decides. It works through `core.policy.RULES`, and what is not in there is denied. Denials and
failed changes are noted; a change that nobody wrote down by itself is written down here.
Usage: `Scoped(gate.admitted)`, inside the scopes of `api.origin`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from wayside.errors import PermissionDeniedError, UnauthenticatedError, WaysideError
from wayside_manager.api.authentication import Authenticator, OidcVerifier, Proven
from wayside_manager.api.identity import REQUEST_ID_HEADER, Admission, admitted, request_id
from wayside_manager.api.origin import calling_address
from wayside_manager.api.scopes import Context, Unread, metadata_of
from wayside_manager.api.targets import Targets, field_of
from wayside_manager.core.access import narrowed
from wayside_manager.core.audit import CallRecord, Outcome
from wayside_manager.core.missing import HiddenError
from wayside_manager.core.policy import RULES, Caller, Rule, Target
from wayside_manager.core.rights import Rights
from wayside_manager.ports.access import ApprovalStore, CredentialStore, PlaceStore, PolicyStore
from wayside_manager.ports.audit import CALL, AuditStore


class GateStore(CredentialStore, PlaceStore, ApprovalStore, PolicyStore, AuditStore, Protocol):
    """What the gate needs of the store."""


class Gate:
    """Finds out who calls and lets them in or not."""

    def __init__(
        self,
        store: GateStore,
        *,
        now: Callable[[], datetime],
        note: Callable[[CallRecord], None] = lambda _record: None,
        oidc: OidcVerifier | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._note = note
        self._authenticator = Authenticator(store, now=now, oidc=oidc)
        self._targets = Targets(store)

    @asynccontextmanager
    async def admitted(self, method: str, context: Context, request: Unread | None) -> AsyncIterator[None]:
        """The scope of a call whose caller is known and may make it.

        Raises: UnauthenticatedError, PermissionDeniedError, NotFoundError, ResourceExhaustedError,
        InvalidArgumentError; FailedPreconditionError: a second person must agree.
        """
        headers = metadata_of(context)
        record = CallRecord(
            actor=Caller.ANYONE,
            action=method,
            time=self._now(),
            source_address=calling_address(),
            request_id=request_id(headers),
        )
        context.set_trailing_metadata(((REQUEST_ID_HEADER, record.request_id),))
        rule = RULES.get(method)
        try:
            admission = await self._admission(rule, context, request, record)
        except WaysideError as exc:
            self._note_refusal(record, rule, exc)
            raise
        with admitted(admission):
            if rule is not None and rule.is_change:
                async with self._audited(record):
                    yield
            else:
                yield

    async def _admission(
        self, rule: Rule | None, context: Context, request: Unread | None, record: CallRecord
    ) -> Admission:
        verb = record.action.rpartition("/")[2]
        if rule is None:
            raise PermissionDeniedError(f"{verb} is for nobody", reason="NOT_ALLOWED")
        origin = Admission(source_address=record.source_address, request_id=record.request_id)
        if rule.caller is Caller.ANYONE:
            return origin
        proven = await self._authenticator.proven(context)
        if proven is None:
            raise UnauthenticatedError(
                f"{verb} needs a credential: a client certificate, or 'authorization: Bearer' with a token",
                reason="NO_CREDENTIAL",
            )
        record.actor = proven.holder
        record.credential_id = proven.found.credential.credential_id if proven.found.credential else ""
        if rule.caller is not proven.caller:
            raise PermissionDeniedError(f"{verb} is not for a {proven.caller}", reason="NOT_ALLOWED")
        rights = _rights(verb, rule, proven)
        message = None if request is None else request.message()
        if not await self._is_own(rule, message, proven):
            record.tenant_id = await self._targets.check(rule, message, rights)
        return replace(
            origin,
            caller=proven.caller,
            holder=proven.holder,
            operator=proven.found.operator,
            credential=proven.found.credential,
            oidc_subject=proven.oidc_subject,
            expire_time=proven.expire_time,
            rights=rights,
            tenant_id=record.tenant_id,
        )

    async def _is_own(self, rule: Rule, request: Any, proven: Proven) -> bool:  # noqa: ANN401  # any request
        """Whether an operator does it for itself, which needs no role."""
        credential = proven.found.credential
        if not rule.is_own_allowed or (rule.is_change and credential is not None and credential.bindings):
            return False  # a token that may do less than its holder must not make one that may do more
        name = field_of(request, rule.field)
        if rule.target is not Target.CREDENTIAL:
            return name in {"", proven.holder}
        own = await self._store.list_credentials(proven.holder)
        return any(name == f"credentials/{each.credential_id}" for each in own)

    @asynccontextmanager
    async def _audited(self, record: CallRecord) -> AsyncIterator[None]:
        reset = CALL.set(record)
        try:
            yield
        except WaysideError as exc:
            self._note(_ended(record, exc, is_change=True))
            raise
        except Exception:
            self._note(replace(record, changes=[], outcome=Outcome.FAILED, reason="INTERNAL"))
            raise
        finally:
            CALL.reset(reset)
        if not record.is_written:
            await self._store.add_entries([record])

    def _note_refusal(self, record: CallRecord, rule: Rule | None, error: WaysideError) -> None:
        ended = _ended(record, error, is_change=rule is not None and rule.is_change)
        if ended.outcome is not Outcome.DONE:
            self._note(ended)


def is_for_anyone(method: str) -> bool:
    """Whether a method needs no credential."""
    rule = RULES.get(method)
    return rule is not None and rule.caller is Caller.ANYONE


def _rights(verb: str, rule: Rule, proven: Proven) -> Rights:
    found = proven.found
    held = found.operator.bindings if found.operator is not None else ()
    limits = found.credential.bindings if found.credential is not None else ()
    return Rights.of(verb, rule.permission, narrowed(held, limits, found.tenants), found.tenants)


def _ended(record: CallRecord, error: WaysideError, *, is_change: bool) -> CallRecord:
    """The entry for a call that came to nothing; DONE: there is nothing to say of it."""
    outcome, reason = Outcome.DONE, error.reason
    if isinstance(error, HiddenError):
        outcome, reason = Outcome.DENIED, "OUT_OF_REACH"
    elif isinstance(error, UnauthenticatedError | PermissionDeniedError):
        outcome = Outcome.DENIED
    elif is_change:
        outcome = Outcome.FAILED
    return replace(record, changes=[], outcome=outcome, reason=reason)
