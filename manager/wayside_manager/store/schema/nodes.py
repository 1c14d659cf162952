"""Units: what operators say (`nodes`), what the unit says (`node_status`), what it should be (`node_desired`).

Three tables, because three writers write them at three rates.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from wayside_manager.store.schema.columns import changes, metadata, node_id, tenant_id

nodes = Table(
    "nodes",
    metadata,
    Column("node_id", String(63), primary_key=True),
    tenant_id(),
    Column("esn", String(64), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("site_id", String(63), ForeignKey("sites.site_id"), index=True),
    Column("variables", Text, nullable=False),
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
    node_id(),
    Column("key", String(63), nullable=False),
    Column("value", String(63), nullable=False),
    PrimaryKeyConstraint("node_id", "key"),
    Index(None, "key", "value"),
)
node_status = Table(
    "node_status",
    metadata,
    node_id(is_key=True),
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
    Column("model", String(80), nullable=False),
    # of what the node runs; empty: it never said
    Column("running_config_sha256", String(64), nullable=False),
    # its newest word on a configuration: how it fared, and since when that is so
    Column("config_outcome", String(16), nullable=False),
    Column("config_trial", String(80), nullable=False),
    Column("config_since_us", BigInteger),
    # how often it came and went, decaying
    Column("penalty", Float, nullable=False),
    Column("penalty_us", BigInteger),
    # the worst of its checks, what decides it, and since when; what is not ok stands in node_checks
    Column("health_state", String(16), nullable=False, server_default="unknown"),
    Column("health_cause", String(80), nullable=False, server_default=""),
    Column("health_since_us", BigInteger),
    Column("check_count", Integer, nullable=False, server_default="0"),
    # of the names and states of what is not ok, so that an unchanged report writes no rows
    Column("checks_sha256", String(64), nullable=False, server_default=""),
    # when `health` was made, by the node's clock, and when it came, if it came ahead of the spool: what the spool still
    # holds from before does not replace it. Null: it came from the spool, which is in order
    Column("health_record_us", BigInteger),
    Column("health_live_us", BigInteger),
    # starts of the agent; null: it never said
    Column("start_count", BigInteger),
    # the first end of what the unit trusts by, and what that is
    Column("autonomy_end_us", BigInteger),
    Column("autonomy_limit", String(40), nullable=False, server_default=""),
    # what the unit told at its last session: its hardware, and the files of the release it runs
    Column("hardware_id", String(63), nullable=False, server_default=""),
    Column("running_tree_sha256", String(64), nullable=False, server_default=""),
    # where it serves artifacts to units near it; empty: nowhere, or nowhere others may be sent to
    Column("peer_address", String(60), nullable=False, server_default=""),
)
node_desired = Table(
    "node_desired",
    metadata,
    node_id(is_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("config_revision", BigInteger, nullable=False),
    Column("config_sha256", String(64), nullable=False),
    Column("version", String(80), ForeignKey("releases.version")),
    Column("rollout_id", String(63), ForeignKey("rollouts.rollout_id")),
    # what the layers ask for; config_revision follows when the node's turn comes
    Column("target_config_revision", BigInteger, nullable=False),
    Column("target_config_sha256", String(64), nullable=False),
    Column("config_problem", Text, nullable=False),
    Column("config_trial", String(80), nullable=False),
    Column("config_trial_timeout_us", BigInteger, nullable=False),
    Column("config_decision", String(16), nullable=False),
)
radio_licences = Table(
    "radio_licences",
    metadata,
    Column("licence_id", String(63), primary_key=True),
    tenant_id(),
    Column("number", Text, nullable=False),
    Column("node_id", String(63), ForeignKey("nodes.node_id"), nullable=False, unique=True),
    Column("center_hz", Float, nullable=False),
    Column("bandwidth_hz", Float, nullable=False),
    Column("max_power_dbm", Float, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
    *changes(),
)
