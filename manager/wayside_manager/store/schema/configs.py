"""Layers with their history, and what they made of each unit."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from wayside_manager.store.schema.columns import metadata, node_id, tenant_id

config_layers = Table(
    "config_layers",
    metadata,
    Column("layer_id", String(63), primary_key=True),
    tenant_id(),
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
    tenant_id(),
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
    node_id(),
    Column("revision", BigInteger, nullable=False),
    Column("sha256", String(64), ForeignKey("config_contents.sha256"), nullable=False, index=True),
    Column("cause", String(160), nullable=False),
    Column("create_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("node_id", "revision"),
)
