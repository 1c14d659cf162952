"""Who calls, and whether they may: the only place where a credential becomes an identity.

A client certificate of our authority names a node or an operator in one URI; a bearer token names an operator. Both
must be known to the credential store, so that a certificate can be taken back before it ends. Deny by default.
Usage: server: `Scoped(Gate(...).admitted)`; servicer: `calling_node_id()`.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from wayside.errors import NotFoundError, PermissionDeniedError, UnauthenticatedError
from wayside_manager.api.scopes import Context
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.policy import Caller, may_call
from wayside_manager.ports.access import CredentialStore
from wayside_manager.ports.nodes import NodeStore

TOKEN_PREFIX = "wso_"  # noqa: S105  # makes a leaked token findable, and no certificate hash can pass for a token
_SCHEME = "wayside://"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls."""

    caller: Caller
    id: str = ""
    """Node id or operator id; empty for anyone."""


_CURRENT: ContextVar[Identity] = ContextVar("identity")
_ANYONE = Identity(Caller.ANYONE)


def credential_name(caller: Caller, holder_id: str, *, is_certificate: bool) -> str:
    """The name under which a credential is kept: `operators/{id}` with `/certificate` or `/token`."""
    return f"{caller}s/{holder_id}/{'certificate' if is_certificate else 'token'}"


def calling_node_id() -> str:
    """The id of the node whose call this is.

    Raises: PermissionDeniedError: the caller is no node.
    """
    identity = _CURRENT.get(_ANYONE)
    if identity.caller is not Caller.NODE:
        raise PermissionDeniedError("only a node may do this, with its client certificate", reason="NOT_A_NODE")
    return identity.id


class Gate:
    """Finds out who calls and lets them in or not."""

    def __init__(self, nodes: NodeStore, credentials: CredentialStore, now: Callable[[], datetime]) -> None:
        self._nodes = nodes
        self._credentials = credentials
        self._now = now

    @asynccontextmanager
    async def admitted(self, method: str, context: Context) -> AsyncIterator[None]:
        """The scope of a call whose caller is known and may call the method.

        Raises: UnauthenticatedError, PermissionDeniedError.
        """
        identity = _ANYONE if may_call(method, Caller.ANYONE) else await self._identity(context)
        if not may_call(method, identity.caller):
            raise _refusal(identity, method)
        reset = _CURRENT.set(identity)
        try:
            yield
        finally:
            _CURRENT.reset(reset)

    async def _identity(self, context: Context) -> Identity:
        certificates = tuple(context.auth_context().get("x509_pem_cert", ()))
        if certificates:
            return await self._certified(certificates[0])
        token = _bearer_token(context)
        return await self._bearer(token) if token else _ANYONE

    async def _certified(self, pem: bytes) -> Identity:
        certificate = x509.load_pem_x509_certificate(pem)
        identity = _named(certificate)
        if identity.caller is Caller.NODE:
            await self._check_node(identity.id)
        record = await self._credentials.find_credential(
            certificate.fingerprint(hashes.SHA256()).hex(), now=self._now()
        )
        if record.name != credential_name(identity.caller, identity.id, is_certificate=True):
            raise UnauthenticatedError(
                f"the certificate of {identity.id} is not the one last issued; enrol again",
                reason="CERTIFICATE_UNKNOWN",
            )
        return identity

    async def _check_node(self, node_id: str) -> None:
        try:
            node = await self._nodes.get_node(node_id)
        except NotFoundError as exc:
            raise PermissionDeniedError(
                f"this manager knows no node {node_id}; enrol it here", reason="NODE_UNKNOWN"
            ) from exc
        if node.state is NodeState.RETIRED:
            raise retired(node_id)

    async def _bearer(self, token: str) -> Identity:
        if not token.startswith(TOKEN_PREFIX):
            raise UnauthenticatedError("authorization: this is no operator token", reason="TOKEN_INVALID")
        record = await self._credentials.find_credential(token_hash(token), now=self._now())
        return Identity(Caller.OPERATOR, record.name.removeprefix("operators/").removesuffix("/token"))


def token_hash(token: str) -> str:
    """What the manager keeps of a token: its SHA-256, lower-case hex. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def retired(node_id: str) -> PermissionDeniedError:
    """The answer to a node that was taken out of service."""
    return PermissionDeniedError(f"node {node_id} is retired and out of service for good", reason="NODE_RETIRED")


def _named(certificate: x509.Certificate) -> Identity:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        collection, _, holder_id = uri.removeprefix(_SCHEME).partition("/")
        caller = {"nodes": Caller.NODE, "operators": Caller.OPERATOR}.get(collection)
        if uri.startswith(_SCHEME) and caller is not None and holder_id:
            return Identity(caller, holder_id)
    raise UnauthenticatedError("the client certificate names neither a node nor an operator", reason="NO_IDENTITY")


def _bearer_token(context: Context) -> str:
    # types-grpcio has the element type of metadata wrong: it iterates over pairs
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str):
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return ""


def _refusal(identity: Identity, method: str) -> UnauthenticatedError | PermissionDeniedError:
    verb = method.rpartition("/")[2]
    if identity.caller is Caller.ANYONE:
        return UnauthenticatedError(
            f"{verb} needs a credential: a client certificate, or 'authorization: Bearer' with a token",
            reason="NO_CREDENTIAL",
        )
    return PermissionDeniedError(f"{verb} is not for a {identity.caller}", reason="NOT_ALLOWED")
