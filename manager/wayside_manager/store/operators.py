"""People and programs in SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from wayside.errors import AlreadyExistsError, FailedPreconditionError
from wayside_manager.core.access import (
    ROOT_TENANT,
    Binding,
    OperatorChange,
    OperatorRecord,
    Reach,
    Role,
)
from wayside_manager.core.credentials import CredentialKind
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.store.credentials import revoke_all
from wayside_manager.store.moments import as_us
from wayside_manager.store.operator_rows import (
    OPERATORS,
    bindings_of,
    bindings_text,
    check_tenants,
    only_tenant_of,
    operator_digested,
    operator_record,
    the_operator_row,
)
from wayside_manager.store.part import SqlPart, changed, check_etag, page, reading, writing, writing_quietly
from wayside_manager.store.tables import operators


class SqlOperators(SqlPart):
    """Satisfies `ports.OperatorStore`."""

    @writing
    def create_operator(
        self, connection: Connection, operator: OperatorRecord, *, password_hash: str = ""
    ) -> OperatorRecord:
        """See OperatorStore."""
        check_tenants(connection, operator.bindings)
        _check_subject(connection, operator.oidc_subject, operator.operator_id)
        row = {
            "operator_id": operator.operator_id,
            "display_name": operator.display_name,
            "bindings": bindings_text(operator.bindings),
            "is_disabled": operator.is_disabled,
            "oidc_subject": operator.oidc_subject or None,
            "password_hash": password_hash,
            "create_us": as_us(operator.create_time),
            "update_us": as_us(operator.create_time),
            "revision": 1,
        }
        try:
            connection.execute(insert(operators), row)
        except IntegrityError as error:
            raise AlreadyExistsError(
                f"operator {operator.operator_id} exists; choose another name", reason="OPERATOR_EXISTS"
            ) from error
        return _noted(connection, operator.operator_id)

    @reading
    def get_operator(self, connection: Connection, operator_id: str) -> OperatorRecord:
        """See OperatorStore."""
        return operator_record(the_operator_row(connection, operator_id))

    @reading
    def list_operators(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[OperatorRecord]:
        """See OperatorStore."""
        size, question = checked_page_size(page_size), "operators"
        after = position(page_token, question)
        query = select(operators).order_by(operators.c.operator_id)
        if after is not None:
            query = query.where(operators.c.operator_id > after[0])
        # Bindings are no columns, so they are judged here; a deployment has hundreds of operators, not millions.
        rows = [row for row in connection.execute(query) if _is_within(reach, bindings_of(row.bindings))]
        return page(rows[: size + 1], size, question, key=("operator_id",), record=operator_record)

    @writing
    def update_operator(
        self, connection: Connection, operator_id: str, change: OperatorChange, *, now: datetime, etag: str = ""
    ) -> OperatorRecord:
        """See OperatorStore."""
        row = the_operator_row(connection, operator_id)
        check_etag(etag, row.revision, f"operator {operator_id}")
        if change.oidc_subject is not None:
            _check_subject(connection, change.oidc_subject, operator_id)
        _update(connection, operator_id, _columns(connection, change), row.revision, as_us(now))
        _check_admins(connection, before=operator_record(row))
        if change.is_disabled and not row.is_disabled:
            revoke_all(connection, f"{OPERATORS}{operator_id}", as_us(now))
        return _noted(connection, operator_id, before=operator_digested(row))

    @writing
    def set_password(self, connection: Connection, operator_id: str, password_hash: str, *, now: datetime) -> None:
        """See OperatorStore."""
        row = the_operator_row(connection, operator_id)
        _update(connection, operator_id, {"password_hash": password_hash}, row.revision, as_us(now))
        revoke_all(connection, f"{OPERATORS}{operator_id}", as_us(now), kind=CredentialKind.SESSION)
        _noted(connection, operator_id, before=operator_digested(row))

    @writing_quietly
    def renew_password_hash(self, connection: Connection, operator_id: str, *, old_hash: str, new_hash: str) -> None:
        """See OperatorStore."""
        is_same = (operators.c.operator_id == operator_id, operators.c.password_hash == old_hash)
        connection.execute(update(operators).where(*is_same).values(password_hash=new_hash))

    @reading
    def find_password_hash(self, connection: Connection, operator_id: str) -> str:
        """See OperatorStore."""
        is_wanted = (operators.c.operator_id == operator_id, operators.c.is_disabled.is_(False))
        return connection.scalar(select(operators.c.password_hash).where(*is_wanted)) or ""


def _columns(connection: Connection, change: OperatorChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if change.display_name is not None:
        values["display_name"] = change.display_name
    if change.is_disabled is not None:
        values["is_disabled"] = change.is_disabled
    if change.oidc_subject is not None:
        values["oidc_subject"] = change.oidc_subject or None
    if change.bindings is not None:
        check_tenants(connection, change.bindings)
        values["bindings"] = bindings_text(change.bindings)
    return values


def _update(connection: Connection, operator_id: str, values: dict[str, Any], revision: int, now_us: int) -> None:
    values = values | {"revision": revision + 1, "update_us": now_us}
    connection.execute(update(operators).where(operators.c.operator_id == operator_id).values(values))


def _noted(connection: Connection, operator_id: str, *, before: Mapping[str, object] | None = None) -> OperatorRecord:
    row = the_operator_row(connection, operator_id)
    operator = operator_record(row)
    changed(
        connection,
        f"{OPERATORS}{operator_id}",
        before=before,
        after=operator_digested(row),
        tenant_id=only_tenant_of(operator.bindings),
    )
    return operator


def _check_subject(connection: Connection, oidc_subject: str, operator_id: str) -> None:
    if not oidc_subject:
        return
    has_it = (operators.c.oidc_subject == oidc_subject, operators.c.operator_id != operator_id)
    if connection.scalar(select(operators.c.operator_id).where(*has_it)) is not None:
        raise AlreadyExistsError(
            "oidc_subject: another operator has it; an account at the provider is one operator here",
            reason="OIDC_SUBJECT_EXISTS",
        )


def _check_admins(connection: Connection, *, before: OperatorRecord) -> None:
    if not _is_root_admin(before.bindings) or before.is_disabled:
        return
    enabled = connection.execute(select(operators.c.bindings).where(operators.c.is_disabled.is_(False)))
    if not any(_is_root_admin(bindings_of(row.bindings)) for row in enabled):
        raise FailedPreconditionError(
            f"operator {before.operator_id} is the last admin of the root tenant; make another one first",
            reason="LAST_ADMIN",
        )


def _is_root_admin(bindings: tuple[Binding, ...]) -> bool:
    return Binding(Role.ADMIN, ROOT_TENANT) in bindings


def _is_within(reach: Reach, bindings: tuple[Binding, ...]) -> bool:
    return all(reach.covers_tenant(tenant_id) for tenant_id in {each.tenant_id for each in bindings} or {ROOT_TENANT})
