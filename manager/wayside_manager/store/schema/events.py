"""What happened, and where word of it goes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from wayside_manager.store.schema.columns import changes, metadata, tenant_id

# one row: the cursor of the newest event. Whoever appends locks it first, so cursors rise in the order of the commits.
event_head = Table(
    "event_head",
    metadata,
    Column("head_id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", BigInteger, nullable=False),
    # events up to this one were dropped with age
    Column("dropped_cursor", BigInteger, nullable=False),
)
events = Table(
    "events",
    metadata,
    Column("cursor", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(80), nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("record_us", BigInteger, nullable=False, index=True),
    Column("severity", Integer, nullable=False),
    Column("subject", String(160), nullable=False),
    # no node: the empty text
    Column("node_id", String(63), nullable=False),
    Column("site_id", String(63), nullable=False),
    # no foreign key: events outlive what they are about
    Column("tenant_id", String(63), nullable=False),
    Column("message", Text, nullable=False),
    # JSON object
    Column("details", Text, nullable=False),
    Index(None, "node_id", "cursor"),
)
event_sinks = Table(
    "event_sinks",
    metadata,
    Column("sink_id", String(63), primary_key=True),
    tenant_id(),
    Column("display_name", Text, nullable=False),
    # JSON: filter, windows, time zone, target
    Column("rule", Text, nullable=False),
    Column("is_paused", Boolean, nullable=False),
    # events up to this one are done with
    Column("cursor", BigInteger, nullable=False),
    Column("fault", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("retry_us", BigInteger),
    *changes(),
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("sink_id", String(63), ForeignKey("event_sinks.sink_id"), nullable=False),
    Column("cursor", BigInteger, nullable=False),
    # the event itself, JSON: it may outlive its row
    Column("event", Text, nullable=False),
    Column("fault", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("give_up_us", BigInteger, nullable=False),
    # somebody wants it tried again
    Column("is_retried", Boolean, nullable=False),
    PrimaryKeyConstraint("sink_id", "cursor"),
)
