"""Add tenants, operators, approvals and the audit trail; give every thing an owner.

What was there before belongs to the root tenant, and whoever held an operator's credential is an admin there.

Revision ID: 0002
Revises: 0001
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ADMIN_OF_ROOT = '[{"role":"admin","tenant_id":"root","sites":[],"labels":[]}]'


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    _make_tenants()
    _make_tables()
    _renew_credentials()
    _give_owners()


def _make_tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("parent_id", sa.String(length=63), nullable=True),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["tenants.tenant_id"], name=op.f("fk_tenants_parent_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    op.execute(
        sa.text("INSERT INTO tenants VALUES ('root', '', 'province', NULL, :now_us)").bindparams(now_us=_now_us())
    )


def _make_tables() -> None:
    op.create_table(
        "access_policy",
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_access_policy")),
    )
    op.create_table(
        "audit_entries",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries") as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_actor"), ["actor"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_time_us"), ["time_us"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("head_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_audit_head")),
    )
    op.execute(sa.text("INSERT INTO audit_head VALUES (1, 0, :first)").bindparams(first="0" * 64))
    _keep_entries()
    op.create_table(
        "audit_seals",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("authority_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "enrollment_requests",
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("esn", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source_address", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("approved_node_id", sa.String(length=63), nullable=False),
        sa.Column("approved_tenant_id", sa.String(length=63), nullable=False),
        sa.Column("is_replacement", sa.Boolean(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_enrollment_requests")),
    )
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("bindings", sa.Text(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_operators_oidc_subject")),
    )
    op.create_table(
        "approvals",
        sa.Column("approval_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("request_json", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("requester", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decider", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.Column("decide_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_approvals_tenant_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("approvals") as batch_op:
        batch_op.create_index(batch_op.f("ix_approvals_create_us"), ["create_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_approvals_request_sha256"), ["request_sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_approvals_tenant_id"), ["tenant_id"], unique=False)


def _keep_entries() -> None:
    """Entries are added and stay. This stops mistakes; against whoever owns the file stand the chain and its seals."""
    if op.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL: REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM the manager's role
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entries_no_{verb.lower()} BEFORE {verb} ON audit_entries"
            " BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END"
        )


def _renew_credentials() -> None:
    op.execute(
        sa.text(
            "INSERT INTO operators SELECT DISTINCT"
            " substr(name, 11, length(name) - 10 - length('/token')),"
            " '', :bindings, false, NULL, '', :now_us, :now_us, 1"
            " FROM credentials WHERE name LIKE 'operators/%/token'"
        ).bindparams(bindings=_ADMIN_OF_ROOT, now_us=_now_us())
    )
    # its constraints keep their names when a table is renamed, so its rows wait in a table without any
    op.execute("CREATE TABLE credentials_before AS SELECT * FROM credentials")
    op.drop_table("credentials")
    op.create_table(
        "credentials",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("bindings", sa.Text(), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("issuer_sha256", sa.String(length=64), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=True),
        sa.Column("revoke_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_credentials"),
    )
    for sort, kind in (("token", "api-token"), ("certificate", "certificate")):
        op.execute(
            sa.text(
                "INSERT INTO credentials"
                " SELECT sha256, substr(name, 1, length(name) - 1 - length(:sort)), :kind, '', '[]', '', '', true,"
                " create_us, expire_us, NULL FROM credentials_before WHERE name LIKE '%/' || :sort"
            ).bindparams(sort=sort, kind=kind)
        )
    op.drop_table("credentials_before")
    for column in ("holder", "issuer_sha256", "key_sha256", "revoke_us"):
        op.create_index(f"ix_credentials_{column}", "credentials", [column])


def _give_owners() -> None:
    for table, columns in (
        ("config_layers", ()),
        ("nodes", (("registered_key_sha256", 64), ("trusted_sha256", 64))),
        ("releases", ()),
        ("rollouts", ()),
        ("tokens", (("esn", 64),)),
    ):
        added = (("tenant_id", 63, "root"), *((name, length, "") for name, length in columns))
        with op.batch_alter_table(table) as batch:
            for name, length, value in added:
                batch.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=value))
            batch.create_index(f"ix_{table}_tenant_id", ["tenant_id"])
            batch.create_foreign_key(f"fk_{table}_tenant_id", "tenants", ["tenant_id"], ["tenant_id"])
        with op.batch_alter_table(table) as batch:  # the default was for what is there already
            for name, _, _ in added:
                batch.alter_column(name, server_default=None)
    op.create_index("ix_nodes_registered_key_sha256", "nodes", ["registered_key_sha256"])


def _now_us() -> int:
    return time.time_ns() // 1000
