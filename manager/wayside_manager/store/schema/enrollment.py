"""How units come in: tokens and requests."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table

from wayside_manager.store.schema.columns import metadata, tenant_id

tokens = Table(
    "tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    tenant_id(),
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
