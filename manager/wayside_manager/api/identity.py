"""Who calls: what credentials and headers say, and what the gate has found out about the present call.

The functions that read bytes are pure. A servicer asks `admission()`, `calling_node_id()` or `admitted_tenant(name)`.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from wayside.errors import InvalidArgumentError, PermissionDeniedError, UnauthenticatedError
from wayside.names import tenant_id
from wayside_manager.core.access import Binding, OperatorRecord, Reach, Tenants
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.policy import Caller
from wayside_manager.core.rights import NO_RIGHTS, Rights

TOKEN_PREFIX = "wso_"  # noqa: S105  # makes a leaked token findable, and no certificate hash can pass for a token
TOKEN_MAX_CHARS = 8192
"""Longest bearer token that is looked at; those of OpenID providers have a few thousand characters."""
REQUEST_ID_HEADER = "x-request-id"
APPROVAL_HEADER = "wayside-approval"
Metadata = Iterable[tuple[str, str | bytes]]

_SCHEME = "wayside://"
_HOLDERS = {"nodes": Caller.NODE, "operators": Caller.OPERATOR}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,64}\Z")
_APPROVAL = re.compile(r"approvals/([a-z0-9-]{1,63})\Z")
_CERTIFICATES_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Certified:
    """What a client certificate says."""

    caller: Caller
    holder_id: str
    """Node id or operator id."""
    sha256: str
    """Of the DER form, lower-case hex."""

    @property
    def holder(self) -> str:
        """`nodes/{node}` or `operators/{operator}`."""
        return f"{self.caller}s/{self.holder_id}"


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate knows of the present call."""

    caller: Caller = Caller.ANYONE
    holder: str = ""
    """`operators/{operator}` or `nodes/{node}`; empty for anyone."""
    operator: OperatorRecord | None = None
    credential: CredentialRecord | None = None
    """`None`: anyone, or a token of an OpenID provider."""
    oidc_subject: str = ""
    """Who it is at the OpenID provider, if it came with a token of one."""
    expire_time: datetime | None = None
    """When the credential ends. `None`: never."""
    rights: Rights = NO_RIGHTS
    tenant_id: str = ""
    """Tenant of the thing the call is about, or of the new thing it makes; empty: none, or several."""
    source_address: str = ""
    request_id: str = ""

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What this credential may do, and where: its holder's bindings, narrowed by its own."""
        return self.rights.bindings

    @property
    def tenants(self) -> Tenants:
        """The tree of tenants."""
        return self.rights.tenants

    @property
    def reach(self) -> Reach:
        """What the permission this call needs covers."""
        return self.rights.reach


_NOBODY = Admission()
_CURRENT: ContextVar[Admission] = ContextVar("admission", default=_NOBODY)


def admission() -> Admission:
    """What the gate knows of the present call; outside of one, nobody calls."""
    return _CURRENT.get()


@contextmanager
def admitted(current: Admission) -> Iterator[None]:
    """The time of a call the gate has let in."""
    reset = _CURRENT.set(current)
    try:
        yield
    finally:
        _CURRENT.reset(reset)


def calling_holder() -> str:
    """Who calls: `operators/{operator}` or `nodes/{node}`; empty for anyone."""
    return admission().holder


def calling_node_id() -> str:
    """The id of the node whose call this is.

    Raises: PermissionDeniedError: the caller is no node.
    """
    current = admission()
    if current.caller is not Caller.NODE:
        raise PermissionDeniedError("only a node may do this, with its client certificate", reason="NOT_A_NODE")
    return current.holder.removeprefix("nodes/")


def admitted_tenant(name: str, *, field: str = "tenant") -> str:
    """The tenant id in `tenants/x` if the present call may make things there; empty: the only one it may.

    Raises: InvalidArgumentError: malformed, or empty and there are several; NotFoundError: no such tenant for this
    caller; PermissionDeniedError: no role for all of it.
    """
    return admission().rights.tenant_of_new(tenant_id(name, field=field) if name else "", field=field)


@lru_cache(maxsize=_CERTIFICATES_KEPT)
def certified(pem: bytes) -> Certified:
    """Who a client certificate is for; TLS has proven that our authority signed it and the caller has its key.

    Raises: UnauthenticatedError: it cannot be read, or names neither a node nor an operator.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as exc:
        raise _nameless() from exc
    found = [uri.removeprefix(_SCHEME).partition("/") for uri in uris if uri.startswith(_SCHEME)]
    if len(found) != 1 or found[0][0] not in _HOLDERS or not found[0][2]:
        raise _nameless()
    collection, _, holder_id = found[0]
    return Certified(_HOLDERS[collection], holder_id, certificate.fingerprint(hashes.SHA256()).hex())


def bearer_token(metadata: Metadata) -> str:
    """The token of an `authorization: Bearer` header; empty: there is none.

    Raises: UnauthenticatedError: the header is there twice, or no bearer token.
    """
    values = [value for key, value in metadata if key == "authorization"]
    if not values:
        return ""
    value = values[0]
    scheme, _, token = value.partition(" ") if isinstance(value, str) else ("", "", "")
    token = token.strip()
    if len(values) > 1 or scheme.lower() != "bearer" or not 0 < len(token) <= TOKEN_MAX_CHARS:
        raise UnauthenticatedError("authorization: give one 'Bearer' with a token", reason="TOKEN_INVALID")
    return token


def request_id(metadata: Metadata) -> str:
    """The caller's own id of the request if it is harmless in a log, else a new one."""
    for key, value in metadata:
        if key == REQUEST_ID_HEADER and isinstance(value, str) and _REQUEST_ID.match(value):
            return value
    return secrets.token_hex(8)


def approval_header(metadata: Metadata) -> str:
    """The approval id in `wayside-approval: approvals/{approval}`; empty: there is no such header.

    Raises: InvalidArgumentError: it is malformed.
    """
    for key, value in metadata:
        if key == APPROVAL_HEADER:
            found = _APPROVAL.match(value) if isinstance(value, str) else None
            if found is None:
                raise InvalidArgumentError(f"{APPROVAL_HEADER}: give approvals/ and its id", reason="NAME_INVALID")
            return found[1]
    return ""


def token_hash(token: str) -> str:
    """What the manager keeps of a token: its SHA-256, lower-case hex. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_foreign_token(token: str) -> bool:
    """Whether a token has the form of an OpenID provider's (a JWT: three parts)."""
    return not token.startswith(TOKEN_PREFIX) and token.count(".") == 2  # noqa: PLR2004  # RFC 7519


def retired(node_id: str) -> PermissionDeniedError:
    """The answer to a node that was taken out of service."""
    return PermissionDeniedError(f"node {node_id} is retired and out of service for good", reason="NODE_RETIRED")


def _nameless() -> UnauthenticatedError:
    return UnauthenticatedError("the client certificate names neither a node nor an operator", reason="NO_IDENTITY")
