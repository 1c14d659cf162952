"""AccessService: sessions, API tokens, certificates, and taking them back."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import secrets
from datetime import datetime, timedelta

from wayside.errors import FailedPreconditionError, InvalidArgumentError, PermissionDeniedError
from wayside.v1 import access_service_pb2
from wayside_manager.api.access.messages import (
    bindings,
    checked_text,
    credential_id,
    credential_message,
    operator_id,
    operator_name,
    seconds,
)
from wayside_manager.api.access.parts import AccessCalls, check_handed_out
from wayside_manager.api.identity import TOKEN_PREFIX, admission, calling_holder, token_hash
from wayside_manager.api.node_messages import timestamp
from wayside_manager.api.scopes import Context
from wayside_manager.core.access import OperatorRecord, gives_all
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.ports.audit import CALL

SESSION_TTL = timedelta(hours=12)
TTL_DEFAULT = timedelta(days=90)  # this and the next two: as access_service.proto says
TTL_MIN = timedelta(minutes=1)
TTL_MAX = timedelta(days=400)


def new_token() -> str:
    """A token of 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


class CredentialCalls(AccessCalls):
    """Credentials."""

    async def SignIn(
        self, request: access_service_pb2.SignInRequest, context: Context
    ) -> access_service_pb2.SignInResponse:
        """A session for a password."""
        signing_in = operator_id(request.operator, field="operator")
        await self._passwords.check(signing_in, request.password, admission().source_address)
        call, now, token = CALL.get(), self._now(), new_token()
        if call is not None:
            call.actor = operator_name(signing_in)  # now it is known who it is
        session = CredentialRecord(
            token_hash(token), operator_name(signing_in), CredentialKind.SESSION, now, now + SESSION_TTL
        )
        await self._store.add_credential(session)
        return access_service_pb2.SignInResponse(token=token, expire_time=timestamp(now + SESSION_TTL))

    async def SignOut(
        self, request: access_service_pb2.SignOutRequest, context: Context
    ) -> access_service_pb2.SignOutResponse:
        """Takes the token of this call back."""
        shown = admission().credential
        if shown is None or shown.kind is CredentialKind.CERTIFICATE:
            raise FailedPreconditionError(
                "you did not come with a token of this manager, so there is nothing to sign out of", reason="NO_TOKEN"
            )
        await self._store.revoke_credential(shown.credential_id, now=self._now())
        return access_service_pb2.SignOutResponse()

    async def CreateApiToken(
        self, request: access_service_pb2.CreateApiTokenRequest, context: Context
    ) -> access_service_pb2.CreateApiTokenResponse:
        """A token for a program."""
        holder = await self._holder(request.operator)
        now, token = self._now(), new_token()
        limits = bindings(request.bindings, field="bindings")
        if not gives_all(holder.bindings, limits, admission().tenants):
            raise InvalidArgumentError(
                "bindings: this is more than the operator has; give it to the operator first", reason="MORE_THAN_HOLDER"
            )
        made = CredentialRecord(
            sha256=token_hash(token),
            holder=operator_name(holder.operator_id),
            kind=CredentialKind.API_TOKEN,
            create_time=now,
            expire_time=_not_after_own(holder, now + _ttl(request)),
            display_name=checked_text(request.display_name, field="display_name"),
            bindings=limits,
        )
        await self._store.add_credential(made)
        return access_service_pb2.CreateApiTokenResponse(token=token, credential=credential_message(made))

    async def IssueOperatorCertificate(
        self, request: access_service_pb2.IssueOperatorCertificateRequest, context: Context
    ) -> access_service_pb2.IssueOperatorCertificateResponse:
        """A client certificate for an operator's key."""
        holder, now = await self._holder(request.operator), self._now()
        issued = self._authority.operator_certificate(holder.operator_id, request.certificate_request_pem, now=now)
        made = CredentialRecord(
            sha256=issued.fingerprint,
            holder=operator_name(holder.operator_id),
            kind=CredentialKind.CERTIFICATE,
            create_time=now,
            expire_time=_not_after_own(holder, issued.expire_time),
            key_sha256=issued.key_sha256,
            issuer_sha256=issued.issuer_sha256,
        )
        await self._store.add_credential(made)
        return access_service_pb2.IssueOperatorCertificateResponse(
            certificate_pem=issued.pem,
            authorities_pem=self._authority.authorities_pem,
            credential=credential_message(made),
        )

    async def ListCredentials(
        self, request: access_service_pb2.ListCredentialsRequest, context: Context
    ) -> access_service_pb2.ListCredentialsResponse:
        """The credentials of an operator, newest first."""
        holder, now = operator_id(request.operator or calling_holder(), field="operator"), self._now()
        await self._store.get_operator(holder)
        found = await self._store.list_credentials(operator_name(holder))
        shown = (each for each in found if each.revoke_time or each.expire_time is None or now < each.expire_time)
        return access_service_pb2.ListCredentialsResponse(credentials=map(credential_message, shown))

    async def RevokeCredential(
        self, request: access_service_pb2.RevokeCredentialRequest, context: Context
    ) -> access_service_pb2.RevokeCredentialResponse:
        """Takes a credential back."""
        taken = await self._store.revoke_credential(credential_id(request.name), now=self._now())
        return access_service_pb2.RevokeCredentialResponse(credential=credential_message(taken))

    async def _holder(self, name: str) -> OperatorRecord:
        """Who the new credential is for: oneself, or somebody who has no more than the caller.

        Raises: NotFoundError, PermissionDeniedError.
        """
        holder = await self._store.get_operator(operator_id(name or calling_holder(), field="operator"))
        if name not in {"", calling_holder()}:
            check_handed_out(holder.bindings, field="operator.bindings")
        elif not gives_all(admission().bindings, holder.bindings, admission().tenants):
            raise PermissionDeniedError(
                "your token may do less than you; sign in yourself to make another", reason="MORE_THAN_OWN"
            )
        return holder


def _not_after_own(holder: OperatorRecord, wanted: datetime) -> datetime:
    """When a credential ends: what a token or certificate makes for its own holder ends with it.

    So nothing that leaked lives on by renewing itself. A session may make what lasts: somebody gave a password for it.
    """
    shown = admission().credential
    is_own = calling_holder() == operator_name(holder.operator_id)
    if not is_own or shown is None or shown.kind is CredentialKind.SESSION or shown.expire_time is None:
        return wanted
    return min(wanted, shown.expire_time)


def _ttl(request: access_service_pb2.CreateApiTokenRequest) -> timedelta:
    if not request.HasField("ttl"):
        return TTL_DEFAULT
    ttl_s = seconds(request.ttl)
    if not TTL_MIN.total_seconds() <= ttl_s <= TTL_MAX.total_seconds():
        raise InvalidArgumentError(f"ttl: {ttl_s:g} s is not within 1 min to {TTL_MAX.days} days")
    return timedelta(seconds=ttl_s)
