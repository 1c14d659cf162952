"""Whose things are and where they stand: tenants, sites, corridors, groups, geofences."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from wayside_manager.store.schema.columns import changes, metadata, node_id, tenant_id

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
    tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("latitude_deg", Float),
    Column("longitude_deg", Float),
    Column("time_zone", String(64), nullable=False),
    Column("variables", Text, nullable=False),
    # names of the line and the supply its units hang on, and of what they are exposed to; empty: not said
    Column("backhaul", String(63), nullable=False, server_default=""),
    Column("power_feed", String(63), nullable=False, server_default=""),
    Column("exposure_class", String(63), nullable=False, server_default=""),
    *changes(),
)
corridors = Table(
    "corridors",
    metadata,
    Column("corridor_id", String(63), primary_key=True),
    tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("is_ring", Boolean, nullable=False),
    Column("max_in_flight_percent", Float, nullable=False),
    *changes(),
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
    tenant_id(),
    Column("display_name", Text, nullable=False),
    # empty: the nodes in group_nodes
    Column("selector", Text, nullable=False),
    *changes(),
)
group_nodes = Table(
    "group_nodes",
    metadata,
    Column("group_id", String(63), ForeignKey("groups.group_id"), nullable=False),
    node_id(),
    PrimaryKeyConstraint("group_id", "node_id"),
    Index(None, "node_id"),
)
geofences = Table(
    "geofences",
    metadata,
    Column("geofence_id", String(63), primary_key=True),
    tenant_id(),
    Column("display_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("geometry", Text, nullable=False),
    # hours, time zone, licence, its begin and end, hysteresis
    Column("rule", Text, nullable=False),
    *changes(),
)
