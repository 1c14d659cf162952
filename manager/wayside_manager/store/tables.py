"""Every table. Times are whole microseconds since 1970 UTC, so that no engine's time zone rules apply.

What operators say (`nodes`), what the node says (`node_status`) and what it should be (`node_desired`) are three
tables, because three writers write them at three rates. `revision` columns are etags.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _node_id(*, is_key: bool = False) -> Column[str]:
    return Column("node_id", String(63), ForeignKey("nodes.node_id"), primary_key=is_key, nullable=False)


def _tenant_id() -> Column[str]:
    return Column("tenant_id", String(63), ForeignKey("tenants.tenant_id"), nullable=False, index=True)


tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", String(63), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("parent_id", String(63), ForeignKey("tenants.tenant_id")),
    Column("create_us", BigInteger, nullable=False),
)
nodes = Table(
    "nodes",
    metadata,
    Column("node_id", String(63), primary_key=True),
    _tenant_id(),
    Column("esn", String(64), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("site", Text, nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("registered_key_sha256", String(64), nullable=False, index=True),
    Column("trusted_sha256", String(64), nullable=False),
    Column("create_us", BigInteger, nullable=False),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
node_labels = Table(
    "node_labels",
    metadata,
    _node_id(),
    Column("key", String(63), nullable=False),
    Column("value", String(63), nullable=False),
    PrimaryKeyConstraint("node_id", "key"),
    Index(None, "key", "value"),
)
node_status = Table(
    "node_status",
    metadata,
    _node_id(is_key=True),
    Column("last_report_us", BigInteger),
    Column("report_period_us", BigInteger, nullable=False),
    Column("health", LargeBinary, nullable=False),
    Column("config_report", LargeBinary, nullable=False),
    Column("update_report", LargeBinary, nullable=False),
    Column("running_release", String(80), nullable=False),
    Column("running_version", Text, nullable=False),
    Column("running_config_revision", BigInteger, nullable=False),
    Column("update_phase", String(16), nullable=False),
    Column("lost_report_count", BigInteger, nullable=False),
)
node_desired = Table(
    "node_desired",
    metadata,
    _node_id(is_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("config_revision", BigInteger, nullable=False),
    Column("config_sha256", String(64), nullable=False),
    Column("version", String(80), ForeignKey("releases.version")),
    Column("rollout_id", String(63), ForeignKey("rollouts.rollout_id")),
)
spools = Table(
    "spools",
    metadata,
    _node_id(),
    Column("spool_id", String(80), nullable=False),
    Column("acknowledged_sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("node_id", "spool_id"),
)
reports = Table(
    "reports",
    metadata,
    _node_id(),
    Column("spool_id", String(80), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("receive_us", BigInteger, nullable=False, index=True),
    Column("record_us", BigInteger),
    Column("time_quality", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("node_id", "spool_id", "sequence"),
)
tokens = Table(
    "tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    _tenant_id(),
    Column("create_us", BigInteger, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
    Column("remaining_use_count", Integer, nullable=False),
    Column("node_id", String(63), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("esn", String(64), nullable=False),
)
enrollment_requests = Table(
    "enrollment_requests",
    metadata,
    Column("key_sha256", String(64), primary_key=True),
    Column("node_id", String(63), nullable=False),
    Column("esn", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("source_address", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    # what the operator decided; empty until then
    Column("approved_node_id", String(63), nullable=False),
    Column("approved_tenant_id", String(63), nullable=False),
    Column("is_replacement", Boolean, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
)
config_layers = Table(
    "config_layers",
    metadata,
    Column("layer_id", String(63), primary_key=True),
    _tenant_id(),
    Column("selector", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("config", Text, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
node_configs = Table(
    "node_configs",
    metadata,
    _node_id(),
    Column("revision", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("node_id", "revision"),
)
releases = Table(
    "releases",
    metadata,
    Column("version", String(80), primary_key=True),
    _tenant_id(),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("notes", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
)
rollouts = Table(
    "rollouts",
    metadata,
    Column("rollout_id", String(63), primary_key=True),
    _tenant_id(),
    Column("version", String(80), ForeignKey("releases.version"), nullable=False),
    Column("max_in_flight_count", Integer, nullable=False),
    Column("max_failure_count", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("message", Text, nullable=False),
    Column("request_id", String(64), unique=True),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
rollout_nodes = Table(
    "rollout_nodes",
    metadata,
    Column("rollout_id", String(63), ForeignKey("rollouts.rollout_id"), nullable=False),
    _node_id(),
    Column("state", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("running_release", String(80), nullable=False),
    Column("update_report", LargeBinary, nullable=False),
    Column("previous_version", String(80)),
    Column("previous_rollout_id", String(63)),
    PrimaryKeyConstraint("rollout_id", "node_id"),
    Index(None, "node_id"),
)
operators = Table(
    "operators",
    metadata,
    Column("operator_id", String(63), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("bindings", Text, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("oidc_subject", String(255), unique=True),
    Column("password_hash", Text, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
credentials = Table(
    "credentials",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("holder", String(80), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("bindings", Text, nullable=False),
    Column("key_sha256", String(64), nullable=False, index=True),
    Column("issuer_sha256", String(64), nullable=False, index=True),
    Column("is_confirmed", Boolean, nullable=False),
    Column("create_us", BigInteger, nullable=False),
    Column("expire_us", BigInteger),
    Column("revoke_us", BigInteger, index=True),
)
approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", String(63), primary_key=True),
    _tenant_id(),
    Column("method", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False, index=True),
    Column("request_json", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("requester", String(80), nullable=False),
    Column("state", String(16), nullable=False),
    Column("decider", String(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("expire_us", BigInteger, nullable=False),
    Column("decide_us", BigInteger),
)
access_policy = Table(
    "access_policy",
    metadata,
    Column("policy_id", Integer, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
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
