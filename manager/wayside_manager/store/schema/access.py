"""Who may do what: operators, credentials, decisions of a second person, the policy."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table, Text

from wayside_manager.store.schema.columns import metadata, tenant_id

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
    tenant_id(),
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
