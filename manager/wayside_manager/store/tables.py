"""Every table. Times are whole microseconds since 1970 UTC, so that no engine's time zone rules apply.

What operators say (`nodes`), what the node says (`node_status`) and what it should be (`node_desired`) are three
tables, because three writers write them at three rates. `revision` columns are etags.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
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


def _changes() -> tuple[Column[int], Column[int], Column[int]]:
    return (
        Column("create_us", BigInteger, nullable=False),
        Column("update_us", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )


tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", String(63), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("parent_id", String(63), ForeignKey("tenants.tenant_id")),
    Column("create_us", BigInteger, nullable=False),
)
sites = Table(
    "sites",
    metadata,
    Column("site_id", String(63), primary_key=True),
    _tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("latitude_deg", Float),
    Column("longitude_deg", Float),
    Column("time_zone", String(64), nullable=False),
    Column("variables", Text, nullable=False),
    *_changes(),
)
corridors = Table(
    "corridors",
    metadata,
    Column("corridor_id", String(63), primary_key=True),
    _tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("is_ring", Boolean, nullable=False),
    Column("max_in_flight_percent", Float, nullable=False),
    *_changes(),
)
corridor_sites = Table(
    "corridor_sites",
    metadata,
    Column("corridor_id", String(63), ForeignKey("corridors.corridor_id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("site_id", String(63), ForeignKey("sites.site_id"), nullable=False, index=True),
    Column("stake_m", Float, nullable=False),
    PrimaryKeyConstraint("corridor_id", "place"),
    UniqueConstraint("corridor_id", "site_id"),
)
groups = Table(
    "groups",
    metadata,
    Column("group_id", String(63), primary_key=True),
    _tenant_id(),
    Column("display_name", Text, nullable=False),
    # empty: the nodes in group_nodes
    Column("selector", Text, nullable=False),
    *_changes(),
)
geofences = Table(
    "geofences",
    metadata,
    Column("geofence_id", String(63), primary_key=True),
    _tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("geometry", Text, nullable=False),
    # hours, time zone, licence, its begin and end, hysteresis
    Column("rule", Text, nullable=False),
    *_changes(),
)
nodes = Table(
    "nodes",
    metadata,
    Column("node_id", String(63), primary_key=True),
    _tenant_id(),
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
    # what the layers ask for; config_revision follows when the node's turn comes
    Column("target_config_revision", BigInteger, nullable=False),
    Column("target_config_sha256", String(64), nullable=False),
    Column("config_problem", Text, nullable=False),
    Column("config_trial", String(80), nullable=False),
    Column("config_trial_timeout_us", BigInteger, nullable=False),
    Column("config_decision", String(16), nullable=False),
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
config_layer_revisions = Table(
    "config_layer_revisions",
    metadata,
    Column("layer_id", String(63), nullable=False),
    Column("revision", BigInteger, nullable=False),
    _tenant_id(),
    Column("selector", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("config", Text, nullable=False),
    Column("author", String(80), nullable=False),
    Column("comment", Text, nullable=False),
    Column("is_deletion", Boolean, nullable=False),
    Column("rollout_id", String(63), nullable=False),
    Column("create_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("layer_id", "revision"),
)
config_contents = Table(
    "config_contents",
    metadata,
    # canonical JSON by its hash: nodes of a fleet share few
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
node_configs = Table(
    "node_configs",
    metadata,
    _node_id(),
    Column("revision", BigInteger, nullable=False),
    Column("sha256", String(64), ForeignKey("config_contents.sha256"), nullable=False, index=True),
    Column("cause", String(160), nullable=False),
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
    # JSON schema of the configuration it takes; empty: it publishes none
    Column("config_schema", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
)
rollouts = Table(
    "rollouts",
    metadata,
    Column("rollout_id", String(63), primary_key=True),
    _tenant_id(),
    # of a release; of configuration it is null, and config_cause says what changed
    Column("version", String(80), ForeignKey("releases.version")),
    Column("config_cause", String(160), nullable=False),
    Column("plan", Text, nullable=False),
    # whom a dynamic one takes in; otherwise only for the record
    Column("selector", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("message", Text, nullable=False),
    # when each wave began and passed its gate
    Column("waves", Text, nullable=False),
    Column("request_id", String(64), unique=True),
    Column("retry_of", String(63), nullable=False),
    Column("deadline_us", BigInteger, nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
rollout_nodes = Table(
    "rollout_nodes",
    metadata,
    Column("rollout_id", String(63), ForeignKey("rollouts.rollout_id"), nullable=False),
    _node_id(),
    Column("wave", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    # the node's word says that it runs what it should
    Column("runs_target", Boolean, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("message", Text, nullable=False),
    Column("tell_us", BigInteger),
    # what it shall run, in a rollout of configuration
    Column("config_revision", BigInteger, nullable=False),
    Column("config_sha256", String(64), nullable=False),
    # what it was told before
    Column("previous_version", String(80)),
    Column("previous_rollout_id", String(63)),
    Column("previous_config_revision", BigInteger),
    PrimaryKeyConstraint("rollout_id", "node_id"),
    Index(None, "node_id"),
    Index(None, "state"),
)
leases = Table(
    "leases",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("holder", String(64), nullable=False),
    # rises with every holder: who writes under an older one has lost the lease
    Column("fence", BigInteger, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
)
group_nodes = Table(
    "group_nodes",
    metadata,
    Column("group_id", String(63), ForeignKey("groups.group_id"), nullable=False),
    _node_id(),
    PrimaryKeyConstraint("group_id", "node_id"),
    Index(None, "node_id"),
)
radio_licences = Table(
    "radio_licences",
    metadata,
    Column("licence_id", String(63), primary_key=True),
    _tenant_id(),
    Column("number", Text, nullable=False),
    Column("node_id", String(63), ForeignKey("nodes.node_id"), nullable=False, unique=True),
    Column("center_hz", Float, nullable=False),
    Column("bandwidth_hz", Float, nullable=False),
    Column("max_power_dbm", Float, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
    *_changes(),
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
