"""Certificates of nodes in SQL: renewal, what nodes trust, and what the revocation lists say."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

from wayside.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError, UnauthenticatedError
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.nodes import NodeState
from wayside_manager.store.credentials import insert_credential
from wayside_manager.store.enrollment_rows import find_unit, key_uses
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.operator_rows import credential_record
from wayside_manager.store.part import SqlPart, changed, reading, writing, writing_quietly
from wayside_manager.store.tables import credentials, nodes

_IS_CERTIFICATE = credentials.c.kind == CredentialKind.CERTIFICATE


class SqlCertificates(SqlPart):
    """The certificates' share of `ports.EnrollmentStore`."""

    @writing
    def add_next_certificate(
        self, connection: Connection, node_id: str, certificate: CredentialRecord, *, not_after_another_since: datetime
    ) -> None:
        """See EnrollmentStore."""
        unit = find_unit(connection, node_id=node_id)
        if unit is None:
            raise node_not_found(node_id)
        if unit.state is not NodeState.ENROLLED:
            raise FailedPreconditionError(
                f"node {node_id} is {unit.state}; it cannot renew", reason="NODE_NOT_ENROLLED"
            )
        holder, now_us = f"nodes/{node_id}", as_us(certificate.create_time)
        unconfirmed = select(credentials).where(
            credentials.c.holder == holder, credentials.c.is_confirmed.is_(False), _is_open(now_us)
        )
        earlier = connection.execute(unconfirmed).all()
        if certificate.key_sha256 not in {row.key_sha256 for row in earlier}:
            _check_new_key(connection, certificate.key_sha256)
            _check_pace(connection, node_id, not_after_another_since)
        _end(connection, earlier, now_us)
        insert_credential(connection, certificate)

    @writing
    def confirm_certificate(
        self, connection: Connection, sha256: str, *, now: datetime, old_until: datetime
    ) -> CredentialRecord:
        """See EnrollmentStore."""
        row = connection.execute(select(credentials).where(credentials.c.sha256 == sha256)).one_or_none()
        if row is None or not credential_record(row).is_valid(now):
            raise UnauthenticatedError(
                "the certificate is not one of this manager any more; use the one before", reason="CREDENTIAL_INVALID"
            )
        if row.is_confirmed:
            return credential_record(row)  # the answer was lost, and the node asks again
        connection.execute(update(credentials).where(credentials.c.sha256 == sha256).values(is_confirmed=True))
        before = row._asdict()
        changed(connection, f"credentials/{sha256[:24]}", before=before, after=before | {"is_confirmed": True})
        others = select(credentials).where(
            credentials.c.holder == row.holder,
            credentials.c.sha256 != sha256,
            _IS_CERTIFICATE,
            _is_open(as_us(old_until)),
        )
        _end(connection, connection.execute(others).all(), as_us(old_until))
        return credential_record(connection.execute(select(credentials).where(credentials.c.sha256 == sha256)).one())

    async def note_session(self, certificate: CredentialRecord, authorities_sha256: str) -> None:
        """See EnrollmentStore."""
        # read first: ten thousand sessions that say nothing new shall not queue for the one writer
        news = await self._news(certificate, authorities_sha256)
        if news:
            await self._keep_news(certificate.holder, news)

    @reading
    def _news(self, connection: Connection, certificate: CredentialRecord, authorities_sha256: str) -> dict[str, str]:
        """What a session tells of its node: it needs its registration no more, or it trusts something else."""
        known = select(nodes.c.registered_key_sha256, nodes.c.trusted_sha256).where(_is_holder(certificate.holder))
        row = connection.execute(known).one_or_none()
        news = {}
        if row is not None and row.registered_key_sha256 == certificate.key_sha256 != "":
            news["registered_key_sha256"] = ""
        if row is not None and row.trusted_sha256 != authorities_sha256:
            news["trusted_sha256"] = authorities_sha256
        return news

    @writing_quietly
    def _keep_news(self, connection: Connection, holder: str, news: dict[str, str]) -> None:
        connection.execute(update(nodes).where(_is_holder(holder)).values(news))

    @reading
    def count_untrusting(self, connection: Connection, authorities_sha256: str, *, now: datetime) -> int:
        """See EnrollmentStore."""
        holds_one = exists(
            select(credentials.c.sha256).where(
                credentials.c.holder == "nodes/" + nodes.c.node_id, _IS_CERTIFICATE, *_is_valid(as_us(now))
            )
        )
        query = select(func.count()).where(
            nodes.c.state == NodeState.ENROLLED, nodes.c.trusted_sha256 != authorities_sha256, holds_one
        )
        return connection.scalar(query) or 0

    @writing
    def revoke_issued(self, connection: Connection, issuer_sha256: str, *, now: datetime) -> tuple[str, ...]:
        """See EnrollmentStore."""
        now_us = as_us(now)
        issued = select(credentials).where(
            credentials.c.issuer_sha256 == issuer_sha256, _IS_CERTIFICATE, *_is_valid(now_us)
        )
        rows = connection.execute(issued).all()
        _end(connection, rows, now_us)
        return tuple(sorted({row.holder for row in rows}))

    @writing_quietly
    def claim_certificates(self, connection: Connection, issuer_sha256: str) -> None:
        """See EnrollmentStore."""
        nobodys = (credentials.c.issuer_sha256 == "", _IS_CERTIFICATE)
        connection.execute(update(credentials).where(*nobodys).values(issuer_sha256=issuer_sha256))

    @reading
    def revoked_certificates(self, connection: Connection, *, now: datetime) -> tuple[CredentialRecord, ...]:
        """See EnrollmentStore."""
        now_us = as_us(now)
        query = select(credentials).where(
            _IS_CERTIFICATE, credentials.c.revoke_us <= now_us, credentials.c.expire_us > now_us
        )
        return tuple(credential_record(row) for row in connection.execute(query.order_by(credentials.c.revoke_us)))


def _is_holder(holder: str) -> ColumnElement[bool]:
    return nodes.c.node_id == holder.removeprefix("nodes/")


def _check_new_key(connection: Connection, key_sha256: str) -> None:
    if key_uses(connection, key_sha256):
        raise InvalidArgumentError(
            "certificate_request_pem: its key was used before; make a new one to renew", reason="KEY_USED"
        )


def _check_pace(connection: Connection, node_id: str, since: datetime) -> None:
    earlier = credentials.alias()
    # a unit that came back by its last key goes on to a new one at once
    is_return = exists(
        select(earlier.c.sha256).where(
            earlier.c.key_sha256 == credentials.c.key_sha256, earlier.c.create_us <= as_us(since)
        )
    )
    newest = select(credentials.c.sha256).where(
        credentials.c.holder == f"nodes/{node_id}", _IS_CERTIFICATE, credentials.c.create_us > as_us(since), ~is_return
    )
    if connection.execute(newest).first() is not None:
        raise ResourceExhaustedError(
            f"node {node_id} got a certificate a moment ago; renew later, or with the same key",
            reason="RENEWS_TOO_OFTEN",
        )


def _end(connection: Connection, rows: Any, end_us: int) -> None:  # noqa: ANN401  # rows of SQLAlchemy
    for row in rows:
        connection.execute(update(credentials).where(credentials.c.sha256 == row.sha256).values(revoke_us=end_us))
        before = row._asdict()
        changed(connection, f"credentials/{row.sha256[:24]}", before=before, after=before | {"revoke_us": end_us})


def _is_open(at_us: int) -> ColumnElement[bool]:
    return or_(credentials.c.revoke_us.is_(None), credentials.c.revoke_us > at_us)


def _is_valid(now_us: int) -> tuple[ColumnElement[bool], ...]:
    return _is_open(now_us), or_(credentials.c.expire_us.is_(None), credentials.c.expire_us > now_us)
