"""Lets a call in or not: who calls, how often, with which role, about what, and whether a second person must agree.

The only interceptor that decides. It works through `core.policy.RULES`, and what is not in there is denied. Denials and
failed changes are noted; a change that nobody wrote down by itself is written down here.
Usage: `Scoped(gate.admitted)`, inside the scopes of `api.origin`.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from wayside.errors import PermissionDeniedError, UnauthenticatedError, WaysideError
from wayside_manager.api.gate.authentication import AuthenticationStore, Authenticator, OidcVerifier, Proven
from wayside_manager.api.gate.four_eyes import FourEyes, FourEyesStore
from wayside_manager.api.gate.job_dangers import reaches_in
from wayside_manager.api.gate.limits import CallLimits, CallRates
from wayside_manager.api.gate.targets import Targets, field_of
from wayside_manager.api.identity import REQUEST_ID_HEADER, Admission, Certified, admitted, request_id
from wayside_manager.api.origin import calling_address
from wayside_manager.api.scopes import Context, Unread, metadata_of
from wayside_manager.core.access import Permission, narrowed
from wayside_manager.core.audit import CallRecord, Outcome
from wayside_manager.core.missing import HiddenError
from wayside_manager.core.policy import RULES, Caller, Rule, Target
from wayside_manager.core.rights import Rights
from wayside_manager.ports.audit import CALL, AuditStore

_TRIES_A_SECRET = frozenset({"/wayside.v1.EnrollmentService/Enroll", "/wayside.v1.AccessService/SignIn"})


class GateStore(AuthenticationStore, FourEyesStore, AuditStore, Protocol):
    """What the gate needs of the store."""


class Gate:
    """Finds out who calls and lets them in or not."""

    def __init__(
        self,
        store: GateStore,
        *,
        now: Callable[[], datetime],
        note: Callable[[CallRecord], None],
        rates: CallRates | None = None,
        oidc: OidcVerifier | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._note = note
        self._limits = CallLimits(rates or CallRates(), clock_s=time.monotonic)
        self._authenticator = Authenticator(store, now=now, oidc=oidc)
        self._targets = Targets(store)
        self._four_eyes = FourEyes(store, now=now)

    @asynccontextmanager
    async def admitted(self, method: str, context: Context, request: Unread | None) -> AsyncIterator[None]:
        """The scope of a call whose caller is known and may make it.

        Raises: UnauthenticatedError, PermissionDeniedError, NotFoundError, ResourceExhaustedError,
        InvalidArgumentError; FailedPreconditionError: a second person must agree.
        """
        record = CallRecord(
            actor=Caller.ANYONE,
            action=method,
            time=self._now(),
            source_address=calling_address(),
            request_id=request_id(metadata_of(context)),
        )
        context.set_trailing_metadata(((REQUEST_ID_HEADER, record.request_id),))
        rule = RULES.get(method)
        is_change = rule is not None and rule.is_change
        try:
            admission = await self._admission(rule, context, request, record)
        except WaysideError as exc:
            self._note_end(record, exc, is_change=is_change)
            raise
        with admitted(admission):
            if not is_change:
                yield
                return
            async with self._audited(record):
                yield

    async def _admission(
        self, rule: Rule | None, context: Context, request: Unread | None, record: CallRecord
    ) -> Admission:
        if rule is None:
            raise PermissionDeniedError(f"{_verb(record)} is for nobody", reason="NOT_ALLOWED")
        if request is not None:
            self._limits.check_size(rule.caller, request.size_bytes)
        origin = Admission(source_address=record.source_address, request_id=record.request_id)
        if rule.caller is Caller.ANYONE:
            self._check_anyone(record)
            return origin
        proven = await self._proven(rule, context, record)
        found = proven.found
        return replace(
            origin,
            caller=proven.caller,
            holder=proven.holder,
            operator=found.operator,
            credential=found.credential,
            oidc_subject=proven.oidc_subject,
            expire_time=proven.expire_time,
            rights=await self._judged(rule, context, request, record, proven),
            tenant_id=record.tenant_id,
        )

    def _check_anyone(self, record: CallRecord) -> None:
        if record.action in _TRIES_A_SECRET:
            self._limits.check_attempt(record.source_address)
        else:
            self._limits.check_rate(Caller.ANYONE, record.source_address)

    async def _proven(self, rule: Rule, context: Context, record: CallRecord) -> Proven:
        """Who calls, if it is the kind of caller the rule asks for."""
        verb = _verb(record)
        proven = await self._authenticator.proven(context, limit=self._check_certificate)
        if proven is None:
            raise UnauthenticatedError(
                f"{verb} needs a credential: a client certificate, or 'authorization: Bearer' with a token",
                reason="NO_CREDENTIAL",
            )
        credential = proven.found.credential
        record.actor = proven.holder
        record.credential_id = "" if credential is None else credential.credential_id
        if rule.caller is not proven.caller:
            raise PermissionDeniedError(f"{verb} is not for a {proven.caller}", reason="NOT_ALLOWED")
        if proven.caller is Caller.OPERATOR:
            self._limits.check_rate(Caller.OPERATOR, proven.holder)
        return proven

    def _check_certificate(self, shown: Certified) -> None:
        # by the certificate, not the name in it: one taken back must not use up what the new one may do
        self._limits.check_rate(shown.caller, shown.sha256)

    async def _judged(
        self, rule: Rule, context: Context, request: Unread | None, record: CallRecord, proven: Proven
    ) -> Rights:
        """The caller's rights, if they cover what the call is about; notes its tenant in the record."""
        rights = _rights(_verb(record), rule, proven)
        if rule.caller is Caller.NODE:
            return rights
        message = None if request is None else request.message()
        is_own = await self._is_own(rule, message, proven)
        if not is_own:
            await self._targets.check(rule, message, rights, record)
            if message is not None and reaches_in(message):
                within = replace(rule, permission=Permission.JOBS_SHELL)
                await self._targets.check(within, message, _rights(_verb(record), within, proven), record)
        if rule.danger is not None and message is not None and not is_own:
            headers = metadata_of(context)
            await self._four_eyes.check(rule.danger, record, message, headers, tenants=rights.tenants)
        return rights

    async def _is_own(self, rule: Rule, message: Any, proven: Proven) -> bool:  # noqa: ANN401  # any request
        """Whether an operator does it for itself, which needs no role."""
        credential = proven.found.credential
        if not rule.is_own_allowed or (rule.is_change and credential is not None and credential.bindings):
            return False  # a token that may do less than its holder must not make one that may do more
        name = field_of(message, rule.field)
        if rule.target is not Target.CREDENTIAL:
            return name in {"", proven.holder}
        own = await self._store.list_credentials(proven.holder)
        return any(name == f"credentials/{each.credential_id}" for each in own)

    @asynccontextmanager
    async def _audited(self, record: CallRecord) -> AsyncIterator[None]:
        """The time of a change; it leaves an entry whatever becomes of it."""
        reset = CALL.set(record)
        try:
            yield
        except WaysideError as exc:
            self._note_end(record, exc, is_change=True)
            raise
        except Exception:
            self._note(_ended(record, Outcome.FAILED, "INTERNAL"))
            raise
        finally:
            CALL.reset(reset)
        if not record.is_written:
            await self._store.add_entries([record])

    def _note_end(self, record: CallRecord, error: WaysideError, *, is_change: bool) -> None:
        """Notes a denial, and the failure of a change."""
        error.metadata.setdefault("request", record.request_id)
        if isinstance(error, HiddenError):
            self._note(_ended(record, Outcome.DENIED, "OUT_OF_REACH"))
        elif isinstance(error, UnauthenticatedError | PermissionDeniedError) or error.reason == "APPROVAL_REQUIRED":
            self._note(_ended(record, Outcome.DENIED, error.reason))
        elif is_change and error.reason != "RATE_LIMITED":
            self._note(_ended(record, Outcome.FAILED, error.reason))


def is_for_anyone(method: str) -> bool:
    """Whether a method needs no credential."""
    rule = RULES.get(method)
    return rule is not None and rule.caller is Caller.ANYONE


def _verb(record: CallRecord) -> str:
    return record.action.rpartition("/")[2]


def _rights(verb: str, rule: Rule, proven: Proven) -> Rights:
    found = proven.found
    held = found.operator.bindings if found.operator is not None else ()
    limits = found.credential.bindings if found.credential is not None else ()
    return Rights.of(verb, rule.permission, narrowed(held, limits, found.tenants), found.tenants)


def _ended(record: CallRecord, outcome: Outcome, reason: str) -> CallRecord:
    # an approval counts as used only with the entry of the change itself
    return replace(record, outcome=outcome, reason=reason, approval_id="", request_sha256="")
