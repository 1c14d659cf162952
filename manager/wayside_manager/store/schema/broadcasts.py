"""What roadside units of an area repeat on the air, and what they said of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from wayside_manager.store.schema.columns import changes, metadata, node_id, tenant_id

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("broadcast_id", String(63), primary_key=True),
    tenant_id(),
    # `map` or `rsi`
    Column("kind", String(8), nullable=False),
    Column("selector", Text, nullable=False),
    # UPER
    Column("message", LargeBinary, nullable=False),
    Column("profile", String(8), nullable=False),
    Column("begin_us", BigInteger),
    Column("end_us", BigInteger),
    Column("is_drill", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", String(160), nullable=False),
    Column("withdraw_us", BigInteger),
    *changes(),
)
broadcast_nodes = Table(
    "broadcast_nodes",
    metadata,
    Column("broadcast_id", String(63), ForeignKey("broadcasts.broadcast_id"), nullable=False),
    node_id(),
    # the unit should have it; else it should not have it any more
    Column("is_wanted", Boolean, nullable=False),
    # newest revision the unit was told; 0: none
    Column("told_revision", BigInteger, nullable=False),
    # revision its newest word is about; 0: it said nothing
    Column("said_revision", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    # by the unit's clock
    Column("say_us", BigInteger),
    Column("receive_us", BigInteger),
    PrimaryKeyConstraint("broadcast_id", "node_id"),
    Index(None, "node_id"),
)
