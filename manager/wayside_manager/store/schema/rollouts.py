"""Releases, their rollouts and those of configurations, and who may step them."""

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

releases = Table(
    "releases",
    metadata,
    Column("version", String(80), primary_key=True),
    tenant_id(),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("notes", Text, nullable=False),
    # JSON schema of the configuration it takes; empty: it publishes none
    Column("config_schema", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("revision", BigInteger, nullable=False),
    # rises along a line of releases; units take no smaller one
    Column("counter", BigInteger, nullable=False, server_default="0"),
    # what the archive says of itself beyond that, JSON: hardware, components, requirements, notices, tree
    Column("manifest", Text, nullable=False, server_default="{}"),
    Column("downgrade_from_counter", BigInteger, nullable=False, server_default="0"),
)
rollouts = Table(
    "rollouts",
    metadata,
    Column("rollout_id", String(63), primary_key=True),
    tenant_id(),
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
    # of a fleet job: the work, who asked for it and why, JSON; empty: of a release or of configuration
    Column("job", Text, nullable=False, server_default=""),
    # storm alarm it rests for; empty: none
    Column("storm_alarm_id", String(63), nullable=False, server_default=""),
    Column("deadline_us", BigInteger, nullable=False),
    Column("create_us", BigInteger, nullable=False, index=True),
    Column("update_us", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
rollout_nodes = Table(
    "rollout_nodes",
    metadata,
    Column("rollout_id", String(63), ForeignKey("rollouts.rollout_id"), nullable=False),
    node_id(),
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
    # tries before this one that did not succeed; what its word says of another, a number of `core.rollout.Fault`
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("fault", Integer, nullable=False, server_default="0"),
    # it is told again no earlier
    Column("retry_us", BigInteger),
    # when it went on after it had been staged and waited
    Column("resume_us", BigInteger),
    # when the window it was told in closes
    Column("window_end_us", BigInteger),
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
