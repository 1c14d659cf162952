"""How nodes are and were."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from wayside_manager.store.schema.columns import metadata, node_id

# what is not ok now; a node whose every check is ok has no row
node_checks = Table(
    "node_checks",
    metadata,
    node_id(),
    Column("name", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("value", Float),
    Column("unit", String(32), nullable=False),
    PrimaryKeyConstraint("node_id", "name"),
    Index(None, "name"),
)
# stretches in one state, by the manager's clock; the newest of a node has no end
node_states = Table(
    "node_states",
    metadata,
    node_id(),
    Column("begin_us", BigInteger, nullable=False),
    Column("end_us", BigInteger),
    Column("state", String(16), nullable=False),
    PrimaryKeyConstraint("node_id", "begin_us"),
    Index(None, "end_us"),
)
# per node and minute (step_s 60), later per hour (3600)
health_history = Table(
    "health_history",
    metadata,
    node_id(),
    Column("step_s", Integer, nullable=False),
    Column("begin_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    Column("ok_us", BigInteger, nullable=False),
    Column("degraded_us", BigInteger, nullable=False),
    Column("failed_us", BigInteger, nullable=False),
    Column("report_count", Integer, nullable=False),
    # JSON: name to [min, sum, max, count]
    Column("quantities", Text, nullable=False),
    PrimaryKeyConstraint("node_id", "step_s", "begin_us"),
    Index(None, "step_s", "begin_us"),
)
# how far each class of history is made
history_progress = Table(
    "history_progress",
    metadata,
    Column("step_s", Integer, primary_key=True, autoincrement=False),
    Column("through_us", BigInteger, nullable=False),
)
