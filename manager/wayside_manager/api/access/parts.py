"""What the parts of AccessService share: the store, the clock, and the rule that nobody gives what they do not have."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside_manager.api.access.sign_in import Hasher, PasswordCheck
from wayside_manager.api.identity import admission
from wayside_manager.core.access import ROOT_TENANT, Binding, Permission, gives_all, reach
from wayside_manager.ports.access import CredentialStore, OperatorStore, PolicyStore, TenantStore


class AccessStore(OperatorStore, CredentialStore, TenantStore, PolicyStore, Protocol):
    """What access needs of the store."""


class IssuedCertificate(Protocol):
    """A certificate of the authority."""

    @property
    def pem(self) -> str:
        """The certificate."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, lower-case hex."""

    @property
    def expire_time(self) -> datetime:
        """When it ends."""

    @property
    def key_sha256(self) -> str:
        """Of the public key (DER SubjectPublicKeyInfo), lower-case hex."""

    @property
    def issuer_sha256(self) -> str:
        """Of the authority's certificate (DER), lower-case hex."""


class OperatorAuthority(Protocol):
    """Who signs operators' certificates."""

    @property
    def authorities_pem(self) -> str:
        """Whom peers must trust."""

    def operator_certificate(self, operator_id: str, request_pem: str, *, now: datetime) -> IssuedCertificate:
        """A client certificate for an operator's key.

        Raises: InvalidArgumentError: the request.
        """


class AccessCalls:
    """A share of AccessService."""

    def __init__(
        self, store: AccessStore, hasher: Hasher, authority: OperatorAuthority, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._passwords = PasswordCheck(store, hasher)
        self._authority = authority
        self._now = now


def check_handed_out(bindings: Iterable[Binding], *, field: str) -> None:
    """Returns if the caller may give or take these: each lies within what it has, and where it may change operators.

    No bindings are those of somebody at the root.
    Raises: InvalidArgumentError: a tenant that is not there, for all the caller can see; PermissionDeniedError.
    """
    caller, wanted = admission(), tuple(bindings)
    seen = reach(caller.bindings, Permission.TENANTS_READ, caller.tenants)
    visible = frozenset().union(*(scope.tenant_ids for scope in seen.scopes))
    for binding in wanted:
        if binding.tenant_id not in visible:
            raise InvalidArgumentError(
                f"{field}.tenant: there is no tenant {binding.tenant_id}; list the tenants to see which are",
                reason="TENANT_UNKNOWN",
            )
    tenant_ids = {binding.tenant_id for binding in wanted} or {ROOT_TENANT}
    covers_all = all(caller.reach.covers_tenant(tenant_id) for tenant_id in tenant_ids)
    if not covers_all or not gives_all(caller.bindings, wanted, caller.tenants):
        raise PermissionDeniedError(
            f"{field}: this is more than you have yourself; ask somebody who has it", reason="MORE_THAN_OWN"
        )
