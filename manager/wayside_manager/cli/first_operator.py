"""The operator a manager begins with: an admin of everything, with a token and a certificate.

What is done here is done by whoever owns the data folder, and stands in the audit trail as done by the manager.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from wayside.errors import NotFoundError
from wayside_manager.api.access.credentials import TTL_MAX, new_token
from wayside_manager.api.identity import token_hash
from wayside_manager.core.access import ROOT_TENANT, Binding, OperatorChange, OperatorRecord, Role
from wayside_manager.core.audit import CallRecord
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.ports.audit import CALL
from wayside_manager.ports.store import Store
from wayside_manager.services.authority import Credential

FIRST_OPERATOR = "admin"
TOKEN_TTL: timedelta = TTL_MAX

_ADMIN = Binding(Role.ADMIN, ROOT_TENANT)


async def make_first_operator(store: Store, certified: Credential, *, now: datetime) -> str:
    """Makes the admin with a certificate and a token; the token, which lasts 400 days."""
    token = new_token()
    with by_manager("init", now):
        await store.create_operator(OperatorRecord(FIRST_OPERATOR, now, now, bindings=(_ADMIN,)))
        await store.add_credential(_token(FIRST_OPERATOR, token, now))
        await store.add_credential(_certificate(certified, now))
    return token


async def recover_admin(store: Store, operator_id: str, *, now: datetime) -> str:
    """Makes the operator an enabled admin of the root, makes it if it is not there, and gives it a new token."""
    token = new_token()
    with by_manager("recover-admin", now):
        try:
            present = await store.get_operator(operator_id)
        except NotFoundError:
            await store.create_operator(OperatorRecord(operator_id, now, now, bindings=(_ADMIN,)))
        else:
            bindings = tuple(dict.fromkeys((*present.bindings, _ADMIN)))
            await store.update_operator(operator_id, OperatorChange(bindings=bindings, is_disabled=False), now=now)
        await store.add_credential(_token(operator_id, token, now))
    return token


@contextmanager
def by_manager(action: str, now: datetime) -> Iterator[None]:
    """What is changed inside is audited as done by the manager."""
    reset = CALL.set(CallRecord(actor="manager", action=action, time=now, tenant_id=ROOT_TENANT))
    try:
        yield
    finally:
        CALL.reset(reset)


def _token(operator_id: str, token: str, now: datetime) -> CredentialRecord:
    return CredentialRecord(
        sha256=token_hash(token),
        holder=f"operators/{operator_id}",
        kind=CredentialKind.API_TOKEN,
        create_time=now,
        expire_time=now + TOKEN_TTL,
        display_name="made on the manager's host",
    )


def _certificate(certified: Credential, now: datetime) -> CredentialRecord:
    return CredentialRecord(
        sha256=certified.certificate.fingerprint,
        holder=f"operators/{FIRST_OPERATOR}",
        kind=CredentialKind.CERTIFICATE,
        create_time=now,
        expire_time=certified.certificate.expire_time,
        display_name="made on the manager's host",
        key_sha256=certified.certificate.key_sha256,
        issuer_sha256=certified.certificate.issuer_sha256,
    )
