"""Make the first tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    op.create_table(
        "config_layers",
        sa.Column("layer_id", sa.String(length=63), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("layer_id", name=op.f("pk_config_layers")),
    )
    op.create_table(
        "credentials",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_credentials")),
        sa.UniqueConstraint("name", name=op.f("uq_credentials_name")),
    )
    op.create_table(
        "nodes",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("esn", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_nodes")),
        sa.UniqueConstraint("esn", name=op.f("uq_nodes_esn")),
    )
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_nodes_site"), ["site"], unique=False)

    op.create_table(
        "releases",
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_releases")),
    )
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_releases_create_us"), ["create_us"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.Column("remaining_use_count", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_tokens")),
    )
    op.create_table(
        "node_configs",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_configs_node_id")),
        sa.PrimaryKeyConstraint("node_id", "revision", name=op.f("pk_node_configs")),
    )
    op.create_table(
        "node_labels",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("key", sa.String(length=63), nullable=False),
        sa.Column("value", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_labels_node_id")),
        sa.PrimaryKeyConstraint("node_id", "key", name=op.f("pk_node_labels")),
    )
    with op.batch_alter_table("node_labels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_node_labels_key_value"), ["key", "value"], unique=False)

    op.create_table(
        "node_status",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("last_report_us", sa.BigInteger(), nullable=True),
        sa.Column("report_period_us", sa.BigInteger(), nullable=False),
        sa.Column("health", sa.LargeBinary(), nullable=False),
        sa.Column("config_report", sa.LargeBinary(), nullable=False),
        sa.Column("update_report", sa.LargeBinary(), nullable=False),
        sa.Column("running_release", sa.String(length=80), nullable=False),
        sa.Column("running_version", sa.Text(), nullable=False),
        sa.Column("running_config_revision", sa.BigInteger(), nullable=False),
        sa.Column("update_phase", sa.String(length=16), nullable=False),
        sa.Column("lost_report_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_status_node_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_node_status")),
    )
    op.create_table(
        "reports",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("spool_id", sa.String(length=80), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("receive_us", sa.BigInteger(), nullable=False),
        sa.Column("record_us", sa.BigInteger(), nullable=True),
        sa.Column("time_quality", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_reports_node_id")),
        sa.PrimaryKeyConstraint("node_id", "spool_id", "sequence", name=op.f("pk_reports")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_receive_us"), ["receive_us"], unique=False)

    op.create_table(
        "rollouts",
        sa.Column("rollout_id", sa.String(length=63), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("max_in_flight_count", sa.Integer(), nullable=False),
        sa.Column("max_failure_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["releases.version"], name=op.f("fk_rollouts_version")),
        sa.PrimaryKeyConstraint("rollout_id", name=op.f("pk_rollouts")),
        sa.UniqueConstraint("request_id", name=op.f("uq_rollouts_request_id")),
    )
    with op.batch_alter_table("rollouts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollouts_create_us"), ["create_us"], unique=False)
        batch_op.create_index(batch_op.f("ix_rollouts_state"), ["state"], unique=False)

    op.create_table(
        "spools",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("spool_id", sa.String(length=80), nullable=False),
        sa.Column("acknowledged_sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_spools_node_id")),
        sa.PrimaryKeyConstraint("node_id", "spool_id", name=op.f("pk_spools")),
    )
    op.create_table(
        "node_desired",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("config_revision", sa.BigInteger(), nullable=False),
        sa.Column("config_sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=True),
        sa.Column("rollout_id", sa.String(length=63), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_desired_node_id")),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.rollout_id"], name=op.f("fk_node_desired_rollout_id")),
        sa.ForeignKeyConstraint(["version"], ["releases.version"], name=op.f("fk_node_desired_version")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_node_desired")),
    )
    op.create_table(
        "rollout_nodes",
        sa.Column("rollout_id", sa.String(length=63), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("running_release", sa.String(length=80), nullable=False),
        sa.Column("update_report", sa.LargeBinary(), nullable=False),
        sa.Column("previous_version", sa.String(length=80), nullable=True),
        sa.Column("previous_rollout_id", sa.String(length=63), nullable=True),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_rollout_nodes_node_id")),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.rollout_id"], name=op.f("fk_rollout_nodes_rollout_id")),
        sa.PrimaryKeyConstraint("rollout_id", "node_id", name=op.f("pk_rollout_nodes")),
    )
    with op.batch_alter_table("rollout_nodes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollout_nodes_node_id"), ["node_id"], unique=False)
