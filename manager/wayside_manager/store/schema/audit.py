"""The journal, its head and its seals."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from wayside_manager.store.schema.columns import metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    # the rest repeats the line, for lists
    Column("time_us", BigInteger, nullable=False, index=True),
    Column("tenant_id", String(63), nullable=False, index=True),
    Column("actor", String(80), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
)
audit_head = Table(
    "audit_head",
    metadata,
    Column("head_id", Integer, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)
audit_seals = Table(
    "audit_seals",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("authority_sha256", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
