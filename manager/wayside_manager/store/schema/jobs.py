"""One-off work of nodes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from wayside_manager.store.schema.columns import metadata, node_id, tenant_id

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(63), primary_key=True),
    node_id(),
    tenant_id(),
    # which work, for lists: `reboot`, `debug_bundle`, ...
    Column("kind", String(32), nullable=False),
    # a serialized wayside.v1.JobSpec
    Column("spec", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress_percent", Integer, nullable=False),
    Column("message", Text, nullable=False),
    # JSON object; empty: none
    Column("result", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("requester", String(160), nullable=False),
    # fleet job it belongs to; empty: none
    Column("rollout_id", String(63), nullable=False, index=True),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("begin_us", BigInteger),
    Column("end_us", BigInteger),
    Column("expire_us", BigInteger, nullable=False),
    # how long the node may take
    Column("timeout_us", BigInteger, nullable=False),
    # without a last word of a node that was told, it is lost then
    Column("lose_us", BigInteger, nullable=False),
    Column("artifact_max_bytes", BigInteger, nullable=False),
    # first sent to the node
    Column("tell_us", BigInteger),
    Column("is_cancelling", Boolean, nullable=False),
    Column("late_report", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Index(None, "node_id", "state"),
    Index(None, "state"),
)
job_artifacts = Table(
    "job_artifacts",
    metadata,
    Column("job_id", String(63), ForeignKey("jobs.job_id"), nullable=False),
    Column("file", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("job_id", "file"),
)
