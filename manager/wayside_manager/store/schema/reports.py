"""What units sent, as they sent it."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from wayside_manager.store.schema.columns import metadata, node_id

spools = Table(
    "spools",
    metadata,
    node_id(),
    Column("spool_id", String(80), nullable=False),
    Column("acknowledged_sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("node_id", "spool_id"),
)
reports = Table(
    "reports",
    metadata,
    node_id(),
    Column("spool_id", String(80), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("receive_us", BigInteger, nullable=False, index=True),
    Column("record_us", BigInteger),
    Column("time_quality", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("node_id", "spool_id", "sequence"),
)
