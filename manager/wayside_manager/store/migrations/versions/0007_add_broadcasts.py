"""Add broadcasts by area and time, and what units said of them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    op.create_table(
        "broadcasts",
        sa.Column("broadcast_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("profile", sa.String(length=8), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=True),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=160), nullable=False),
        sa.Column("withdraw_us", sa.BigInteger(), nullable=True),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_broadcasts_tenant_id")),
        sa.PrimaryKeyConstraint("broadcast_id", name=op.f("pk_broadcasts")),
    )
    op.create_index(op.f("ix_broadcasts_tenant_id"), "broadcasts", ["tenant_id"], unique=False)
    op.create_table(
        "broadcast_nodes",
        sa.Column("broadcast_id", sa.String(length=63), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.Column("told_revision", sa.BigInteger(), nullable=False),
        sa.Column("said_revision", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("say_us", sa.BigInteger(), nullable=True),
        sa.Column("receive_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.broadcast_id"], name=op.f("fk_broadcast_nodes_broadcast_id")
        ),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_broadcast_nodes_node_id")),
        sa.PrimaryKeyConstraint("broadcast_id", "node_id", name=op.f("pk_broadcast_nodes")),
    )
    op.create_index(op.f("ix_broadcast_nodes_node_id"), "broadcast_nodes", ["node_id"], unique=False)
