"""Tokens and certificates in SQL: who holds them, and whether they still open anything.

Every call begins with `authenticate`; its statements are made once and find their rows by key.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from wayside_manager.core.access import OperatorRecord
from wayside_manager.core.credentials import Authenticated, CredentialKind, CredentialRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.nodes import NodeState
from wayside_manager.store.moments import as_us
from wayside_manager.store.operator_rows import (
    NODES,
    OPERATORS,
    bindings_of,
    credential_record,
    credential_row,
    only_tenant_of,
    operator_record,
    tenant_tree,
    the_operator_row,
)
from wayside_manager.store.part import SqlPart, changed, reading, writing
from wayside_manager.store.tables import credentials, nodes, operators

VALID_MAX_COUNT = 100
"""API tokens and certificates that one operator may have at once."""
SESSION_MAX_COUNT = 20
"""Sessions one operator may have at once; a newer one ends the oldest."""
_LIST_MAX_COUNT = 1_000
_ENDED_KEPT = timedelta(days=30)
_ID_CHARS = 24  # as CredentialRecord.credential_id has

_BY_SHA256 = select(credentials).where(credentials.c.sha256 == bindparam("wanted_sha256"))
_OPERATOR = select(operators).where(operators.c.operator_id == bindparam("wanted_id"))
_SUBJECT = select(operators).where(operators.c.oidc_subject == bindparam("wanted_subject"))
_NODE_STATE = select(nodes.c.state).where(nodes.c.node_id == bindparam("wanted_id"))


class SqlCredentials(SqlPart):
    """Satisfies `ports.CredentialStore`."""

    @writing
    def add_credential(self, connection: Connection, credential: CredentialRecord) -> None:
        """See CredentialStore."""
        tenant_id = _tenant_of(connection, credential.holder)
        if credential.holder.startswith(OPERATORS):
            _make_room(connection, credential)
        insert_credential(connection, credential, tenant_id=tenant_id)

    @reading
    def authenticate(self, connection: Connection, sha256: str, *, now: datetime) -> Authenticated:
        """See CredentialStore."""
        row = connection.execute(_BY_SHA256, {"wanted_sha256": sha256}).one_or_none()
        if row is None:
            raise _invalid()
        credential = credential_record(row)
        node_id, operator = "", None
        if credential.holder.startswith(NODES):
            node_id = credential.holder.removeprefix(NODES)
            _check_node(connection, node_id)  # first: what became of the node says more than what of its certificate
        else:
            wanted = {"wanted_id": credential.holder.removeprefix(OPERATORS)}
            operator = _enabled(connection.execute(_OPERATOR, wanted).one_or_none())
        if not credential.is_valid(now):
            raise _invalid()
        return Authenticated(tenant_tree(connection), credential, operator, node_id)

    @reading
    def authenticate_subject(self, connection: Connection, oidc_subject: str) -> Authenticated:
        """See CredentialStore."""
        if not oidc_subject:
            raise _invalid()
        operator = _enabled(connection.execute(_SUBJECT, {"wanted_subject": oidc_subject}).one_or_none())
        return Authenticated(tenant_tree(connection), operator=operator)

    @reading
    def list_credentials(self, connection: Connection, holder: str) -> tuple[CredentialRecord, ...]:
        """See CredentialStore."""
        newest_first = (credentials.c.create_us.desc(), credentials.c.sha256)
        query = select(credentials).where(credentials.c.holder == holder).order_by(*newest_first)
        return tuple(credential_record(row) for row in connection.execute(query.limit(_LIST_MAX_COUNT)))

    @writing
    def revoke_credential(self, connection: Connection, credential_id: str, *, now: datetime) -> CredentialRecord:
        """See CredentialStore."""
        row = find_credential_row(connection, credential_id)
        if row is None:
            raise not_there("credentials", credential_id)
        if row.revoke_us is None or row.revoke_us > as_us(now):
            _revoke(connection, row, as_us(now))
        return credential_record(connection.execute(_BY_SHA256, {"wanted_sha256": row.sha256}).one())

    @reading
    def revoked_since(self, connection: Connection, since: datetime) -> tuple[CredentialRecord, ...]:
        """See CredentialStore."""
        query = select(credentials).where(credentials.c.revoke_us >= as_us(since)).order_by(credentials.c.revoke_us)
        return tuple(credential_record(row) for row in connection.execute(query))

    @reading
    def count_certificates(self, connection: Connection, issuer_sha256: str, *, now: datetime) -> int:
        """See CredentialStore."""
        certificates = (
            credentials.c.issuer_sha256 == issuer_sha256,
            credentials.c.kind == CredentialKind.CERTIFICATE,
        )
        query = select(func.count()).select_from(credentials).where(*certificates, *_valid(as_us(now)))
        return connection.scalar(query) or 0


def insert_credential(connection: Connection, credential: CredentialRecord, *, tenant_id: str = "") -> None:
    """Keeps a credential, and notes it for the audit trail.

    Raises: AlreadyExistsError: the hash is taken.
    """
    row = credential_row(credential)
    try:
        connection.execute(insert(credentials), row)
    except IntegrityError as error:
        raise AlreadyExistsError("credential: it is taken; make another", reason="CREDENTIAL_EXISTS") from error
    changed(connection, f"credentials/{credential.credential_id}", before=None, after=row, tenant_id=tenant_id)


def revoke_all(
    connection: Connection, holder: str, now_us: int, *, kind: CredentialKind | None = None, but_sha256: str = ""
) -> None:
    """Takes back what a holder has, of one kind or all, but one.

    What was taken back before keeps its time; what was to end later ends now.
    """
    query = select(credentials).where(
        credentials.c.holder == holder,
        credentials.c.sha256 != but_sha256,
        or_(credentials.c.revoke_us.is_(None), credentials.c.revoke_us > now_us),
    )
    if kind is not None:
        query = query.where(credentials.c.kind == kind)
    for row in connection.execute(query).all():
        _revoke(connection, row, now_us)


def find_credential_row(connection: Connection, credential_id: str) -> Row[Any] | None:
    """The row of the credential with an id, the start of its hash."""
    if len(credential_id) != _ID_CHARS or not set(credential_id) <= set("0123456789abcdef"):
        return None
    # "g" comes after every hex digit
    query = select(credentials).where(credentials.c.sha256.between(credential_id, f"{credential_id}g"))
    return connection.execute(query).one_or_none()


def _revoke(connection: Connection, row: Row[Any], now_us: int) -> None:
    connection.execute(update(credentials).where(credentials.c.sha256 == row.sha256).values(revoke_us=now_us))
    before = row._asdict()
    changed(connection, f"credentials/{row.sha256[:_ID_CHARS]}", before=before, after=before | {"revoke_us": now_us})


def _tenant_of(connection: Connection, holder: str) -> str:
    """The tenant of a holder, for the audit trail; empty: an operator of none or several.

    Raises: NotFoundError: there is no such holder.
    """
    if holder.startswith(OPERATORS):
        row = the_operator_row(connection, holder.removeprefix(OPERATORS))
        return only_tenant_of(bindings_of(row.bindings))
    wanted = select(nodes.c.tenant_id).where(nodes.c.node_id == holder.removeprefix(NODES))
    tenant_id = connection.scalar(wanted) if holder.startswith(NODES) else None
    if tenant_id is None:
        raise NotFoundError(f"{holder[:80]} does not exist; name an operator or a node", reason="HOLDER_NOT_FOUND")
    return str(tenant_id)


def _make_room(connection: Connection, credential: CredentialRecord) -> None:
    now_us = as_us(credential.create_time)
    of_holder = credentials.c.holder == credential.holder
    long_ago_us = as_us(credential.create_time - _ENDED_KEPT)
    taken_back = and_(credentials.c.revoke_us < long_ago_us, credentials.c.kind != CredentialKind.CERTIFICATE)
    ended = or_(credentials.c.expire_us < long_ago_us, taken_back)  # a certificate is in the revocation list till then
    connection.execute(delete(credentials).where(of_holder, ended))
    is_session = credential.kind is CredentialKind.SESSION
    same = (credentials.c.kind == CredentialKind.SESSION) == is_session
    query = select(credentials).where(of_holder, same, *_valid(now_us)).order_by(credentials.c.create_us)
    valid = connection.execute(query).all()
    if is_session:
        for row in valid[: max(0, len(valid) + 1 - SESSION_MAX_COUNT)]:
            _revoke(connection, row, now_us)
    elif len(valid) >= VALID_MAX_COUNT:
        raise FailedPreconditionError(
            f"{credential.holder} has {len(valid)} tokens and certificates; revoke those that nobody uses",
            reason="CREDENTIALS_TOO_MANY",
        )


def _valid(now_us: int) -> tuple[Any, ...]:
    return tuple(
        or_(column.is_(None), column > now_us) for column in (credentials.c.expire_us, credentials.c.revoke_us)
    )


def _check_node(connection: Connection, node_id: str) -> None:
    state = connection.scalar(_NODE_STATE, {"wanted_id": node_id})
    if state is None:
        raise _invalid()
    if state == NodeState.RETIRED:
        raise PermissionDeniedError(f"node {node_id} is retired and out of service for good", reason="NODE_RETIRED")
    if state == NodeState.REVOKED:
        raise PermissionDeniedError(
            f"the certificates of node {node_id} were taken back; it needs a new enrolment", reason="NODE_REVOKED"
        )


def _enabled(row: Row[Any] | None) -> OperatorRecord:
    if row is None or row.is_disabled:
        raise _invalid()
    return operator_record(row)


def _invalid() -> UnauthenticatedError:
    # One sentence whatever is wrong, so that nobody learns which credentials there are or were.
    return UnauthenticatedError(
        "credential: unknown, ended or taken back; sign in, or ask for another", reason="CREDENTIAL_INVALID"
    )
