"""Operators, their bindings and credentials between tables and records.

Bindings are JSON in one column: they are read with every call, and never asked for one by one.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, literal, select

from wayside.errors import InvalidArgumentError
from wayside_manager.core.access import Binding, OperatorRecord, Role, Tenants
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import Label
from wayside_manager.store.moments import as_time, as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.tables import operators, tenants

OPERATORS = "operators/"
NODES = "nodes/"

# One text, because every call reads it: rows cost more than their text, and the same text is the same tree.
_TENANTS = select(
    func.aggregate_strings(tenants.c.tenant_id + literal("=") + func.coalesce(tenants.c.parent_id, literal("")), ",")
)
_OPERATOR = select(operators)


def bindings_text(bindings: Iterable[Binding]) -> str:
    """Bindings as they stand in a column."""
    content = [
        {
            "role": binding.role,
            "tenant_id": binding.tenant_id,
            "sites": binding.sites,
            "labels": [(label.key, label.value) for label in binding.labels],
        }
        for binding in bindings
    ]
    return msgspec.json.encode(content).decode()


@lru_cache(maxsize=1024)  # the same few texts with every call
def bindings_of(text: str) -> tuple[Binding, ...]:
    """The bindings in a column."""
    return tuple(
        Binding(
            Role(each["role"]),
            each["tenant_id"],
            tuple(each["sites"]),
            tuple(Label(key, value) for key, value in each["labels"]),
        )
        for each in msgspec.json.decode(text)
    )


def only_tenant_of(bindings: Iterable[Binding]) -> str:
    """The tenant of bindings that are all in one; empty: there are none, or several."""
    tenant_ids = {binding.tenant_id for binding in bindings}
    return tenant_ids.pop() if len(tenant_ids) == 1 else ""


def tenant_tree(connection: Connection) -> Tenants:
    """The tree of tenants."""
    return _tree_of(str(connection.scalar(_TENANTS)))  # the root is always there


@lru_cache(maxsize=4)
def _tree_of(text: str) -> Tenants:
    return Tenants(dict(pair.split("=") for pair in text.split(",") if pair))


def check_tenants(connection: Connection, bindings: Iterable[Binding]) -> None:
    """Returns if every binding names a tenant that is there.

    Raises: InvalidArgumentError.
    """
    known = tenant_tree(connection).parents
    for binding in bindings:
        if binding.tenant_id not in known:
            raise InvalidArgumentError(
                f"bindings.tenant: there is no tenant {binding.tenant_id}; list the tenants to see which are",
                reason="TENANT_UNKNOWN",
            )


def the_operator_row(connection: Connection, operator_id: str) -> Row[Any]:
    """The row of one operator.

    Raises: NotFoundError.
    """
    row = connection.execute(_OPERATOR.where(operators.c.operator_id == operator_id)).one_or_none()
    if row is None:
        raise not_there("operators", operator_id)
    return row


def operator_record(row: Row[Any]) -> OperatorRecord:
    """One operator."""
    return OperatorRecord(
        operator_id=row.operator_id,
        create_time=as_time(row.create_us),
        update_time=as_time(row.update_us),
        display_name=row.display_name,
        bindings=bindings_of(row.bindings),
        is_disabled=row.is_disabled,
        oidc_subject=row.oidc_subject or "",
        has_password=bool(row.password_hash),
        etag=str(row.revision),
    )


def operator_digested(row: Row[Any]) -> Mapping[str, object]:
    """What of an operator goes into the digests of the audit trail."""
    names = ("operator_id", "display_name", "bindings", "is_disabled", "oidc_subject", "revision")
    return {name: getattr(row, name) for name in names} | {"has_password": bool(row.password_hash)}


def credential_row(credential: CredentialRecord) -> dict[str, Any]:
    """The columns of a credential."""
    return {
        "sha256": credential.sha256,
        "holder": credential.holder,
        "kind": credential.kind,
        "display_name": credential.display_name,
        "bindings": bindings_text(credential.bindings),
        "key_sha256": credential.key_sha256,
        "issuer_sha256": credential.issuer_sha256,
        "is_confirmed": credential.is_confirmed,
        "create_us": as_us(credential.create_time),
        "expire_us": as_us_or_none(credential.expire_time),
        "revoke_us": as_us_or_none(credential.revoke_time),
    }


def credential_record(row: Row[Any]) -> CredentialRecord:
    """One credential."""
    return CredentialRecord(
        sha256=row.sha256,
        holder=row.holder,
        kind=CredentialKind(row.kind),
        create_time=as_time(row.create_us),
        expire_time=as_time_or_none(row.expire_us),
        revoke_time=as_time_or_none(row.revoke_us),
        display_name=row.display_name,
        bindings=bindings_of(row.bindings),
        key_sha256=row.key_sha256,
        issuer_sha256=row.issuer_sha256,
        is_confirmed=row.is_confirmed,
    )
