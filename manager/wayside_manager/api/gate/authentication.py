"""Proof to holder: the only place where a credential becomes an identity.

A client certificate of our authority names a node or an operator in one URI; a bearer token names an operator. Both
must be in the store, so that they can be taken back before they end. An OpenID provider's tokens see a verifier first.
Usage: `proven = await Authenticator(store, now=now).proven(context)`; `None`: the caller showed nothing.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from wayside.errors import PermissionDeniedError, UnauthenticatedError
from wayside_manager.api.identity import TOKEN_PREFIX, Certified, bearer_token, certified, is_foreign_token, token_hash
from wayside_manager.api.scopes import Context, metadata_of
from wayside_manager.core.credentials import Authenticated, CredentialKind
from wayside_manager.core.policy import Caller
from wayside_manager.ports.access import CredentialStore, PlaceStore, Resource


class OidcVerifier(Protocol):
    """Judges tokens of an OpenID provider."""

    def subject(self, token: str, now: datetime) -> str:
        """The `sub` of a token that is valid now.

        Raises: UnauthenticatedError.
        """


class AuthenticationStore(CredentialStore, PlaceStore, Protocol):
    """What authentication reads of the store."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who the caller has proven to be."""

    caller: Caller
    holder: str
    """`operators/{operator}` or `nodes/{node}`."""
    found: Authenticated
    oidc_subject: str = ""
    expire_time: datetime | None = None


class Authenticator:
    """Asks the store for whom a credential is good."""

    def __init__(
        self, store: AuthenticationStore, *, now: Callable[[], datetime], oidc: OidcVerifier | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._oidc = oidc

    async def proven(self, context: Context, *, limit: Callable[[Certified], None]) -> Proven | None:
        """Who the caller is; `None`: it showed no credential. A client certificate counts more than a token.

        `limit` may refuse a certificate before the store is asked about it.
        Raises: UnauthenticatedError: the credential is none of ours, or no longer; PermissionDeniedError: the node is
        unknown, retired or revoked.
        """
        pems = tuple(context.auth_context().get("x509_pem_cert", ()))
        if pems:
            shown = certified(bytes(pems[0]))
            limit(shown)
            return await self._by_certificate(shown)
        token = bearer_token(metadata_of(context))
        if not token:
            return None
        if is_foreign_token(token):
            return await self._by_subject(token)
        return await self._by_token(token)

    async def _by_certificate(self, shown: Certified) -> Proven:
        try:
            found = await self._store.authenticate(shown.sha256, now=self._now())
        except UnauthenticatedError:
            await self._check_known(shown)
            raise
        credential = found.credential
        if credential is None or credential.kind is not CredentialKind.CERTIFICATE or credential.holder != shown.holder:
            raise UnauthenticatedError(
                f"the client certificate is none of {shown.holder[:80]}; enrol again", reason="CERTIFICATE_UNKNOWN"
            )
        return _proven(shown.caller, found)

    async def _check_known(self, shown: Certified) -> None:
        is_node = shown.caller is Caller.NODE
        if is_node and not await self._store.find_places(Resource.NODE, shown.holder_id):
            raise PermissionDeniedError(
                f"this manager knows no node {shown.holder_id[:80]}; enrol it here", reason="NODE_UNKNOWN"
            )

    async def _by_token(self, token: str) -> Proven:
        if not token.startswith(TOKEN_PREFIX):
            raise UnauthenticatedError("authorization: this is no operator token", reason="TOKEN_INVALID")
        found = await self._store.authenticate(token_hash(token), now=self._now())
        if found.operator is None or found.credential is None or found.credential.kind is CredentialKind.CERTIFICATE:
            raise UnauthenticatedError("authorization: this is no operator token", reason="TOKEN_INVALID")
        return _proven(Caller.OPERATOR, found)

    async def _by_subject(self, token: str) -> Proven:
        if self._oidc is None:
            raise UnauthenticatedError(
                "authorization: this manager takes no tokens of an OpenID provider", reason="OIDC_NOT_CONFIGURED"
            )
        subject = self._oidc.subject(token, self._now())
        found = await self._store.authenticate_subject(subject)
        operator = found.operator
        if operator is None:
            raise UnauthenticatedError("authorization: nobody here has this account", reason="TOKEN_INVALID")
        return Proven(Caller.OPERATOR, f"operators/{operator.operator_id}", found, subject, expire_time_of(token))


def _proven(caller: Caller, found: Authenticated) -> Proven:
    credential = found.credential
    if credential is None:
        raise UnauthenticatedError("credential: it is none of ours", reason="CREDENTIAL_INVALID")
    return Proven(caller, credential.holder, found, expire_time=credential.expire_time)


def expire_time_of(token: str) -> datetime | None:
    """When a verified JWT ends; `None`: it does not say."""
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
