"""Enrolment tokens in SQL."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from wayside.errors import AlreadyExistsError
from wayside_manager.core.access import Reach
from wayside_manager.core.enrollment import TokenRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.store.enrollment_rows import hash_begins_with, token_record
from wayside_manager.store.moments import as_us
from wayside_manager.store.part import SqlPart, changed, page, reading, writing
from wayside_manager.store.tables import tokens


class SqlEnrollmentTokens(SqlPart):
    """The tokens' share of `ports.EnrollmentStore`."""

    @writing
    def add_token(self, connection: Connection, token: TokenRecord) -> None:
        """See EnrollmentStore."""
        row = {
            "sha256": token.sha256,
            "tenant_id": token.tenant_id,
            "create_us": as_us(token.create_time),
            "expire_us": as_us(token.expire_time),
            "remaining_use_count": token.remaining_use_count,
            "node_id": token.node_id,
            "kind": token.kind or "",
            "esn": token.esn,
        }
        # those that have ended go when new ones come, so that the table stays small
        connection.execute(delete(tokens).where(tokens.c.expire_us <= as_us(token.create_time)))
        try:
            connection.execute(insert(tokens), row)
        except IntegrityError as error:
            raise AlreadyExistsError("token: it is taken; make another", reason="TOKEN_EXISTS") from error
        changed(connection, f"enrollmentTokens/{token.token_id}", before=None, after=row, tenant_id=token.tenant_id)

    @reading
    def list_tokens(
        self, connection: Connection, *, reach: Reach, now: datetime, page_size: int = 0, page_token: str = ""
    ) -> Page[TokenRecord]:
        """See EnrollmentStore."""
        size, question = checked_page_size(page_size), "enrollmentTokens"
        key = (tokens.c.create_us, tokens.c.sha256)
        query = (
            select(tokens)
            .where(tokens.c.expire_us > as_us(now), tokens.c.remaining_use_count > 0)
            .order_by(*(column.desc() for column in key))
            .limit(size + 1)
        )
        if not reach.is_everywhere:
            query = query.where(tokens.c.tenant_id.in_(sorted(reach.whole_tenant_ids)))
        before = position(page_token, question, types=(int, str))
        if before is not None:
            query = query.where(tuple_(*key) < tuple_(*before))
        return page(connection.execute(query).all(), size, question, key=("create_us", "sha256"), record=token_record)

    @writing
    def revoke_token(self, connection: Connection, token_id: str) -> None:
        """See EnrollmentStore."""
        row = connection.execute(select(tokens).where(hash_begins_with(tokens.c.sha256, token_id))).one_or_none()
        if row is None:
            raise not_there("enrollmentTokens", token_id[:80])
        connection.execute(delete(tokens).where(tokens.c.sha256 == row.sha256))
        changed(connection, f"enrollmentTokens/{token_id}", before=row._asdict(), after=None, tenant_id=row.tenant_id)
