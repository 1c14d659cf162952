"""What is wrong, and what becomes an alarm."""

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

from wayside_manager.store.schema.columns import metadata, node_id, tenant_id

alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", String(63), primary_key=True),
    tenant_id(),
    Column("kind", String(80), nullable=False),
    # nodes/x, sites/x, corridors/x, backhauls/x, powerFeeds/x
    Column("subject", String(160), nullable=False),
    # empty: the subject is an area
    Column("node_id", String(63), nullable=False, index=True),
    Column("site_id", String(63), nullable=False),
    # 1 info to 5 critical, escalation included; base_severity without
    Column("severity", Integer, nullable=False),
    Column("base_severity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("begin_us", BigInteger, nullable=False),
    Column("raise_us", BigInteger, nullable=False),
    Column("clear_us", BigInteger),
    # since when what was wrong is right again, while it waits to be cleared
    Column("over_us", BigInteger),
    Column("occurrence_count", Integer, nullable=False),
    Column("acknowledger", String(160), nullable=False),
    Column("acknowledge_us", BigInteger),
    Column("note", Text, nullable=False),
    Column("shelve_end_us", BigInteger),
    Column("escalation_level", Integer, nullable=False),
    # alarm that explains it; empty: none
    Column("parent_id", String(63), nullable=False, index=True),
    Column("is_storm", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index(None, "state", "severity"),
    Index(None, "kind", "subject"),
)
alarm_members = Table(
    "alarm_members",
    metadata,
    Column("alarm_id", String(63), ForeignKey("alarms.alarm_id"), nullable=False),
    node_id(),
    Column("site_id", String(63), nullable=False),
    Column("lost_us", BigInteger, nullable=False),
    Column("return_us", BigInteger),
    # reports its node had given up, in all, when it was lost
    Column("lost_report_count", BigInteger, nullable=False),
    PrimaryKeyConstraint("alarm_id", "node_id"),
    Index(None, "node_id"),
)
# one row, or none as long as nobody has set it
alarm_policy = Table(
    "alarm_policy",
    metadata,
    Column("policy_id", Integer, primary_key=True, autoincrement=False),
    Column("policy", Text, nullable=False),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
